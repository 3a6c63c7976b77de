"""Constraints on the values of routes, such as ``{id:int}``: those that the Functions host knows.

Source: https://learn.microsoft.com/en-us/aspnet/core/fundamentals/routing#route-constraints
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from keyless.local.functions.worker.dates import is_date
from keyless.local.functions.worker.templates import TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable

    Check = Callable[[str], bool]

_WHITE = " \t\n\v\f\r"
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?([0-9][0-9,]*\.?[0-9]*|\.[0-9]+)[+-]?")
_DOUBLE = re.compile(r"(?i:[+-]?([0-9][0-9,]*\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?(nan|infinity))")
_HEX = "[0-9a-fA-F]"
_GROUPS = f"{_HEX}{{8}}-({_HEX}{{4}}-){{3}}{_HEX}{{12}}"
_GUID = re.compile(rf"{_HEX}{{32}}|{_GROUPS}|\{{{_GROUPS}\}}|\({_GROUPS}\)")
_MOST_DECIMAL = 79228162514264337593543950335
_INT32, _INT64 = 31, 63


def constraint_check(parameter: str, constraint: str, template: str) -> Check:
    """Return a check whether a value satisfies a constraint.

    Args:
        parameter: The parameter's name, for the message.
        constraint: The constraint, as the template has it.
        template: The whole template, for the message.

    Raises:
        TemplateError: If the host does not know the constraint, or not in this form.
    """
    name, bracket, rest = constraint.partition("(")
    if not constraint.endswith(")"):
        name, bracket, rest = constraint, "", ""
    arguments = rest[:-1] if bracket else None
    key = name.lower()
    if key in _PLAIN:
        return _PLAIN[key] if arguments is None else _no_constructor(_CLASSES[key], arguments)
    if key == "regex":
        if arguments is None:
            raise TemplateError("Value cannot be null. (Parameter 'regexPattern')")
        return _regex(arguments)
    if key in _ONE_NUMBER:
        return _with_one_number(key, arguments)
    if key in {"length", "range"}:
        return _between(key, arguments)
    raise TemplateError(
        f"The constraint entry '{parameter}' - '{constraint}' on the route '{template}' could not be resolved by the "
        "constraint resolver of type 'DefaultInlineConstraintResolver'."
    )


def _no_constructor(kind: str, arguments: str | None) -> Check:
    number = 0 if arguments is None else len(arguments.split(","))
    raise TemplateError(
        f"Could not find a constructor for constraint type '{kind}' with the following number of parameters: {number}."
    )


def _with_one_number(key: str, arguments: str | None) -> Check:
    bits, least = _ONE_NUMBER[key]
    if arguments is None:
        raise TemplateError("Null object cannot be converted to a value type.")
    number = _number(arguments, bits)
    if least is not None and number < least:
        parameter = {"minlength": "minLength", "maxlength": "maxLength"}[key]
        raise TemplateError(f"Value must be greater than or equal to 0. (Parameter '{parameter}')")
    return partial(_CHECKS[key], number)


def _between(key: str, arguments: str | None) -> Check:
    texts = [] if arguments is None else arguments.split(",")
    kind, fitting, bits = (
        ("LengthRouteConstraint", {1, 2}, _INT32) if key == "length" else ("RangeRouteConstraint", {2}, _INT64)
    )
    if len(texts) not in fitting:
        return _no_constructor(kind, arguments)
    bounds = [_number(text, bits) for text in texts]
    if key == "length" and bounds[0] < 0:
        parameter = "length" if len(bounds) == 1 else "minLength"
        raise TemplateError(f"Value must be greater than or equal to 0. (Parameter '{parameter}')")
    if bounds[0] > bounds[-1]:
        low, high = ("minLength", "maxLength") if key == "length" else ("min", "max")
        raise TemplateError(
            f"The value for argument '{low}' should be less than or equal to the value for the argument '{high}'. "
            f"(Parameter '{low}')"
        )
    measure = _length if key == "length" else _long
    return lambda value: (size := measure(value)) is not None and bounds[0] <= size <= bounds[-1]


def _number(text: str, bits: int) -> int:
    trimmed = text.strip(_WHITE)
    if not _INTEGER.fullmatch(trimmed):
        raise TemplateError(f"The input string '{text}' was not in a correct format.")
    number = int(trimmed)
    if not -(1 << bits) <= number < 1 << bits:
        raise TemplateError(f"Value was either too large or too small for an Int{bits + 1}.")
    return number


def _integer(bits: int, value: str) -> int | None:
    """Return the whole number that a value is; None where it is none, or too large."""
    trimmed = value.strip(_WHITE)
    if not _INTEGER.fullmatch(trimmed):
        return None
    number = int(trimmed)
    return number if -(1 << bits) <= number < 1 << bits else None


def _long(value: str) -> int | None:
    return _integer(_INT64, value)


def _length(value: str) -> int:
    """Return the length of a text as .NET counts it, in units of UTF-16."""
    return len(value.encode("utf-16-le", "surrogatepass")) // 2


def _is_decimal(value: str) -> bool:
    trimmed = value.strip(_WHITE)
    if not _DECIMAL.fullmatch(trimmed) or (trimmed[0] in "+-" and trimmed[-1] in "+-"):
        return False
    whole = trimmed.strip("+-").replace(",", "").partition(".")[0]
    return int(whole or "0") <= _MOST_DECIMAL


def _is_file(value: str) -> bool:
    name = value.rpartition("/")[2]
    dot = name.rfind(".")
    return dot >= 0 and dot + 1 < len(name)


def _regex(pattern: str) -> Check:
    # Groups are named in another way than in .NET; what neither knows of the other's fails when a value is looked at.
    translated = re.sub(r"\(\?<(?![=!])", "(?P<", pattern)
    return lambda value: re.search(translated, value, re.IGNORECASE) is not None


_PLAIN: dict[str, Check] = {
    "int": lambda value: _integer(_INT32, value) is not None,
    "long": lambda value: _long(value) is not None,
    "bool": lambda value: value.strip(_WHITE + "\0").lower() in {"true", "false"},
    "datetime": is_date,
    "decimal": _is_decimal,
    "double": lambda value: _DOUBLE.fullmatch(value.strip(_WHITE)) is not None,
    "float": lambda value: _DOUBLE.fullmatch(value.strip(_WHITE)) is not None,
    "guid": lambda value: _GUID.fullmatch(value.strip(_WHITE)) is not None,
    "alpha": lambda value: re.fullmatch("[A-Za-z]*", value) is not None,
    "required": bool,
    "file": _is_file,
    "nonfile": lambda value: not _is_file(value),
}
_CLASSES = {
    "int": "IntRouteConstraint",
    "long": "LongRouteConstraint",
    "bool": "BoolRouteConstraint",
    "datetime": "DateTimeRouteConstraint",
    "decimal": "DecimalRouteConstraint",
    "double": "DoubleRouteConstraint",
    "float": "FloatRouteConstraint",
    "guid": "GuidRouteConstraint",
    "alpha": "AlphaRouteConstraint",
    "required": "RequiredRouteConstraint",
    "file": "FileNameRouteConstraint",
    "nonfile": "NonFileNameRouteConstraint",
}
# The bits of the number that each takes, and its least value.
_ONE_NUMBER: dict[str, tuple[int, int | None]] = {
    "minlength": (_INT32, 0),
    "maxlength": (_INT32, 0),
    "min": (_INT64, None),
    "max": (_INT64, None),
}
_CHECKS: dict[str, Callable[[int, str], bool]] = {
    "minlength": lambda bound, value: _length(value) >= bound,
    "maxlength": lambda bound, value: _length(value) <= bound,
    "min": lambda bound, value: (number := _long(value)) is not None and number >= bound,
    "max": lambda bound, value: (number := _long(value)) is not None and number <= bound,
}
