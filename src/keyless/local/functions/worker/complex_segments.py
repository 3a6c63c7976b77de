"""Match a segment of a route that has several parts, such as ``{name}.{extension?}``: from its end, as ASP.NET Core does.

Source: https://github.com/dotnet/aspnetcore/blob/main/src/Http/Routing/src/Matching/RoutePatternMatcher.cs
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.functions.worker.templates import Literal, Parameter

if TYPE_CHECKING:
    from keyless.local.functions.worker.templates import Segment


def match_complex(segment: Segment, text: str) -> dict[str, str | None] | None:
    """Return what a text gives each parameter of a segment; None where it does not fit."""
    last = segment[-1]
    if not (isinstance(last, Parameter) and last.optional):
        return _match(segment, text)
    found = _match(segment, text)
    if found is not None or text.endswith("."):
        return found
    return _match(segment[:-2], text)


def _match(segment: Segment, text: str) -> dict[str, str | None] | None:
    """Match from the end: each literal where it is last, and each parameter what is between two literals."""
    values: dict[str, str | None] = {}
    end = len(text)
    waiting: Parameter | None = None
    for index in range(len(segment) - 1, -1, -1):
        part = segment[index]
        if isinstance(part, Parameter):
            waiting = part
            if index == 0:
                if not text[:end]:
                    return None
                values[part.name] = text[:end]
            continue
        at = _last(part, text[: end - (waiting is not None)])
        if at == -1 or (index == len(segment) - 1 and at + len(part.text) != len(text)):
            return None
        if waiting is not None:
            values[waiting.name] = text[at + len(part.text) : end]
            waiting = None
        end = at
    return values if end == 0 or isinstance(segment[0], Parameter) else None


def _last(literal: Literal, text: str) -> int:
    return text.upper().rfind(literal.text.upper()) if text else -1
