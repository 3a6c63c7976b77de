"""One connection: it reads requests, has them answered one after the other, and writes the answers.

Sources: https://www.rfc-editor.org/rfc/rfc9110 and https://www.rfc-editor.org/rfc/rfc9112
"""

from __future__ import annotations

import asyncio
from collections import deque
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httptools

from keyless.local.wire.http.begun import going_on
from keyless.local.wire.http.fields import Headers
from keyless.local.wire.http.head import BODILESS, head_of
from keyless.local.wire.http.pieces import Pieces
from keyless.local.wire.http.request import Request
from keyless.local.wire.http.response import Response
from keyless.local.wire.http.turn import Turn
from keyless.local.wire.http.upgrade import asks_for_upgrade, without_upgrade

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from keyless.local.wire.http.request import Address
    from keyless.local.wire.http.response import Send
    from keyless.local.wire.http.site import Site

HEAD_LIMIT: Final = 64 * 1024
"""The most bytes that the head of a request may have."""
_CHUNK_OVERHEAD: Final = 8
"""How many bytes a client may send for each byte of a body: a chunk of one byte takes six."""
_MOST_WAITING: Final = 16
"""How many requests a client may send before it has read an answer; then nothing more of it is read."""
_LINGER: Final = 1.0
"""Seconds in which a client can read an answer that came before it had sent everything."""


