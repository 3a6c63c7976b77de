"""Functions that make and take texts apart."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote, urljoin

from keyless.local.azure.templates.errors import TemplateError
from keyless.local.azure.templates.functions.function import MANY, Function, expect_size, number, text
from keyless.local.azure.templates.unique import guid, unique_string

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLACE: Final = re.compile(r"\{\{|\}\}|\{(\d+)(?:,(-?\d{1,4}))?(?::([^{}]*))?\}")
_LONGEST: Final = 1_000_000


def as_text(value: Any) -> str:
    """Return any value as a text."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "True" if value else "False"
        case list() | dict():
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)


def _concat(*parts: Any) -> Any:
    if all(isinstance(each, list) for each in parts):
        return [held for each in parts for held in each]
    if any(isinstance(each, list | dict) for each in parts):
        raise TemplateError("it takes only strings, or only arrays.")
    return "".join(as_text(each) for each in parts)


def _format(pattern: Any, *values: Any) -> str:
    size = 0

    def filled(found: re.Match[str]) -> str:
        nonlocal size
        if found[1] is None:
            return found[0][0]
        at, width, form = int(found[1]), int(found[2] or 0), found[3] or ""
        if at >= len(values):
            raise TemplateError(f"the format has no argument for '{{{at}}}'.")
        value = _formed(values[at], form)
        size += max(len(value), abs(width))
        expect_size(size)
        return value.ljust(-width) if width < 0 else value.rjust(width)

    return _PLACE.sub(filled, text(pattern))


def _formed(value: Any, form: str) -> str:
    if not form:
        return as_text(value)
    digits = int(form[1:] or 0) if re.fullmatch(r"[dDxX]\d{0,2}", form) else None
    if digits is not None:
        return f"{number(value):0{max(digits, 1)}{form[0].replace('D', 'd')}}"
    if re.fullmatch("0+", form):
        return f"{number(value):0{len(form)}d}"
    raise TemplateError(f"the local Azure does not know the format '{form}'.")


def _replaced(value: Any, old: Any, new: Any) -> str:
    found = text(value)
    if not text(old):
        raise TemplateError("it takes a string to replace that is not empty.")
    expect_size(len(found) + found.count(old) * len(text(new)))
    return found.replace(old, new)


def _substring(value: Any, start: Any, length: Any = None) -> str:
    found, first = text(value), number(start)
    count = len(found) - first if length is None else number(length)
    if first < 0 or count < 0 or first + count > len(found):
        raise TemplateError("the index and length must refer to a location within the string.")
    return found[first : first + count]


def _split(value: Any, by: Any) -> list[str]:
    marks = [by] if isinstance(by, str) else by
    kept = [re.escape(text(mark)) for mark in marks if mark]
    return re.split("|".join(kept), text(value)) if kept else [text(value)]


def _pad_left(value: Any, width: Any, character: Any = " ") -> str:
    if number(width) > _LONGEST or len(text(character)) != 1:
        raise TemplateError("it takes a length and one character.")
    return as_text(value).rjust(width, character)


def _decoded_uri(value: Any) -> str:
    found = re.fullmatch(r"data:[^,]*?(;base64)?,(.*)", text(value), re.DOTALL)
    if found is None:
        raise TemplateError("it takes a data URI.")
    return _from_base64(found[2]) if found[1] else unquote(found[2])


def _to_base64(value: Any) -> str:
    return base64.b64encode(text(value).encode()).decode()


def _from_base64(value: Any) -> str:
    return base64.b64decode(text(value), validate=True).decode()


def _join(values: Any, by: Any) -> str:
    parts: Sequence[Any] = values
    expect_size(len(parts) * len(text(by)))
    return text(by).join(as_text(each) for each in parts)


def _index_of(value: Any, part: Any) -> int:
    return text(value).lower().find(text(part).lower())


def _last_index_of(value: Any, part: Any) -> int:
    return text(value).lower().rfind(text(part).lower())


FUNCTIONS: Final = (
    Function("concat", 1, MANY, _concat),
    Function("format", 1, MANY, _format),
    Function("substring", 2, 3, _substring),
    Function("split", 2, 2, _split),
    Function("join", 2, 2, _join),
    Function("replace", 3, 3, _replaced),
    Function("toLower", 1, 1, lambda value: text(value).lower()),
    Function("toUpper", 1, 1, lambda value: text(value).upper()),
    Function("trim", 1, 1, lambda value: text(value).strip()),
    Function("padLeft", 2, 3, _pad_left),
    Function("startsWith", 2, 2, lambda value, part: text(value).lower().startswith(text(part).lower())),
    Function("endsWith", 2, 2, lambda value, part: text(value).lower().endswith(text(part).lower())),
    Function(
        "indexOf", 2, 2, lambda value, part: value.index(part) if isinstance(value, list) else _index_of(value, part)
    ),
    Function("lastIndexOf", 2, 2, _last_index_of),
    Function("string", 1, 1, as_text),
    Function("json", 1, 1, lambda value: json.loads(text(value))),
    Function("base64", 1, 1, _to_base64),
    Function("base64ToString", 1, 1, _from_base64),
    Function("base64ToJson", 1, 1, lambda value: json.loads(_from_base64(value))),
    Function("uri", 2, 2, lambda base, rest: urljoin(text(base), text(rest))),
    Function("uriComponent", 1, 1, lambda value: quote(text(value), safe="-_.!~*'()")),
    Function("uriComponentToString", 1, 1, lambda value: unquote(text(value))),
    Function("dataUri", 1, 1, lambda value: f"data:text/plain;charset=utf8;base64,{_to_base64(value)}"),
    Function("dataUriToString", 1, 1, _decoded_uri),
    Function("guid", 1, MANY, lambda *words: guid(*(as_text(each) for each in words))),
    Function("uniqueString", 1, MANY, lambda *words: unique_string(*(text(each) for each in words))),
)
