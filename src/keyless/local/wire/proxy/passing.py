"""Carries bytes between a client and a host, as they are or as the one answer to a request."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_CHUNK: Final = 64 * 1024
_SWITCHING: Final = 101
_FINAL: Final = 200
# What is between a host and this proxy: the client's connection ends with the answer, whatever the host's does.
_HOP_BY_HOP: Final = frozenset({b"connection", b"keep-alive", b"proxy-connection"})


async def carry(
    near: Streams,
    far: Streams,
    *,
    idle_timeout: float,
    answer: bool = False,
    begun: Callable[[asyncio.Timeout], None] | None = None,
) -> None:
    """Carry bytes both ways until either side ends or nothing moves for too long; RFC 9110 closes both then.

    Args:
        near: The client.
        far: The host.
        idle_timeout: Seconds that nothing may move.
        answer: Whether the host sends the answer to one request, whose connection the client must not use again.
        begun: Takes the timer that ends when the time is up.
    """
    loop = asyncio.get_running_loop()
    # asyncio does this only where a listener names TCP, and one of socket.create_server() does not.
    near[1].get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    async with asyncio.timeout(idle_timeout) as idle:
        if begun is not None:
            begun(idle)

        async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while chunk := await source.read(_CHUNK):
                if source is near[0]:
                    _acknowledge(near[1])
                sink.write(chunk)
                await sink.drain()
                idle.reschedule(loop.time() + idle_timeout)

        async def answering(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            if answer:
                await _pass_heads(source, sink)
            await copy(source, sink)

        ways = [loop.create_task(copy(near[0], far[1])), loop.create_task(answering(far[0], near[1]))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)


def _acknowledge(client: asyncio.StreamWriter) -> None:
    """Acknowledge what a client sent, at once.

    Linux would wait for 40 ms, and a client with Nagle's algorithm sends the rest of its request no sooner. urllib3, and so
    ``requests``, turns that algorithm on for proxies alone. The kernel forgets the option, so it is set after each chunk.

    Source: https://man7.org/linux/man-pages/man7/tcp.7.html (TCP_QUICKACK)
    """
    if sys.platform == "linux":
        client.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


async def _pass_heads(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass on the heads of an answer: those that announce it (100 Continue), and its own, which ends the connection."""
    while True:
        try:
            head = await source.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            sink.write(error.partial)
            return
        except asyncio.LimitOverrunError:
            return  # What comes is not an answer with a head that a client takes: it goes as it is.
        status = _status(head)
        if status == _SWITCHING or status is None:
            sink.write(head)
            return
        if status >= _FINAL:
            sink.write(_closing(head))
            return
        sink.write(head)
        await sink.drain()


def _status(head: bytes) -> int | None:
    version, _, rest = head.partition(b" ")
    number = rest[:3]
    return int(number) if version.startswith(b"HTTP/") and number.isdigit() else None


def _closing(head: bytes) -> bytes:
    kept = [line for line in head[:-4].split(b"\r\n") if line.partition(b":")[0].strip().lower() not in _HOP_BY_HOP]
    return b"\r\n".join((*kept, b"Connection: close", b"", b""))


async def close(writer: asyncio.StreamWriter, *, within: float = 1.0) -> None:
    """Close a connection after what was written has gone out, or without it where the other side does not take it."""
    writer.close()
    try:
        async with asyncio.timeout(within):
            await writer.wait_closed()
    except OSError:  # Also TimeoutError: it is one.
        writer.transport.abort()