class Connection(asyncio.Protocol):
    """A connection of a client.

    The methods that begin with ``on_`` are called by the parser while it reads.

    Args:
        site: What it belongs to.

    Attributes:
        peer: The address of the client; None where it has gone.
        here: The address that it has connected to.
        is_gone: Whether nobody receives an answer any more.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self.peer: Address | None = None
        self.here: Address | None = None
        self.is_gone = True
        self._ends: float | None = None
        # What is read.
        self._target = b""
        self._pairs: list[tuple[str, str]] = []
        self._request: Request | None = None
        self._body = bytearray()
        self._room = 0
        self._size, self._most = 0, HEAD_LIMIT
        self._is_known = self._is_deaf = self._is_in_head = self._awaits_leave = False
        # What is answered.
        self._waiting: deque[Turn] = deque()
        self._task: asyncio.Task[None] | None = None
        self._is_paused = False
        self._writable: asyncio.Event | None = None
        self._reads_by = 0.0

    # From the transport.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (for the type checker: a server's are)
        self._transport = transport
        self.peer, self.here = _address(transport, "peername"), _address(transport, "sockname")
        self.is_gone = False
        self._ends = self._loop.time() + self._site.patience.head
        self._site.connections.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        """End; those who still answer see it by ``is_gone``."""
        self.is_gone, self._is_deaf = True, True
        self._waiting.clear()
        self._site.connections.discard(self)
        if self._writable is not None:
            self._writable.set()

    def eof_received(self) -> bool:
        """Close, once what is written has gone out: who ends one side has mostly left."""
        return False

    def pause_writing(self) -> None:
        """Answer nothing more, and have those wait who send an answer piece by piece."""
        self._writable = asyncio.Event()
        self._reads_by = self._loop.time() + self._site.patience.idle

    def resume_writing(self) -> None:
        """Have them go on."""
        if self._writable is not None:
            self._writable.set()
            self._writable = None
            self._loop.call_soon(self._proceed)

    def data_received(self, data: bytes) -> None:
        """Read."""
        while data and not self._is_deaf:
            self._size += len(data)
            try:
                self._parser.feed_data(data)
                data = b""
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                if asks_for_upgrade(self._parser):
                    # The parser would pass over the body, too, and take it for the next request.
                    data = without_upgrade(self._parser, self._target, self._pairs) + data
                    self._parser = httptools.HttpRequestParser(self)
            except httptools.HttpParserError as error:
                self._refuse(HTTPStatus.BAD_REQUEST, type(error).__name__)
                break
            if self._size > self._most and (self._is_in_head or self._request is not None):
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "TooLarge")
        self._proceed()

    # From the parser.

    def on_message_begin(self) -> None:
        """Begin a head."""
        if self._is_deaf:
            return
        self._target, self._pairs = b"", []
        self._is_in_head, self._most = True, HEAD_LIMIT
        self._ends = self._loop.time() + self._site.patience.head

    def on_url(self, part: bytes) -> None:
        """Take a part of what is asked for."""
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those after a body mean nothing."""
        self._pairs.append((name.decode("latin-1").lower(), value.rstrip(b" \t").decode("utf-8", "surrogateescape")))

    def on_headers_complete(self) -> None:
        """Look at a head before its body comes."""
        if self._is_deaf or asks_for_upgrade(self._parser):
            return
        self._size, self._is_in_head = 0, False
        self._ends = self._loop.time() + self._site.patience.body
        target = self._target.decode("utf-8", "surrogateescape")
        request = Request(self._parser.get_method().decode("ascii"), target, Headers(self._pairs), self)
        self._request, self._body = request, bytearray()
        version = self._parser.get_http_version()
        if version not in {"1.0", "1.1"}:
            self._refuse(HTTPStatus.BAD_REQUEST, "AnotherVersion")
            return
        hosts = sum(name == "host" for name, _ in self._pairs)
        if hosts > 1 or (not hosts and version == "1.1"):
            self._refuse(HTTPStatus.BAD_REQUEST, "TwoHosts" if hosts else "NoHost")
            return
        refused = None if self._is_known else self._site.refuse(request)
        self._is_known = True
        if refused is not None:
            self._end_with(request, refused)
            return
        self._room = self._site.largest_body(request)
        self._most = _CHUNK_OVERHEAD * self._room + HEAD_LIMIT
        length = request.headers.get("content-length", "")
        if length and int(length) > self._room:
            self._stop_reading(request)
        self._awaits_leave = version == "1.1" and request.headers.get("expect", "").lower() == "100-continue"

    def on_body(self, part: bytes) -> None:
        """Take a part of a body."""
        if self._is_deaf or self._request is None:
            return
        self._room -= len(part)
        if self._room < 0:
            self._stop_reading(self._request)
        else:
            self._body += part

    def on_message_complete(self) -> None:
        """Have a request answered, once it is its turn."""
        request, self._request = self._request, None
        if request is None or self._is_deaf:
            return
        request.receive(bytes(self._body))
        self._body = bytearray()
        self._size, self._ends = 0, None
        is_old = self._parser.get_http_version() == "1.0"
        # What follows a CONNECT is not HTTP.
        keeps = self._parser.should_keep_alive() and not self._parser.should_upgrade()
        self._waiting.append(Turn(request, keeps=keeps, is_old=is_old))

    # Answers.

    def is_overdue(self, now: float) -> bool:
        """Return whether the client has taken too long, by the time of the loop."""
        if self._writable is not None and now >= self._reads_by:
            return True
        return self._ends is not None and now >= self._ends and not self._is_paused

    def abort(self) -> None:
        """Break the connection off without an answer."""
        self.is_gone, self._is_deaf = True, True
        if self._transport is not None:
            self._transport.abort()

    async def end(self, seconds: float) -> None:
        """End at the next moment at which nothing is being answered, and within a time in any case."""
        self._is_deaf = True
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=seconds)
        self.abort()
        if (task := self._task) is not None:  # It takes longer, or the next one has begun.
            task.cancel()

    def _stop_reading(self, request: Request) -> None:
        """Have a request answered whose body is too large; nothing more is read."""
        request.receive(None)
        self._request, self._is_deaf, self._body = None, True, bytearray()
        self._ends = None
        self._waiting.append(Turn(request, keeps=False))

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        """Answer what is not HTTP."""
        self._site.say(f"a request could not be read as HTTP, and was refused ({why}).")
        request = self._request or Request("GET", "/", Headers(), self)
        self._end_with(request, Response(status, text=f"{status.value}: {status.phrase}"))

    def _end_with(self, request: Request, response: Response) -> None:
        """Answer without a look at the body; nothing more is read."""
        self._request, self._is_deaf, self._ends = None, True, None
        self._waiting.append(Turn(request, keeps=False, response=response))

    def _proceed(self) -> None:
        """Answer the requests that wait, for as long as each answer is there at once."""
        while self._waiting and self._task is None and self._writable is None and not self.is_gone:
            turn = self._waiting.popleft()
            if turn.response is not None:
                self._write(turn, turn.response)
                continue
            answering = self._site.answer(turn.request)
            try:
                # Most answers wait for nothing, and a task would cost as much as they do.
                awaited = answering.send(None)
            except StopIteration as done:
                self._write(turn, done.value)
            else:
                self._task = self._loop.create_task(self._answer(turn, going_on(answering, awaited)))
        self._balance()
        if self._awaits_leave and not (self._request is None or self._is_deaf or self._waiting or self._task):
            self._awaits_leave = False
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _balance(self) -> None:
        """Read no more than is answered."""
        is_paused = len(self._waiting) >= _MOST_WAITING
        if self._transport is not None and not self.is_gone and is_paused != self._is_paused:
            self._is_paused = is_paused
            if self._ends is not None:  # Meanwhile the client could not go on.
                self._ends = self._loop.time() + self._site.patience.body
            (self._transport.pause_reading if is_paused else self._transport.resume_reading)()

    async def _answer(self, turn: Turn, answering: Coroutine[Any, Any, Response]) -> None:
        try:
            response = await answering
            self._task = None
            self._write(turn, response)
        except BaseException:
            self.abort()  # Else the client would wait for ever.
            raise
        self._proceed()

    def _write(self, turn: Turn, response: Response) -> None:
        if self.is_gone:
            return
        if response.stream is not None:
            self._task = self._loop.create_task(self._stream(turn, response, response.stream))
            return
        body = b"" if turn.request.method == "HEAD" or response.status in BODILESS else response.body
        self._send(self._head(turn, response, keeps=turn.keeps, length=len(response.body)) + body)
        self._after(keeps=turn.keeps)

    def _after(self, *, keeps: bool) -> None:
        """Go on after an answer, or end."""
        if keeps:
            if self._request is None and not self._is_in_head and not self._waiting:
                self._ends = self._loop.time() + self._site.patience.idle
            return
        self._waiting.clear()
        if self._transport is None or self.is_gone:
            return
        if self._is_deaf:
            # Closed at once, with bytes unread, the client would not see the answer.
            if self._transport.can_write_eof():
                self._transport.write_eof()
            self._loop.call_later(_LINGER, self._transport.abort)
        else:
            self._is_deaf, self._ends = True, self._loop.time() + self._site.patience.idle
            self._transport.close()

    def _head(self, turn: Turn, response: Response, *, keeps: bool, length: int | None) -> bytes:
        return head_of(response, date=self._site.date(), keeps=keeps, is_old=turn.is_old, length=length)

    async def _stream(self, turn: Turn, response: Response, stream: Callable[[Send], Awaitable[None]]) -> None:
        """Send a body piece by piece."""
        pieces = Pieces(response, is_old=turn.is_old)
        keeps = turn.keeps and pieces.end_is_seen
        self._send(self._head(turn, response, keeps=keeps, length=None))

        async def send(piece: bytes) -> None:
            if self.is_gone:
                raise ConnectionResetError
            self._send(pieces.framed(piece))
            if self._writable is not None:
                await self._writable.wait()

        if turn.request.method != "HEAD":
            try:
                await stream(send)
            except BaseException:
                self.abort()
                raise
            last = pieces.last()
            if last is None:
                self.abort()
            else:
                self._send(last)
        self._task = None
        self._after(keeps=keeps)
        self._proceed()

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self.is_gone:
            self._transport.write(data)


def _address(transport: asyncio.Transport, which: str) -> Address | None:
    found = transport.get_extra_info(which)
    return (found[0], found[1]) if found else None
