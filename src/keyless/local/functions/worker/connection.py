"""One connection to the development host: requests are read and answers written as by Kestrel, the host's server.

h11 reads the requests, since aiohttp and other servers refuse what Kestrel takes: methods of any name, statuses of any
number, headers of 32 KB. Refusals have an empty body, and quote nothing of the request.
"""

from __future__ import annotations

import asyncio
import re
import sys
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING

import h11

from keyless.local.functions.worker.messages import Answer, Asked
from keyless.local.functions.worker.request_head import HeadError, check_host, end_of_head
from keyless.local.functions.worker.target import TargetError, decoded_path

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Awaitable, Callable

_READ = 65536
_DRAIN_SECONDS = 5.0
# What is refused is refused by our own limits first.
_LARGEST_EVENT = 1 << 20
_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.NOT_MODIFIED})


class Connection:
    """Answers the requests that come over one connection, one after the other.

    Args:
        reader: Where they come from.
        writer: Where the answers go.
        answer: Returns the answer to a request.
        largest_body: The most bytes that a body may have.

    Attributes:
        is_idle: Whether it waits for a request.
    """

    def __init__(
        self,
        reader: StreamReader,
        writer: StreamWriter,
        *,
        answer: Callable[[Asked], Awaitable[Answer]],
        largest_body: int,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._answer = answer
        self._largest_body = largest_body
        self._received = bytearray()
        self.is_idle = True

    async def serve(self) -> None:
        """Answer until either side closes, or the host ends."""
        with suppress(ConnectionError, asyncio.CancelledError):
            try:
                while await self._serve_one():
                    self.is_idle = True
            except HeadError as error:
                await self._write(Answer(error.status, error.headers), closes=True)
            except Exception as error:  # noqa: BLE001 (one line, without the error's own words: they may quote a request)
                sys.stderr.write(f"The host gave up a connection: {type(error).__name__}.\n")
            finally:
                self._writer.close()

    async def _serve_one(self) -> bool:
        """Answer one request; return whether another may follow."""
        head = await self._head()
        if head is None:
            return False
        self.is_idle = False
        reading = h11.Connection(h11.SERVER, max_incomplete_event_size=_LARGEST_EVENT)
        reading.receive_data(bytes(self._received))
        self._received.clear()
        request = _next(reading)
        assert isinstance(request, h11.Request)  # noqa: S101 (for the type checker: the whole head is there)
        headers, target = _headers(request), request.target.decode("ascii")
        check_host(headers.get("host", ""), target)
        body = await self._body(reading, headers)
        self._received += reading.trailing_data[0]
        asked = _asked(request, headers, target, body)
        closes = _closes(request, headers) or body is None
        answer = Answer(HTTPStatus.INTERNAL_SERVER_ERROR) if not headers.get("host") else await self._safely(asked)
        goes_on = await self._write(
            answer, closes=closes, version=request.http_version, head_only=asked.method == "HEAD"
        )
        if body is None:
            await self._drain()
        return goes_on

    async def _drain(self) -> None:
        """Read what a client still sends, for a while: closed at once, it would not see the answer."""
        with suppress(TimeoutError):
            self._writer.write_eof()
            async with asyncio.timeout(_DRAIN_SECONDS):
                while await self._reader.read(_READ):
                    pass

    async def _safely(self, asked: Asked) -> Answer:
        try:
            return await self._answer(asked)
        except Exception as error:  # noqa: BLE001 (whatever it is becomes an answer, and one line without its words)
            sys.stderr.write(f"The host failed at a request: {type(error).__name__}.\n")
            return Answer(HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _head(self) -> int | None:
        """Read until a whole head is there; return its size, None where the client went."""
        while (size := end_of_head(self._received)) is None:
            more = await self._reader.read(_READ)
            if not more:
                return None
            self._received += more
        return size

    async def _body(self, reading: h11.Connection, headers: dict[str, str]) -> bytes | None:
        """Return the body of a request; None where it is too large."""
        if int(headers.get("content-length", "0")) > self._largest_body:
            return None
        body = bytearray()
        while True:
            event = _next(reading)
            if isinstance(event, h11.Data):
                body += event.data
                if len(body) > self._largest_body:
                    return None
            elif isinstance(event, h11.EndOfMessage):
                return bytes(body)
            else:
                if reading.they_are_waiting_for_100_continue:
                    self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                more = await self._reader.read(_READ)
                if not more:
                    raise ConnectionResetError
                reading.receive_data(more)

    async def _write(self, answer: Answer, *, closes: bool, version: bytes = b"1.1", head_only: bool = False) -> bool:
        """Write an answer; return whether the connection goes on."""
        given = {name.lower(): value for name, value in answer.headers}
        closes = (
            closes or given.get("connection", "").lower() == "close" or answer.status == HTTPStatus.SWITCHING_PROTOCOLS
        )
        framing, body = _framed(answer, given, version=version, head_only=head_only)
        if framing == () and body and "transfer-encoding" not in given and "content-length" not in given:
            closes = True
        if "content-length" in given and not head_only and len(body) < int(given["content-length"]):
            closes = True
        own = [*answer.headers, *framing]
        if closes and "connection" not in given:
            own.append(("Connection", "close"))
        for name, value in (("Date", formatdate(usegmt=True)), ("Server", "Kestrel")):
            if name.lower() not in given:
                own.append((name, value))
        lines = [
            f"HTTP/1.1 {answer.status} {_phrase(answer.status)}",
            *(f"{name}: {value}" for name, value in own),
            "",
            "",
        ]
        self._writer.write("\r\n".join(lines).encode("latin-1") + body)
        await self._writer.drain()
        return not closes


def _next(reading: h11.Connection) -> type[h11.NEED_DATA | h11.PAUSED] | h11.Event:
    try:
        return reading.next_event()
    except h11.RemoteProtocolError:
        raise HeadError(HTTPStatus.BAD_REQUEST) from None


def _headers(request: h11.Request) -> dict[str, str]:
    """Return the headers, each once: what is sent twice is joined, and what is empty then left out."""
    values: dict[str, list[str]] = {}
    for name, value in request.headers:
        try:
            values.setdefault(name.decode("ascii"), []).append(value.decode())
        except UnicodeDecodeError:
            raise HeadError(HTTPStatus.BAD_REQUEST) from None
    return {name: ",".join(filter(None, found)) for name, found in values.items()}


def _asked(request: h11.Request, headers: dict[str, str], target: str, body: bytes | None) -> Asked:
    path, mark, query = re.sub(r"^https?://[^/?]*", "", target, flags=re.IGNORECASE).partition("?")
    try:
        decoded = decoded_path(path.encode())
    except TargetError:
        raise HeadError(HTTPStatus.BAD_REQUEST) from None
    return Asked(
        method=request.method.decode("ascii"),
        path=decoded or "/",
        query=mark + query,
        headers=headers,
        body=body,
        chunked="transfer-encoding" in headers,
    )


def _closes(request: h11.Request, headers: dict[str, str]) -> bool:
    wished = {part.strip().lower() for part in headers.get("connection", "").split(",")}
    return "close" in wished or (request.http_version < b"1.1" and "keep-alive" not in wished)


def _framed(
    answer: Answer, given: dict[str, str], *, version: bytes, head_only: bool
) -> tuple[tuple[tuple[str, str], ...], bytes]:
    """Return the headers that frame a body, and the bytes that go out for it."""
    if answer.status in _BODILESS:
        return ((("Content-Length", "0"),) if answer.status == HTTPStatus.RESET_CONTENT else ()), b""
    if head_only:
        return (), b""
    if "content-length" in given or "transfer-encoding" in given or answer.status == HTTPStatus.SWITCHING_PROTOCOLS:
        return (), answer.body
    if not answer.body:
        return (("Content-Length", "0"),), b""
    if version < b"1.1":
        return (), answer.body
    return (("Transfer-Encoding", "chunked"),), b"%x\r\n%b\r\n0\r\n\r\n" % (len(answer.body), answer.body)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
