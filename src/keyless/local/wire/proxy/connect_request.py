"""A client's request to the proxy, and its refusal.

Source: https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6, https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar

from keyless.local.record import Record
from keyless.local.wire.proxy.target import HTTP_PORT, HTTPS_PORT, Target

if TYPE_CHECKING:
    import asyncio

HEAD_LIMIT = 64 * 1024
"""How many bytes the head of a request, or of an answer, may have."""

# https://www.rfc-editor.org/rfc/rfc9112#section-3 and #section-5: what is malformed could mean something else to the host.
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rf"(?P<method>{_NAME}) (?P<asked>[^\x00-\x20\x7f]+)(?: (?P<version>HTTP/1\.[01]))?")
_FIELD_LINE = re.compile(rf"{_NAME}:[^\x00\r\n]*")
_URL = r"(?P<scheme>https?)://(?P<host>[^/?#]+?)(?P<port>:[0-9]+)?(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?"
# What a client says to the proxy, and not to the host that it asks for; the proxy asks that for one answer.
_HOP_BY_HOP = frozenset({"connection", "host", "keep-alive", "proxy-authorization", "proxy-connection", "te"})


class RefusedError(Exception):
    """A request that gets no tunnel, as it is answered.

    Args:
        status: The HTTP status.
        reason: The reason phrase. It names what is wrong, because HTTP clients show it and hide the body.
        body: What is wrong and what to do.
        header: One more header, whole.
    """

    def __init__(self, status: HTTPStatus, reason: str, body: str, *, header: str = "Cache-Control: no-store") -> None:
        super().__init__(reason)
        content = f"{body}\n".encode()
        self.answer = (
            f"HTTP/1.1 {status.value} {reason}\r\n{header}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        ).encode() + content


class Message(Record, frozen=True):
    """A request that the proxy itself hands to a host, for one answer.

    Attributes:
        method: Its method.
        path: Its path and query.
        authority: The host and the port, as the client wrote them.
        version: The version of HTTP that the client speaks.
        fields: Its header lines, but for those between the client and the proxy.
        upgrades: Whether the client wants to go on in another protocol.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"fields"})

    method: str
    path: str
    authority: str
    version: str
    fields: tuple[str, ...]
    upgrades: bool = False

    def head(self, *, host: str | None = None, url: str | None = None, credentials: str | None = None) -> bytes:
        """Return it as a host takes it, or a proxy on the way there.

        Args:
            host: The host to name instead of the one that the client wrote.
            url: What to ask for instead of the path: proxies are asked for the whole URL.
            credentials: What that proxy is given; None for nothing.
        """
        ours = [f"Proxy-Authorization: {credentials}"] if credentials else []
        ours.append(f"Connection: {'Upgrade' if self.upgrades else 'close'}")
        first = f"{self.method} {url or self.path} {self.version}"
        return "\r\n".join((first, f"Host: {host or self.authority}", *self.fields, *ours, "", "")).encode("latin-1")


class ConnectRequest(Record, frozen=True):
    """A request for a tunnel, or for a URL: plain http:// ones, and https:// where a client leaves TLS to the proxy.

    Older versions of axios do the latter.

    Attributes:
        target: Where the client wants to go; None where it names no host and port.
        credentials: What the client proves itself with, as it is in the header; None where it does not.
        message: What to ask the target; None where the client wants a tunnel.
        tls: Whether the target is to be asked over TLS.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"credentials", "message"})

    target: Target | None
    credentials: str | None
    message: Message | None = None
    tls: bool = False


async def read_request(reader: asyncio.StreamReader) -> ConnectRequest:
    """Read a request up to its empty line.

    Raises:
        RefusedError: If it is neither a CONNECT request nor one for a URL, or too long.
        EOFError: If the client closes before.
    """
    method, asked, version, lines = await _head(reader)
    fields = [line.partition(":") for line in lines]
    credentials = next((value.strip() for name, _, value in fields if name.lower() == "proxy-authorization"), None)
    if method == "CONNECT":
        return ConnectRequest(Target.parse(asked), credentials)
    url = re.fullmatch(_URL, asked, re.ASCII)
    if url is None:
        raise RefusedError(
            HTTPStatus.METHOD_NOT_ALLOWED,
            "This is a proxy",
            "This proxy takes CONNECT and whole URLs: set it as HTTP_PROXY and HTTPS_PROXY, and ask it for nothing else.",
            header="Allow: CONNECT",
        )
    authority, path = f"{url['host']}{url['port'] or ''}", f"{url['path'] or '/'}{url['query'] or ''}"
    default = HTTPS_PORT if url["scheme"] == "https" else HTTP_PORT
    return ConnectRequest(
        Target.parse(authority if url["port"] else f"{authority}:{default}"),
        credentials,
        _message(method, path, authority, version, lines),
        tls=url["scheme"] == "https",
    )


async def read_message(reader: asyncio.StreamReader, target: Target) -> Message:
    """Read a request that a client sends a host, where the proxy stands in for that host.

    Raises:
        RefusedError: If it is not a request for a path, or too long.
        EOFError: If the client closes before.
    """
    method, asked, version, lines = await _head(reader)
    if not asked.startswith("/"):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "Not a path", f"{target.host} is asked for a path.")
    host = next((line.partition(":")[2].strip() for line in lines if line.lower().startswith("host:")), target.host)
    return _message(method, asked, host, version, lines)


async def _head(reader: asyncio.StreamReader) -> tuple[str, str, str, list[str]]:
    """Return the method, what is asked for, the version, and the header lines."""
    import asyncio  # noqa: PLC0415 (loaded when something is served: a start does not wait for it)

    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise RefusedError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "Request header too large",
            f"A request's header may have {HEAD_LIMIT} bytes.",
        ) from None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    line = _REQUEST_LINE.fullmatch(first)
    if line is None or not all(map(_FIELD_LINE.fullmatch, lines)):
        raise RefusedError(
            HTTPStatus.BAD_REQUEST, "Malformed request", "The request is not HTTP/1.1, and goes nowhere."
        )
    return line["method"], line["asked"], line["version"] or "HTTP/1.1", lines


def _message(method: str, path: str, authority: str, version: str, lines: list[str]) -> Message:
    named = [(line.partition(":")[0].strip().lower(), line) for line in lines]
    kept = tuple(line for name, line in named if name not in _HOP_BY_HOP)
    return Message(method, path, authority, version, kept, upgrades=any(name == "upgrade" for name, _ in named))
