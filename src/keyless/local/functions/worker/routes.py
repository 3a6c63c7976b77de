"""The choice of the function for a request: by its route and method, the functions tried in the order of their names.

The host has a router of its own on top of ASP.NET Core's templates, which takes the first function that fits and not the
one that fits best: https://github.com/Azure/azure-functions-host/issues/3153.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from keyless.local.functions.worker.complex_segments import match_complex
from keyless.local.functions.worker.constraints import constraint_check
from keyless.local.functions.worker.templates import Literal, Parameter, Segment, parse_template
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Routes that start so belong to the host.
_RESERVED = ("admin", "runtime")


class Route(Record, frozen=True):
    """The route of one HTTP function.

    Attributes:
        template: The template with the app's prefix.
        methods: The methods it answers to, as capitals; empty means all.
        segments: What the template holds.
        checks: What each parameter's value must satisfy.
    """

    template: str
    methods: frozenset[str]
    segments: tuple[Segment, ...]
    checks: tuple[tuple[Parameter, Callable[[str], bool]], ...]

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the parameters of a request that this route serves; None where it does not.

        Args:
            method: The request's method.
            path: Its whole path, decoded except for ``%2F``.
        """
        if self.methods and method.upper() not in self.methods:
            return None
        values = self._values(path)
        if values is None:
            return None
        for parameter, check in self.checks:
            value = values.get(parameter.name)
            if not (parameter.optional and not value) and (value is None or not check(value)):
                return None
        return {name: value for name, value in values.items() if value is not None}

    def _values(self, path: str) -> dict[str, str | None] | None:
        """Return what the path gives each parameter; None for a catch-all parameter that gets nothing."""
        asked = path.removeprefix("/").removesuffix("/") if path != "/" else ""
        given = asked.split("/") if path not in {"", "/"} else []
        values: dict[str, str | None] = {}
        for index, (text, segment) in enumerate(zip_longest(given, self.segments)):
            if text == "" or segment is None:
                return None
            first = segment[0]
            if text is not None and isinstance(first, Parameter) and first.catch_all:
                values[first.name] = path.removeprefix("/").split("/", index)[index]
                break
            found = _lacking(segment) if text is None else _taken(segment, text)
            if found is None:
                return None
            values |= found
        return self._defaults() | values

    def _defaults(self) -> dict[str, str | None]:
        parts = (part for segment in self.segments for part in segment if isinstance(part, Parameter))
        return {part.name: part.default for part in parts if part.default is not None}

    def hides(self, other: Route) -> bool:
        """Tell whether each request for another route reaches this one, where this one is tried first.

        Only what is certain is reported: a parameter with a constraint hides nothing.
        """
        if self.methods and not (other.methods and other.methods <= self.methods):
            return False
        for index, segment in enumerate(self.segments):
            theirs = other.segments[index] if index < len(other.segments) else None
            first = segment[0]
            if len(segment) > 1 or (isinstance(first, Parameter) and first.constraints):
                return False
            if isinstance(first, Parameter) and first.catch_all:
                return True
            if theirs is None:
                return isinstance(first, Parameter) and all(_can_lack(one) for one in self.segments[index:])
            if isinstance(theirs[0], Parameter) and theirs[0].catch_all:
                return False
            if isinstance(first, Literal):
                if (
                    len(theirs) > 1
                    or not isinstance(theirs[0], Literal)
                    or theirs[0].text.upper() != first.text.upper()
                ):
                    return False
            elif not _may_lack(first) and _can_lack(theirs):
                return False
        return len(self.segments) == len(other.segments)


def parse_route(template: str, methods: frozenset[str]) -> Route:
    """Return the route that a template describes.

    Raises:
        TemplateError: If the host refuses the template, and with it the whole app.
    """
    segments = parse_template(template)
    parameters = [part for segment in segments for part in segment if isinstance(part, Parameter)]
    checks = tuple(
        (parameter, constraint_check(parameter.name, constraint, template))
        for parameter in parameters
        for constraint in parameter.constraints
    )
    return Route(template, methods, segments, checks)


def joined(prefix: str, template: str) -> str:
    """Return a template with the app's prefix before it, as the host puts them together."""
    return f"{prefix}/{template}" if prefix else template


def is_reserved(template: str) -> bool:
    """Tell whether a template, without the prefix, belongs to the host: it then serves no function there."""
    return template.lower().startswith(_RESERVED)


def order(name: str) -> str:
    """Return by what functions are ordered: their names as capitals."""
    return name.upper()


def never_called(routes: Sequence[tuple[str, Route]]) -> list[tuple[str, str]]:
    """Return the names of functions that no request reaches, each with the name of the one that takes its requests.

    Args:
        routes: The names and the routes, in the order in which they are tried.
    """
    found = []
    for index, (name, route) in enumerate(routes):
        taker = next((first for first, earlier in routes[:index] if earlier.hides(route)), None)
        if taker is not None:
            found.append((name, taker))
    return found


def _lacking(segment: Segment) -> dict[str, str | None] | None:
    """Return what the parameters of a segment are that the path lacks; None where it may not lack it."""
    first = segment[0]
    if len(segment) > 1 or isinstance(first, Literal) or not _may_lack(first):
        return None
    return {first.name: first.default} if first.catch_all or first.default is not None else {}


def _taken(segment: Segment, text: str) -> dict[str, str | None] | None:
    """Return what a part of the path gives the parameters of a segment; None where it does not fit."""
    first = segment[0]
    if len(segment) > 1:
        return match_complex(segment, text)
    if isinstance(first, Literal):
        return {} if first.text.upper() == text.upper() else None
    return {first.name: text}


def _may_lack(parameter: Parameter) -> bool:
    return parameter.optional or parameter.catch_all or parameter.default is not None


def _can_lack(segment: Segment) -> bool:
    return len(segment) == 1 and isinstance(segment[0], Parameter) and _may_lack(segment[0])
