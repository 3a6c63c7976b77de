"""Requests that ask to go on in another protocol than HTTP/1.1, as Java's client does with its first one.

Nobody here speaks another, and a server may pass the wish over: https://www.rfc-editor.org/rfc/rfc9110#field.upgrade
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from httptools import HttpRequestParser


def asks_for_upgrade(parser: HttpRequestParser) -> bool:
    """Return whether the request whose head was read asks for another protocol; a tunnel is another matter."""
    return parser.should_upgrade() and parser.get_method() != b"CONNECT"


def without_upgrade(parser: HttpRequestParser, target: bytes, pairs: Iterable[tuple[str, str]]) -> bytes:
    """Return the head of a request without the wish.

    Args:
        parser: What has read the head.
        target: What is asked for.
        pairs: Its headers.
    """
    lines = [
        f"{parser.get_method().decode('ascii')} ".encode() + target + f" HTTP/{parser.get_http_version()}".encode()
    ]
    lines += [f"{name}: {value}".encode("utf-8", "surrogateescape") for name, value in pairs if name != "upgrade"]
    return b"\r\n".join((*lines, b"", b""))
