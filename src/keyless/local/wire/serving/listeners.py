"""The sockets of a local Azure, and the applications that are served on them."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local.wire.serving.lines import Lines, server_logger
from keyless.local.wire.serving.patience import SECONDS, Patience

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from keyless.local.wire.serving.boundary import Boundary

LOOPBACK = "127.0.0.1"

_EVERYWHERE = {"0.0.0.0": LOOPBACK, "::": "::1"}
_BACKLOG = 1024
_MAX_PORT = 65535
_SHUTDOWN_TIMEOUT = 1.0


def bind(host: str, port: int, name: str) -> socket.socket:
    """Return a socket that listens.

    Args:
        host: The address to listen at.
        port: The port; 0 means any free one.
        name: What its user calls the port, for errors.

    Raises:
        ConfigurationError: If the port is none.
        LocalAzureError: If it is in use, or the machine does not let anyone listen there.
    """
    if not 0 <= port <= _MAX_PORT:
        raise ConfigurationError(
            f"{name}={port} is not a port.",
            cause=f"Ports are 1 to {_MAX_PORT}.",
            remedy="Give one of those, or 0 for any free port.",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        raise LocalAzureError(
            f"The local Azure cannot listen at {host} port {port}: {error.strerror}.",
            cause="Another program listens there." if in_use else "This machine does not let it.",
            remedy=f"Give another {name}, or 0 for any free port." if port else "Give another host.",
        ) from error


def bind_near(port: int) -> socket.socket:
    """Return a socket that listens on loopback: at a port, or at another where that is taken or 0."""
    try:
        return socket.create_server((LOOPBACK, port), backlog=_BACKLOG)
    except OSError:
        return socket.create_server((LOOPBACK, 0), backlog=_BACKLOG)


def bind_silent() -> socket.socket:
    """Return a socket that nobody serves: whoever connects is refused, and nobody else can have the port."""
    silent = socket.socket()
    silent.bind((LOOPBACK, 0))
    return silent


def reachable(listener: socket.socket) -> tuple[str, int]:
    """Return the address at which this machine reaches a listener."""
    host, port = listener.getsockname()[:2]
    return _EVERYWHERE.get(host, host), port


def netloc(listener: socket.socket) -> str:
    """Return the same as the part of a URL."""
    host, port = reachable(listener)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def named_netloc(listener: socket.socket) -> str:
    """Return the same with the machine's own name where it has one, as certificates and authorities are named."""
    host, port = reachable(listener)
    return f"localhost:{port}" if host in {LOOPBACK, "::1"} else netloc(listener)


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
        lines: Where a request that is no HTTP is told of.
    """
    patience = Patience()
    runner = web.AppRunner(
        app, access_log=None, logger=server_logger(lines), shutdown_timeout=_SHUTDOWN_TIMEOUT, handle_signals=False
    )
    await runner.setup()
    served = runner.server
    assert served is not None  # noqa: S101 (for the type checker: setup has made it)
    # Not as a middleware: it stands before routing, too, and costs each request less.
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
    left, and tells each failure.
    """
    server = await asyncio.get_running_loop().create_server(
        protocol, sock=listener, ssl=context, backlog=1, ssl_handshake_timeout=SECONDS if context else None
    )
    listener.listen(_BACKLOG)
    return server
