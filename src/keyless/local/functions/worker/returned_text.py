"""The Functions host's change to a ``str`` that a function returns: JSON is read, and written in another way.

Source: HttpBinding.cs of https://github.com/Azure/azure-functions-host
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from keyless.local.functions.worker.messages import Answer
from keyless.local.lenient_json import LenientJSONError, lenient_loads

_TEXT = ("Content-Type", "text/plain; charset=utf-8")
_ISO = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?(Z|[+-]\d\d:\d\d)?")
_LIST = "System.Collections.Generic.List`1[System.Object]"
# What Newtonsoft.Json escapes and Python's JSON does not.
_ENDS_OF_LINES = {0x85: "\\u0085", 0x2028: "\\u2028", 0x2029: "\\u2029"}
# Beyond these powers of ten .NET writes a number with an exponent.
_LARGEST_POWER, _SMALLEST_POWER = 17, -4


def answer_of_text(text: str) -> Answer:
    """Return the answer that the host makes of a returned text."""
    try:
        value = lenient_loads(text) if text.strip() else None
    except LenientJSONError:
        return _answer(200, text)
    if isinstance(value, dict):
        held = {name.lower(): one for name, one in value.items()}
        if "body" in held:
            return _answer_of_object(held)
    return _answer(200, _shown(value))


def changes_text(text: str, answer: Answer) -> bool:
    """Tell whether a caller gets another text than the function returned."""
    return answer.body != text.encode("utf-8", "replace")


def _answer_of_object(held: dict[str, Any]) -> Answer:
    """Return the answer that an object with a ``body`` is."""
    body, status, headers = held["body"], held.get("statuscode", held.get("status")), held.get("headers")
    # A list is shown as .NET shows one where nobody says how.
    text = _written(body, None) if isinstance(body, dict) else _LIST if isinstance(body, list) else _shown(body)
    given = [(name, _shown(value)) for name, value in headers.items()] if isinstance(headers, dict) else []
    whole = int(str(status)) if re.fullmatch(r"\s*[+-]?\d+\s*", str(status)) else 200
    own = [(name, _with_charset(value) if name.lower() == "content-type" else value) for name, value in given]
    return Answer(whole, tuple(own), text.encode()).with_default_headers((_TEXT,))


def _with_charset(content_type: str) -> str:
    return content_type if "charset" in content_type.lower() else f"{content_type}; charset=utf-8"


def _answer(status: int, text: str) -> Answer:
    return Answer(status, (_TEXT,), text.encode())


def _shown(value: Any) -> str:
    """Return a value as .NET turns it into a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        found = _ISO.fullmatch(value)
        return _utc(found).strftime("%m/%d/%Y %H:%M:%S") if found else value
    if isinstance(value, float):
        return _number(value)
    return _written(value, 0)


def _written(value: Any, level: int | None) -> str:
    """Return a value as Newtonsoft.Json writes it: indented by two spaces, or compact where the level is None."""
    if isinstance(value, dict | list):
        return _container(value, level)
    if isinstance(value, float):
        text = _number(value)
        if math.isfinite(value):
            return text if re.search("[.E]", text) else f"{text}.0"
        return f'"{text}"'
    if isinstance(value, str):
        found = _ISO.fullmatch(value)
        return _quoted(_iso(found) if found else value)
    return json.dumps(value)


def _container(value: dict[str, Any] | list[Any], level: int | None) -> str:
    inner = None if level is None else level + 1
    colon = ":" if level is None else ": "
    if isinstance(value, dict):
        edges, items = "{}", [f"{_quoted(name)}{colon}{_written(one, inner)}" for name, one in value.items()]
    else:
        edges, items = "[]", [_written(one, inner) for one in value]
    if not items or level is None:
        return f"{edges[0]}{','.join(items)}{edges[1]}"
    space = "\n" + "  " * (level + 1)
    return f"{edges[0]}{space}{f',{space}'.join(items)}\n{'  ' * level}{edges[1]}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).translate(_ENDS_OF_LINES)


def _number(value: float) -> str:
    """Return a floating number as .NET writes it."""
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if not value:
        return "-0" if math.copysign(1, value) < 0 else "0"
    digits, _, exponent = f"{value!r}".partition("e")
    mantissa = digits.replace(".", "").lstrip("-").lstrip("0") or "0"
    power = math.floor(math.log10(abs(value))) if not exponent else int(exponent)
    if _SMALLEST_POWER <= power < _LARGEST_POWER:
        plain = format(Decimal(repr(value)), "f") if exponent else digits
        return plain.removesuffix(".0")
    mantissa = mantissa.rstrip("0") or "0"
    sign = "-" if value < 0 else ""
    return f"{sign}{mantissa[0]}{'.' + mantissa[1:] if mantissa[1:] else ''}E{power:+03d}"


def _utc(found: re.Match[str]) -> datetime:
    moment, _, zone = found.groups()
    told = datetime.fromisoformat(moment + (zone or "Z").replace("Z", "+00:00"))
    return told.astimezone(UTC)


def _iso(found: re.Match[str]) -> str:
    """Return a time as it is written again: an offset becomes that of the host, which is that of UTC in Azure."""
    moment, fraction, zone = found.groups()
    part = f".{fraction.rstrip('0')}" if fraction and fraction.rstrip("0") else ""
    if zone in {None, "Z"}:
        return f"{moment}{part}{zone or ''}"
    return f"{_utc(found).replace(tzinfo=None).isoformat(timespec='seconds')}{part}+00:00"
