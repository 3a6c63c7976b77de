"""Route templates of HTTP functions, such as ``orders/{id:int}/{*rest}``, matched as the Functions host matches them.

The Functions host hands them to ASP.NET Core, whose rules these are:
https://learn.microsoft.com/en-us/aspnet/core/fundamentals/routing#route-templates
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from keyless.errors import LocalAzureError

if TYPE_CHECKING:
    from collections.abc import Callable

# {name}, {name?}, {name=default}, {*name}, {**name}, each with constraints such as :int or :length(2,4).
_PARAMETER = re.compile(
    r"\{(?P<stars>\*{0,2})(?P<name>[^{}:=?*]+)(?P<constraints>(?::(?:[^{}=?()]|\([^()]*\))+)?)"
    r"(?:=(?P<default>[^{}?]*))?(?P<optional>\??)\}"
)
_CONSTRAINT = re.compile(r":(?P<name>[A-Za-z]+)(?:\((?P<arguments>[^()]*)\))?")
_INTEGER = r"[+-]?[0-9]+"
_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
_FORMS = {
    "int": _INTEGER,
    "long": _INTEGER,
    "bool": r"(?i:true|false)",
    "alpha": r"[A-Za-z]*",
    "guid": r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}",
    "decimal": _NUMBER,
    "double": _NUMBER,
    "float": _NUMBER,
    "required": r".+",
}
# How many numbers each takes.
_BOUNDED = {"length": (1, 2), "minlength": (1,), "maxlength": (1,), "min": (1,), "max": (1,), "range": (2,)}
# Matching ignores the case of what the template spells out, and tells more specific segments by these ranks.
_LITERAL, _CONSTRAINED, _FREE, _CONSTRAINED_REST, _REST = range(5)


@dataclass(frozen=True, slots=True)
class Route:
    """Where one HTTP function is reached.

    Attributes:
        template: The template as its author wrote it.
        methods: The methods it answers to; empty means all.
        pattern: What a path must look like: a slash before each segment, none at the end.
        parameters: The parameters' names, in the order of the pattern's groups.
        defaults: What a parameter is where the path leaves it out.
        checks: What each parameter's value must satisfy.
        rank: How specific it is; the least is tried first.
    """

    template: str
    methods: frozenset[str]
    pattern: re.Pattern[str]
    parameters: tuple[str, ...]
    defaults: dict[str, str]
    checks: tuple[tuple[str, Callable[[str], bool]], ...]
    rank: tuple[int, ...]

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the parameters of a request that this route serves; None where it serves another.

        Args:
            method: The request's method.
            path: Its path below the route prefix, decoded except for ``%2F`` and ``%25``.
        """
        if self.methods and method not in self.methods:
            return None
        found = self.pattern.fullmatch(f"/{path.strip('/')}".rstrip("/"))
        if found is None:
            return None
        values = dict(self.defaults)
        for name, value in zip(self.parameters, found.groups(), strict=True):
            if value:
                values[name] = value.replace("%25", "%")
        return values if all(check(values[name]) for name, check in self.checks if name in values) else None


def parse_route(template: str, methods: frozenset[str]) -> Route:
    """Return the route that a template describes.

    Raises:
        LocalAzureError: If the template is malformed or asks for a constraint that is not known.
    """
    segments = [_parse_segment(template, segment) for segment in template.strip("/").split("/") if segment]
    parameters = [parameter for segment in segments for parameter in segment.parameters]
    return Route(
        template=template,
        methods=methods,
        pattern=re.compile("".join(segment.pattern for segment in segments), re.IGNORECASE | re.DOTALL),
        parameters=tuple(parameter["name"].strip() for parameter in parameters),
        defaults={
            parameter["name"].strip(): parameter["default"]
            for parameter in parameters
            if parameter["default"] is not None
        },
        checks=tuple(
            (parameter["name"].strip(), _check(template, constraint["name"].lower(), constraint["arguments"] or ""))
            for parameter in parameters
            for constraint in _CONSTRAINT.finditer(parameter["constraints"])
        ),
        rank=tuple(segment.rank for segment in segments),
    )


class _Segment(NamedTuple):
    pattern: str
    rank: int
    parameters: list[re.Match[str]]


def _parse_segment(template: str, segment: str) -> _Segment:
    parameters = list(_PARAMETER.finditer(segment))
    literals = [re.escape(text) for text in _between(parameters, segment)]
    if any("{" in text or "}" in text for text in literals):
        raise LocalAzureError(
            f"The route {template!r} cannot be read: {segment!r} is no segment of one.",
            cause="A parameter is written {name}, {name:int}, {name?}, {name=default} or {*rest}.",
            remedy="Change the route in function_app.py.",
        )
    if not parameters:
        return _Segment(f"/{literals[0]}", _LITERAL, [])
    groups = ["(.*)" if found["stars"] else "([^/]*)" if _may_lack(found) else "([^/]+)" for found in parameters]
    pattern = "/" + literals[0] + "".join(group + text for group, text in zip(groups, literals[1:], strict=True))
    first = parameters[0]
    if first.group() != segment:
        return _Segment(pattern, _CONSTRAINED, parameters)
    rank = (_CONSTRAINED if first["constraints"] else _FREE) + (_REST - _FREE if first["stars"] else 0)
    # What may be missing takes the slash before it along.
    return _Segment(f"(?:{pattern})?" if _may_lack(first) else pattern, rank, parameters)


def _between(found: list[re.Match[str]], segment: str) -> list[str]:
    """Return what a segment spells out before, between and after its parameters."""
    starts, ends = [match.start() for match in found], [match.end() for match in found]
    return [segment[end:start] for end, start in zip([0, *ends], [*starts, len(segment)], strict=True)]


def _may_lack(parameter: re.Match[str]) -> bool:
    return bool(parameter["stars"] or parameter["optional"]) or parameter["default"] is not None


def _check(template: str, name: str, arguments: str) -> Callable[[str], bool]:
    """Return what tells whether a value satisfies a constraint."""
    if name == "regex":
        return lambda value: re.search(arguments, value, re.IGNORECASE) is not None
    form = _FORMS.get(name)
    if form is not None:
        return lambda value: re.fullmatch(form, value) is not None
    bounds = [int(text) for text in arguments.split(",") if re.fullmatch(_INTEGER, text.strip())]
    if name in _BOUNDED and len(bounds) in _BOUNDED[name]:
        return partial(_within, name, bounds)
    raise LocalAzureError(
        f"The route {template!r} has the constraint {name!r}, which is not known, or not in this form.",
        cause=f"Known are {', '.join([*_FORMS, 'regex(pattern)'])} and, with numbers, {', '.join(_BOUNDED)}.",
        remedy="Write the constraint in one of these forms, or check the value in the function.",
    )


def _within(name: str, bounds: list[int], value: str) -> bool:
    """Tell whether a value's length, or the value as a number, is within bounds."""
    if "length" not in name and not re.fullmatch(_INTEGER, value):
        return False
    number = len(value) if "length" in name else int(value)
    least = None if name.startswith("max") else bounds[0]
    most = None if name.startswith("min") else bounds[-1]
    return (least is None or number >= least) and (most is None or number <= most)
