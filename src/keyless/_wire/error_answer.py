"""The fields of an error answer: its own fields only, since the rest of it could hold anything."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

_LONGEST_CODE = 100
_LONGEST_MESSAGE = 1000


class ErrorAnswer(NamedTuple):
    """What a service said of an error; an empty message and None for what it did not say.

    Attributes:
        code: Its literal code.
        inner: The code that says more, which only vaults have.
        message: Its words, on one line.
    """

    code: str | None
    inner: str | None
    message: str


def read_error(text: str, *, flat: bool = False) -> ErrorAnswer:
    """Return what an error answer says.

    Args:
        text: The body.
        flat: Whether it may also have the form of OAuth (``error``, ``error_description``) or of App Service
            (``message``), as identity endpoints have. A vault has neither: what answers so is another server.
    """
    body = json_object(text)
    if "access_token" in body:
        return ErrorAnswer(None, None, "")
    error = body.get("error")
    nested = error if isinstance(error, dict) else {}
    code, message = nested.get("code"), nested.get("message")
    inner = nested.get("innererror") or nested.get("innerError")
    if flat:
        code = code or (error if isinstance(error, str) else None)
        message = message or body.get("message") or body.get("Message") or body.get("error_description")
    return ErrorAnswer(
        quote(code, _LONGEST_CODE) or None,
        quote(inner.get("code"), _LONGEST_CODE) or None if isinstance(inner, dict) else None,
        quote(message, _LONGEST_MESSAGE),
    )


def json_object(text: str) -> dict[str, Any]:
    """Return the JSON object that a body is; an empty one where it is something else."""
    try:
        body = json.loads(text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def quote(said: object, longest: int = _LONGEST_MESSAGE) -> str:
    """Return what somebody else said as it may be repeated: on one line, and bounded."""
    return " ".join(str(said).split())[:longest] if isinstance(said, str | int) else ""
