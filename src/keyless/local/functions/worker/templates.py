"""Route templates of HTTP functions, such as ``orders/{id:int}/{*rest}``, read as the Functions host reads them.

The host hands them to ASP.NET Core, whose parser this follows, step by step and with its words for what it refuses:
https://github.com/dotnet/aspnetcore/blob/main/src/Http/Routing/src/Patterns/RoutePatternParser.cs
"""

from __future__ import annotations

import itertools

from keyless.local.record import Record

_INVALID_NAME = (
    "The route parameter name '{}' is invalid. Route parameter names must be non-empty and cannot contain these characters:"
    " '{{', '}}', '/'. The '?' character marks a parameter as optional, and can occur only at the end of the parameter. The "
    "'*' character marks a parameter as catch-all, and can occur only at the start of the parameter."
)
_MISMATCHED = (
    "There is an incomplete parameter in the route template. "
    "Check that each '{' character has a matching '}' character."
)
_CONSECUTIVE_SEPARATORS = (
    "The route template separator character '/' cannot appear consecutively. It must be separated by either a parameter or "
    "a literal value."
)


class TemplateError(Exception):
    """A template that the host refuses: it then starts no function of the app."""


class Literal(Record, frozen=True):
    """A part that a path must spell out, whatever its case."""

    text: str


class Parameter(Record, frozen=True):
    """A part that takes what the path holds there.

    Attributes:
        name: Its name.
        optional: Whether the path may lack it.
        catch_all: Whether it takes the rest of the path.
        default: What it is where the path lacks it; None means that there is none.
        constraints: What it must satisfy, as the template has them.
    """

    name: str
    optional: bool
    catch_all: bool
    default: str | None
    constraints: tuple[str, ...]


Part = Literal | Parameter
Segment = tuple[Part, ...]


def parse_template(template: str) -> tuple[Segment, ...]:
    """Return the segments of a template.

    Raises:
        TemplateError: If the host refuses it.
    """
    text = template.removeprefix("~/") if template.startswith("~/") else template.removeprefix("/")
    segments: list[Segment] = []
    at = 0
    while at < len(text):
        if text[at] == "/":
            raise TemplateError(_CONSECUTIVE_SEPARATORS)
        at, segment = _parse_segment(text, at)
        segments.append(segment)
        at += 1
    _check_all(segments)
    return tuple(segments)


def _parse_segment(text: str, at: int) -> tuple[int, Segment]:
    """Return where a segment ends, and its parts."""
    parts: list[Part] = []
    start = at
    while at < len(text) and text[at] != "/":
        if text[at] == "{" and at + 1 == len(text):
            raise TemplateError(_MISMATCHED)
        if text[at] == "{" and text[at + 1] != "{":
            at, part = _parse_parameter(text, at)
        else:
            at, part = _parse_literal(text, at)
        parts.append(part)
    _check_segment(text[start:at], parts)
    return at, tuple(parts)


def _parse_literal(text: str, at: int) -> tuple[int, Part]:
    start = at
    while at < len(text) and text[at] != "/":
        if text[at] in "{}":
            doubled = text[at : at + 2] == text[at] * 2
            if text[at] == "{" and not doubled and at + 1 < len(text):
                break
            if not doubled:
                raise TemplateError(_MISMATCHED)
            at += 1
        at += 1
    literal = _unescaped(text[start:at])
    if "?" in literal:
        raise TemplateError(
            f"The literal section '{literal}' is invalid. Literal sections cannot contain the '?' character."
        )
    return at, Literal(literal)


def _parse_parameter(text: str, at: int) -> tuple[int, Part]:
    start = at
    at += 1
    while True:
        if at >= len(text):
            raise TemplateError(_MISMATCHED)
        if text[at] == "{":
            at += 1
            if at >= len(text):
                raise TemplateError(_MISMATCHED)
            if text[at] != "{":
                raise TemplateError("In a route parameter, '{' and '}' must be escaped with '{{' and '}}'.")
        elif text[at] == "}":
            at += 1
            if at >= len(text) or text[at] != "}":
                break
        at += 1
    inside = text[start + 1 : at - 1]
    if not inside:
        raise TemplateError(_INVALID_NAME.format(""))
    return at, _read_parameter(_unescaped(inside))


