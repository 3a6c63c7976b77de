"""The fields of an error answer: its own fields only, since the rest of it could hold anything."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_LONGEST_CODE = 100
_LONGEST_MESSAGE = 1000
# A signed token, or the beginning of one: the first part is the JSON of its header.
_TOKEN = r"\beyJ[\w-]{8,}(\.[\w-]*)*"  # noqa: S105 (a pattern)
# What is shorter would be found by chance.
_SHORTEST_SENT = 6


class ErrorAnswer(NamedTuple):
    """A service's error answer; an empty message and None for what it did not give.

    Attributes:
        code: Its literal code.
        inner: The code that says more, which only vaults have.
        message: Its words, on one line.
    """

    code: str | None
    inner: str | None
    message: str


def read_error(body: str | bytes, *, flat: bool = False, sent: Iterable[str] = ()) -> ErrorAnswer:
    """Return the contents of an error answer.

    Args:
        body: The body.
        flat: Whether it may also have the form of OAuth (``error``, ``error_description``) or of App Service
            (``message``), as identity endpoints have. A vault has neither: what answers so is another server.
        sent: What this process sent and nobody may see, such as the token: it is cut out of what comes back.
    """
    found = json_object(body)
    if "access_token" in found:
        return ErrorAnswer(None, None, "")
    error = found.get("error")
    nested = error if isinstance(error, dict) else {}
    code, message = nested.get("code"), nested.get("message")
    inner = nested.get("innererror") or nested.get("innerError")
    if flat:
        code = code or (error if isinstance(error, str) else None)
        message = message or found.get("message") or found.get("Message") or found.get("error_description")
    return ErrorAnswer(
        quote(code, _LONGEST_CODE, sent=sent) or None,
        quote(inner.get("code"), _LONGEST_CODE, sent=sent) or None if isinstance(inner, dict) else None,
        quote(message, _LONGEST_MESSAGE, sent=sent),
    )


def json_object(body: str | bytes) -> dict[str, Any]:
    """Return the JSON object that a body is, which is UTF-8 whatever its header says; an empty one where it is another."""
    try:
        found = json.loads(body if isinstance(body, str) else body.removeprefix(BOM_UTF8).decode())
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def quote(said: object, longest: int = _LONGEST_MESSAGE, *, sent: Iterable[str] = ()) -> str:
    """Return what somebody else said as it may be repeated: on one line, bounded, and without what nobody may see."""
    if not isinstance(said, str | int):
        return ""
    text = str(said)
    for secret in sent:
        if len(secret) >= _SHORTEST_SENT:
            text = text.replace(secret, "***")
    text = re.sub(_TOKEN, "***", text)
    # Signs that a terminal would obey, and those that turn the line around, are not words.
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:longest]
