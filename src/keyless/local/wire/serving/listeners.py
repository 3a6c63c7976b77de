"""The sockets of a local Azure."""

from __future__ import annotations

import errno
import socket

from keyless.errors import ConfigurationError, LocalAzureError

LOOPBACK = "127.0.0.1"

_EVERYWHERE = {"0.0.0.0": LOOPBACK, "::": "::1"}
BACKLOG = 1024
_MAX_PORT = 65535


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
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
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
        return socket.create_server((LOOPBACK, port), backlog=BACKLOG)
    except OSError:
        return socket.create_server((LOOPBACK, 0), backlog=BACKLOG)


def bind_silent() -> socket.socket:
    """Return a socket that nobody serves: anyone who connects is refused, and nobody else can have the port."""
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
