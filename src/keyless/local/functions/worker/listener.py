"""Listens for connections, and ends them: those that wait for a request at once, the others when they are answered."""

from __future__ import annotations

import asyncio
import errno
import os
from typing import TYPE_CHECKING

from keyless.errors import LocalAzureError

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import Awaitable, Callable

    from keyless.local.functions.worker.connection import Connection
    from keyless.local.functions.worker.messages import Answer, Asked

HOST = "127.0.0.1"
_BACKLOG = 1024


class Listener:
    """Serves connections to one port of this machine.

    Args:
        answer: Returns the answer to a request.
        largest_body: The most bytes that a request's body may have.
    """

    def __init__(self, answer: Callable[[Asked], Awaitable[Answer]], *, largest_body: int) -> None:
        self._answer = answer
        self._largest_body = largest_body
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._server: asyncio.Server | None = None

    async def start(self, port: int, *, or_any: bool = False) -> str:
        """Listen; return the URL.

        Args:
            port: The port; 0 means any free one.
            or_any: Whether any free one serves where another program has that port.

        Raises:
            LocalAzureError: If the port cannot be listened on.
        """
        try:
            server = self._server = await asyncio.start_server(self._connected, HOST, port, backlog=_BACKLOG)
        except OSError as error:
            if or_any and error.errno == errno.EADDRINUSE:
                return await self.start(0)
            raise LocalAzureError(
                f"Port {port} on {HOST} cannot be listened on: {os.strerror(error.errno) if error.errno else error}.",
                cause="Another process listens there, or this user may not.",
                remedy="Name another port, or none: a free one is taken then.",
            ) from None
        return f"http://{HOST}:{server.sockets[0].getsockname()[1]}"

    async def stop(self, *, grace: float) -> None:
        """Take no more connections, and give the calls under way so many seconds."""
        if self._server is not None:
            self._server.close()
        for task, connection in self._connections.items():
            if connection.is_idle:
                task.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=grace)
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        from keyless.local.functions.worker.connection import Connection  # noqa: PLC0415 (h11 takes long to load)

        connection = Connection(reader, writer, answer=self._answer, largest_body=self._largest_body)
        task = asyncio.ensure_future(connection.serve())
        self._connections[task] = connection
        task.add_done_callback(self._connections.pop)
