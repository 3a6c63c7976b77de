"""Functions for numbers, comparisons and the types of values."""

from __future__ import annotations

from typing import Any, Final

from keyless.local.azure.templates.errors import TemplateError
from keyless.local.azure.templates.functions.function import MANY, Function, flag, number


def _divided(first: Any, second: Any) -> tuple[int, int]:
    """Return a quotient that is cut towards zero, and what is left."""
    left, right = number(first), number(second)
    if right == 0:
        raise TemplateError("it cannot divide by 0.")
    quotient = abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    return quotient, left - quotient * right


def _bool(value: Any) -> bool:
    if isinstance(value, str) and value.lower() in {"true", "false", "1", "0"}:
        return value.lower() in {"true", "1"}
    if isinstance(value, bool | int):
        return bool(value)
    raise TemplateError("it takes 'true', 'false', or an integer.")


def _int(value: Any) -> int:
    return number(value) if not isinstance(value, str | float) else int(value)


def _flat(values: tuple[Any, ...]) -> list[int]:
    held = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    return [number(each) for each in held]


def _equals(first: Any, second: Any) -> bool:
    """Return whether values are equal; true is not 1."""
    if isinstance(first, bool) != isinstance(second, bool):
        return False
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_equals(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_equals, first, second))
    return bool(first == second)


def _ordered(first: Any, second: Any) -> tuple[Any, Any]:
    if isinstance(first, str) and isinstance(second, str):
        return first, second
    return number(first), number(second)


def _less(first: Any, second: Any) -> bool:
    left, right = _ordered(first, second)
    return bool(left < right)


FUNCTIONS: Final = (
    Function("add", 2, 2, lambda first, second: number(first) + number(second)),
    Function("sub", 2, 2, lambda first, second: number(first) - number(second)),
    Function("mul", 2, 2, lambda first, second: number(first) * number(second)),
    Function("div", 2, 2, lambda first, second: _divided(first, second)[0]),
    Function("mod", 2, 2, lambda first, second: _divided(first, second)[1]),
    Function("min", 1, MANY, lambda *values: min(_flat(values))),
    Function("max", 1, MANY, lambda *values: max(_flat(values))),
    Function("int", 1, 1, _int),
    Function("float", 1, 1, float),
    Function("bool", 1, 1, _bool),
    Function("true", 0, 0, lambda: True),
    Function("false", 0, 0, lambda: False),
    Function("null", 0, 0, lambda: None),
    Function("not", 1, 1, lambda value: not flag(value)),
    Function("equals", 2, 2, _equals),
    Function("less", 2, 2, _less),
    Function("lessOrEquals", 2, 2, lambda first, second: not _less(second, first)),
    Function("greater", 2, 2, lambda first, second: _less(second, first)),
    Function("greaterOrEquals", 2, 2, lambda first, second: not _less(first, second)),
)