def _read_parameter(text: str) -> Parameter:
    """Return what is between the braces of a parameter."""
    if text.startswith("*") and text.endswith("?"):
        raise TemplateError("A catch-all parameter cannot be marked optional.")
    stars = 2 if text.startswith("**") else 1 if text.startswith("*") else 0
    optional = text.endswith("?")
    held = text[stars : len(text) - optional]
    # A delimiter at the start is part of the name.
    ends = [end for delimiter in ":=" if (end := held.find(delimiter, 1)) > 0]
    end = min(ends, default=len(held))
    at, constraints = _read_constraints(held, end)
    default = held[at + 1 :] if held[at : at + 1] == "=" else None
    if optional and default is not None:
        raise TemplateError("An optional parameter cannot have default value.")
    name = held[:end]
    if not name or set(name) & set("/{}?*"):
        raise TemplateError(_INVALID_NAME.format(name))
    return Parameter(name, optional, bool(stars), default, tuple(constraints))


def _read_constraints(text: str, at: int) -> tuple[int, list[str]]:
    """Return where the constraints end, which is at a default value or at the text's end, and the constraints."""
    found: list[str] = []
    while text[at : at + 1] == ":":
        start = at + 1
        at = _end_of_constraint(text, start)
        if at > start:
            found.append(text[start:at])
    return at, found


def _end_of_constraint(text: str, at: int) -> int:
    """Return where a constraint ends: at the next delimiter outside parentheses."""
    inside = False
    while at < len(text):
        if inside and text[at] == ")" and text[at + 1 : at + 2] in {":", "="}:
            return at + 1
        if text[at] in ":=":
            closing = text.find(")", at + 1) if inside else -1
            if closing == -1:
                return at
            at = closing
        elif text[at] == "(":
            inside = True
        at += 1
    return at


def _check_segment(written: str, parts: list[Part]) -> None:
    if len(parts) > 1 and any(isinstance(part, Parameter) and part.catch_all for part in parts):
        raise TemplateError(
            "A path segment that contains more than one section, such as a literal section or a parameter, cannot contain a "
            "catch-all parameter."
        )
    for index, part in enumerate(parts):
        if len(parts) == 1 or isinstance(part, Literal) or not part.optional:
            continue
        if index < len(parts) - 1:
            raise TemplateError(
                f"An optional parameter must be at the end of the segment. In the segment '{written}', optional parameter "
                f"'{part.name}' is followed by '{_shown(parts[index + 1])}'."
            )
        if parts[index - 1] != Literal("."):
            raise TemplateError(
                f"In the segment '{written}', the optional parameter '{part.name}' is preceded by an invalid segment "
                f"'{_shown(parts[index - 1])}'. Only a period (.) can precede an optional parameter."
            )
    for one, next_one in itertools.pairwise(parts):
        if isinstance(one, Parameter) and isinstance(next_one, Parameter):
            raise TemplateError(
                "A path segment cannot contain two consecutive parameters. They must be separated by a '/' or by a literal "
                "string."
            )


def _check_all(segments: list[Segment]) -> None:
    parameters = [part for segment in segments for part in segment if isinstance(part, Parameter)]
    seen: set[str] = set()
    for parameter in parameters:
        if parameter.name.lower() in seen:
            raise TemplateError(
                f"The route parameter name '{parameter.name}' appears more than one time in the route template."
            )
        seen.add(parameter.name.lower())
    if any(part.catch_all for segment in segments[:-1] for part in segment if isinstance(part, Parameter)):
        raise TemplateError("A catch-all parameter can only appear as the last segment of the route template.")


def _shown(part: Part) -> str:
    if isinstance(part, Literal):
        return part.text
    return f"{{{'*' if part.catch_all else ''}{part.name}{'?' if part.optional else ''}}}"


def _unescaped(text: str) -> str:
    return text.replace("}}", "}").replace("{{", "{")
