"""The head of an answer, as it is sent.

Source: https://www.rfc-editor.org/rfc/rfc9112
"""

from __future__ import annotations

from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from keyless.local.wire.http.response import Response

BODILESS: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})
"""The statuses whose answers have neither a body nor a length."""
_PHRASES: Final = MappingProxyType({status.value: status.phrase for status in HTTPStatus})


def head_of(response: Response, *, date: str, keeps: bool, is_old: bool, length: int | None) -> bytes:
    """Return the head of an answer.

    Args:
        response: The answer.
        date: The header Date.
        keeps: Whether the connection goes on after it.
        is_old: Whether the client speaks HTTP/1.0.
        length: The number of bytes of the body; None where the headers say how it is sent.
    """
    lines = [f"HTTP/1.1 {response.status} {_PHRASES.get(response.status, '')}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if length is not None and response.status not in BODILESS:
        lines.append(f"Content-Length: {length}")
    lines.append(f"Date: {date}")
    if not keeps:
        lines.append("Connection: close")
    elif is_old:
        lines.append("Connection: keep-alive")
    head = "\r\n".join(lines)
    if head.count("\r") + head.count("\n") != 2 * (len(lines) - 1):
        # A header that had more than one line would be a second answer.
        head = "\r\n".join(" ".join(line.splitlines()) for line in lines)
    head += "\r\n\r\n"
    try:
        return head.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # Half a character, which JSON can hold.
        return head.encode("utf-8", "replace")
