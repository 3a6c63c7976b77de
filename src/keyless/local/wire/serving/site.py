"""Serves applications and protocols on sockets."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from keyless.local.wire.serving.lines import Lines, server_logger
from keyless.local.wire.serving.listeners import BACKLOG
from keyless.local.wire.serving.patience import SECONDS, Patience

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import AsyncIterator, Callable

    from keyless.local.wire.serving.boundary import Boundary

_SHUTDOWN_TIMEOUT = 1.0


@asynccontextmanager
async def site(
    app: web.Application,
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
    patience = Patience()
    runner = web.AppRunner(
        app, access_log=None, logger=server_logger(lines), shutdown_timeout=_SHUTDOWN_TIMEOUT, handle_signals=False
    )
    await runner.setup()
    served = runner.server
    assert served is not None  # noqa: S101 (for the type checker: setup has made it)
    # Not as a middleware: it comes before routing, too, and costs each request less.
    served.request_handler = boundary.around(served.request_handler, patience)
    loop = asyncio.get_running_loop()
    watching = loop.create_task(patience.watch(lambda: served.connections))
    server = await accept(lambda: served(), listener, context)  # noqa: PLW0108 (the server is none for the type checker)
    try:
        yield
    finally:
        watching.cancel()
        server.close()
        transports = [connection.transport for connection in served.connections]
        await runner.cleanup()
        # Closing waits for the client's farewell in TLS, for longer than the loop lives.
        for transport in transports:
            if transport is not None:
                transport.abort()
        await asyncio.sleep(0)


async def accept(
    protocol: Callable[[], asyncio.BaseProtocol], listener: socket.socket, context: ssl.SSLContext | None = None
) -> asyncio.Server:
    """Serve a protocol on a socket.

    Connections are taken one at a time: asyncio tries as often as its backlog says to take one where no descriptor is
    left, and reports each failure.
    """
    server = await asyncio.get_running_loop().create_server(
        protocol, sock=listener, ssl=context, backlog=1, ssl_handshake_timeout=SECONDS if context else None
    )
    listener.listen(BACKLOG)
    return server
