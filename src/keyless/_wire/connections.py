"""Connections that a deadline frees, that are not kept for ever, and that are made again where the other end hung up.

The timeouts of requests and urllib3 start again with every byte that drips in, in a header, in the size of a chunk or in
one ``100 Continue`` after another. Here every wait for a byte takes from one deadline.
"""

from __future__ import annotations

import io
import socket
import ssl
import threading
from contextlib import contextmanager
from functools import partial
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, Self

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Retry

from keyless._wire import clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from requests import PreparedRequest
    from urllib3.connectionpool import ConnectionPool
    from urllib3.response import BaseHTTPResponse

    from keyless._wire.deadline import Deadline

# The address translation of Azure forgets a connection that is idle for four minutes, and informs neither end:
# https://learn.microsoft.com/en-us/azure/load-balancer/load-balancer-tcp-reset
_LONGEST_IDLE = 120.0
_KEEP_ALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3))


class ReusedConnectionError(ConnectionError):
    """A kept connection ended before an answer to the request began: RemoteDisconnected, as http.client has it."""


class Limit(threading.local):
    """Until when this thread may wait for bytes."""

    deadline: Deadline | None = None

    @contextmanager
    def until(self, deadline: Deadline) -> Iterator[None]:
        """Bound what this thread waits for by a deadline."""
        self.deadline = deadline
        try:
            yield
        finally:
            self.deadline = None

    def seconds(self, most: float | None) -> float | None:
        """Return how many seconds to wait for the next byte.

        Args:
            most: How many it may be at most, whatever the deadline; None means as many as there are.

        Raises:
            TimeoutError: If the deadline has passed.
        """
        if self.deadline is None:
            return most
        left = self.deadline.remaining
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left if most is None else min(most, left)


class BoundedAdapter(HTTPAdapter):
    """Sends requests through such connections.

    Args:
        limit: Until when each thread may wait.
        connections: How many connections are kept for a host.
    """

    def __init__(self, limit: Limit, *, connections: int = 10) -> None:
        # urllib3 passes nothing on to a connection that it does not know.
        self._pools: Any = {"http": partial(_Aged, limit=limit), "https": partial(_AgedTLS, limit=limit)}
        super().__init__(pool_connections=2, pool_maxsize=connections, max_retries=_OnceMore(0, read=False))

    def open_ahead(self, request: PreparedRequest, seconds: float, settings: Mapping[str, Any]) -> None:
        """Connect, and keep the connection for the first request.

        Args:
            request: A request to the service; it is not sent.
            seconds: How long each step may take.
            settings: The proxies, the trust and the certificate, as a session has them for a request.
        """
        trust: Any = {name: settings[name] for name in ("verify", "proxies", "cert")}
        pool: Any = self.get_connection_with_tls_context(request, **trust)
        connection = pool._get_conn()  # noqa: SLF001 (urllib3 connects only when it sends)
        try:
            connection.timeout = seconds
            if pool.proxy is not None:
                pool._prepare_proxy(connection)  # noqa: SLF001 (as above)
            else:
                connection.connect()
        except BaseException:
            connection.close()
            raise
        finally:
            pool._put_conn(connection)  # noqa: SLF001 (as above)

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Make what keeps the connections."""
        super().init_poolmanager(*arguments, **options, socket_options=_socket_options())
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """Return what keeps the connections through a proxy."""
        made = super().proxy_manager_for(proxy, **proxy_kwargs, socket_options=_socket_options())
        made.pool_classes_by_scheme = self._pools
        return made


class _Paced(io.RawIOBase):
    """A socket's input, each wait bounded."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, limit: Limit) -> None:
        self._raw = raw
        self._sock = sock
        self._limit = limit
        self._most = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._sock.settimeout(self._limit.seconds(self._most))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Bounded(HTTPConnection):
    """The common part of a plain connection and one with TLS."""

    limit: Limit
    idle_since = 0.0
    _answers = 0

    def response_class(  # type: ignore[override]  # http.client calls it as it would the class
        self, sock: socket.socket, *arguments: Any, **options: Any
    ) -> HTTPResponse:
        made = HTTPResponse(sock, *arguments, **options)
        buffered: Any = made.fp
        made.fp = io.BufferedReader(_Paced(buffered.detach(), sock, self.limit))
        return made

    def connect(self) -> None:
        self._answers = 0
        super().connect()

    def request(self, *arguments: Any, **options: Any) -> None:
        try:
            super().request(*arguments, **options)
        except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            raise self._told(error) from error

    def getresponse(self) -> Any:
        try:
            response = super().getresponse()
        except ConnectionError as error:
            raise self._told(error) from error
        self._answers += 1
        return response

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        try:
            # The handshake and the way through a proxy come before urllib3 sets a timeout again.
            sock.settimeout(self.limit.seconds(sock.gettimeout()))
        except TimeoutError:
            sock.close()
            raise
        return sock

    def _told(self, error: Exception) -> Exception:
        return ReusedConnectionError(str(error)) if self._answers else error


class _BoundedTLS(_Bounded, HTTPSConnection):
    """A connection with TLS."""


class _Aged(HTTPConnectionPool):
    """Connections that are kept; one that was idle for long is closed, and made again."""

    ConnectionCls: Any = _Bounded

    def __init__(self, *arguments: Any, limit: Limit, **options: Any) -> None:
        self._limit = limit
        super().__init__(*arguments, **options)

    def _new_conn(self) -> Any:
        made: Any = super()._new_conn()
        made.limit = self._limit
        return made

    def _get_conn(self, timeout: float | None = None) -> Any:
        connection: Any = super()._get_conn(timeout)
        if not connection.is_closed and clock.monotonic() - connection.idle_since > _LONGEST_IDLE:
            connection.close()
        return connection

    def _put_conn(self, conn: Any) -> None:
        if conn is not None:
            conn.idle_since = clock.monotonic()
        super()._put_conn(conn)


class _AgedTLS(_Aged, HTTPSConnectionPool):
    """The same for connections with TLS."""

    ConnectionCls: Any = _BoundedTLS


class _OnceMore(Retry):
    """Sends a request once more, at once, whose kept connection had ended: the first may have met the vault's own limit."""

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        ended = error is not None and any(isinstance(part, ReusedConnectionError) for part in error.args)
        if ended and self.total == 0:
            return self.new(total=-1)
        return super().increment(method, url, response, error, _pool, _stacktrace)


def _socket_options() -> list[tuple[int, int, int | bytes]]:
    """Return what a socket is given: no delay, as urllib3 has it, and a sign of life while it is idle."""
    keep_alive = [
        (socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in _KEEP_ALIVE if hasattr(socket, name)
    ]
    return [*HTTPConnection.default_socket_options, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *keep_alive]
