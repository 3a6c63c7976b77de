"""Serves applications and protocols on sockets."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from keyless.local.wire.http.connection import Connection
from keyless.local.wire.http.site import Patience, Site
from keyless.local.wire.serving.listeners import BACKLOG

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import AsyncIterator, Callable

    from keyless.local.wire.http.app import App
    from keyless.local.wire.serving.boundary import Boundary
    from keyless.local.wire.serving.lines import Lines

_LOOK_EVERY: Final = 1.0
_SHUTDOWN_TIMEOUT: Final = 1.0


@asynccontextmanager
async def site(
    app: App,
    listener: socket.socket,
    context: ssl.SSLContext | None,
    *,
    boundary: Boundary,
    lines: Lines,
) -> AsyncIterator[None]:
    """Serve an application on a socket, over TLS where a context is given.

    Args:
        app: The application.
        listener: The socket.
        context: What TLS is spoken with; None for plain HTTP.
        boundary: Who is let in, and what becomes of failures.
        lines: Where a request that is not HTTP is reported.
    """
    served = Site(boundary.around(app.answer), lines.say, boundary.refusal, app.largest_body)
    watching = asyncio.get_running_loop().create_task(_watch(served.connections))
    server = await accept(lambda: Connection(served), listener, context)
    try:
        yield
    finally:
        watching.cancel()
        server.close()
        await asyncio.gather(*(each.end(_SHUTDOWN_TIMEOUT) for each in served.connections))
        app.close()
        await asyncio.sleep(0)


async def _watch(connections: set[Connection]) -> None:
    """End the connections on which half a request, or none, has come for too long."""
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        now = asyncio.get_running_loop().time()
        for each in [each for each in connections if each.is_overdue(now)]:
            each.abort()


async def accept(
    protocol: Callable[[], asyncio.BaseProtocol], listener: socket.socket, context: ssl.SSLContext | None = None
) -> asyncio.Server:
    """Serve a protocol on a socket.

    Connections are taken one at a time: asyncio tries as often as its backlog says to take one where no descriptor is
    left, and reports each failure.
    """
    server = await asyncio.get_running_loop().create_server(
        protocol, sock=listener, ssl=context, backlog=1, ssl_handshake_timeout=Patience().head if context else None
    )
    listener.listen(BACKLOG)
    return server
