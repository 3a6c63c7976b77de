"""Functions for lists and objects."""

from __future__ import annotations

from functools import reduce
from typing import Any, Final

from keyless.local.azure.templates.errors import TemplateError
from keyless.local.azure.templates.functions.function import MANY, Function, number, text
from keyless.local.azure.templates.unresolved import Unresolved, written

_LONGEST_RANGE: Final = 10_000
_PAIR: Final = 2


def get(held: Any, key: Any) -> Any:
    """Return a property of an object, whatever the case of its name, or an element of a list.

    Raises:
        TemplateError: If it is not there.
    """
    if isinstance(held, Unresolved):
        return Unresolved(f"{held.text}{_step(key)}")
    if isinstance(held, dict) and isinstance(key, str):
        if key in held:
            return held[key]
        near = next((name for name in held if name.lower() == key.lower()), None)
        if near is not None:
            return held[near]
        raise TemplateError(
            f"The language expression property '{key}' doesn't exist, available properties are '{', '.join(held)}'."
        )
    if isinstance(held, list) and isinstance(key, int) and not isinstance(key, bool):
        if 0 <= key < len(held):
            return held[key]
        raise TemplateError(f"The language expression property array index '{key}' is out of bounds.")
    raise TemplateError(
        f"The language expression property '{key}' can't be evaluated: it is of no object and no array."
    )


def _step(key: Any) -> str:
    return f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{written(key)}]"


def _try_get(held: Any, *keys: Any) -> Any:
    for key in keys:
        try:
            held = get(held, key)
        except TemplateError:
            return None
    return held


def _contains(held: Any, part: Any) -> bool:
    if isinstance(held, str):
        return text(part).lower() in held.lower() if isinstance(part, str) else str(part) in held
    if isinstance(held, dict):
        return text(part).lower() in (name.lower() for name in held)
    return part in held


def _empty(value: Any) -> bool:
    if value is not None and not isinstance(value, str | list | dict):
        raise TemplateError("it takes a string, an array, an object, or null.")
    return not value


def _object(*pairs: Any) -> dict[str, Any]:
    if len(pairs) % 2:
        raise TemplateError("it takes a value for each name.")
    return {text(pairs[at]): pairs[at + 1] for at in range(0, len(pairs), _PAIR)}


def _union(*held: Any) -> Any:
    if all(isinstance(each, dict) for each in held):
        first, *rest = held
        return reduce(_merged, rest, first)
    return _distinct([element for each in held for element in _list(each)])


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    found = dict(first)
    for name, value in second.items():
        before = found.get(name)
        found[name] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return found


def _shallow_merged(held: Any) -> dict[str, Any]:
    return {name: value for each in _list(held) for name, value in each.items()}


def _intersection(*held: Any) -> Any:
    if all(isinstance(each, dict) for each in held):
        first, rest = held[0], held[1:]
        return {name: value for name, value in first.items() if all(each.get(name) == value for each in rest)}
    return [element for element in _distinct(_list(held[0])) if all(element in _list(each) for each in held[1:])]


def _distinct(held: list[Any]) -> list[Any]:
    found: list[Any] = []
    for each in held:
        if each not in found:
            found.append(each)
    return found


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TemplateError("it takes an array.")
    return value


def _sliced(value: Any) -> str | list[Any]:
    if not isinstance(value, str | list):
        raise TemplateError("it takes a string or an array.")
    return value


def _range(start: Any, count: Any) -> list[int]:
    if not 0 <= number(count) <= _LONGEST_RANGE:
        raise TemplateError(f"it takes a count from 0 to {_LONGEST_RANGE}.")
    return list(range(number(start), number(start) + count))


def _flatten(held: Any) -> list[Any]:
    return [element for each in _list(held) for element in (each if isinstance(each, list) else [each])]


def _items(held: Any) -> list[dict[str, Any]]:
    return [{"key": name, "value": value} for name, value in sorted(held.items(), key=lambda pair: pair[0].lower())]


FUNCTIONS: Final = (
    Function("array", 1, 1, lambda value: value if isinstance(value, list) else [value]),
    Function("createArray", 0, MANY, lambda *values: list(values), unknown="anywhere"),
    Function("createObject", 0, MANY, _object, unknown="anywhere"),
    Function("contains", 2, 2, _contains),
    Function("empty", 1, 1, _empty),
    Function("first", 1, 1, lambda value: next(iter(_sliced(value)), None if isinstance(value, list) else "")),
    Function("last", 1, 1, lambda value: next(reversed(_sliced(value)), None if isinstance(value, list) else "")),
    Function("flatten", 1, 1, _flatten),
    Function("intersection", 2, MANY, _intersection),
    Function("union", 2, MANY, _union, unknown="inside"),
    Function("shallowMerge", 1, 1, _shallow_merged, unknown="inside"),
    Function("items", 1, 1, _items, unknown="inside"),
    Function("objectKeys", 1, 1, lambda value: sorted(value, key=str.lower)),
    Function("length", 1, 1, len, unknown="inside"),
    Function("range", 2, 2, _range),
    Function("skip", 2, 2, lambda value, count: _sliced(value)[max(number(count), 0) :]),
    Function("take", 2, 2, lambda value, count: _sliced(value)[: max(number(count), 0)]),
    Function("tryGet", 2, MANY, _try_get, unknown="inside"),
)
