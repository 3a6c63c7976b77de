"""TLS whose every step is short and can be bounded: no step waits inside OpenSSL, where no fork may fall."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Any, TypeVar

from urllib3.util.ssl_ import create_urllib3_context
from urllib3.util.wait import wait_for_read, wait_for_write

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from keyless._wire.gate import Gate

    _Wait = Callable[[socket.socket, float | None], bool]

R = TypeVar("R")


class _SteppedSocket(ssl.SSLSocket):
    """A TLS socket that does not block below; its timeout is waited for here, outside the gate."""

    _seconds: float | None = None

    def settimeout(self, value: float | None, /) -> None:
        """Set how many seconds a handshake, a read or a send may take; None means without end."""
        self._seconds = value
        if super().gettimeout() != 0.0:
            super().settimeout(0.0)

    def gettimeout(self) -> float | None:
        """Return what ``settimeout`` was given."""
        return self._seconds

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002 (the overridden signature)
        """Shake hands, within the timeout."""
        self._in_steps(super().do_handshake)

    def read(self, len: int = 1024, buffer: Any = None) -> Any:  # noqa: A002 (the overridden signature)
        """Read what has come, or wait for it within the timeout."""
        # It has rarely come already: to look costs less than to try.
        return self._in_steps(super().read, len, buffer, first=None if self.pending() else wait_for_read)

    def send(self, data: Any, flags: int = 0) -> int:
        """Send what can be sent, or wait until it can be within the timeout."""
        return self._in_steps(super().send, data, flags)

    def _in_steps(self, step: Callable[..., R], *arguments: Any, first: _Wait | None = None) -> R:
        context, until = self.context, None if self._seconds is None else time.monotonic() + self._seconds
        assert isinstance(context, SteppedContext)  # noqa: S101 (for the type checker: it made this socket)
        wait = first
        while True:
            if wait is not None and not wait(self, None if until is None else max(0.0, until - time.monotonic())):
                raise TimeoutError("the TLS connection does not answer in time")
            try:
                with context.gate.passage:
                    return step(*arguments)
            except ssl.SSLWantReadError:
                wait = wait_for_read
            except ssl.SSLWantWriteError:
                wait = wait_for_write


class SteppedContext(ssl.SSLContext):
    """The parts of a TLS connection.

    Attributes:
        gate: What each step passes through.
    """

    gate: Gate

    @classmethod
    def trusting(cls, *, file: str | None, folder: str | None, gate: Gate) -> SteppedContext:
        """Return a context with urllib3's own settings that trusts the certificates in a file or a folder.

        Raises:
            OSError: If they cannot be read, or there is none.
        """
        with gate.passage:
            context = create_urllib3_context()
            context.load_verify_locations(file, folder)
        # urllib3 has no setting for the class that it makes.
        context.__class__ = cls
        assert isinstance(context, cls)  # noqa: S101 (for the type checker)
        context.gate = gate
        context.sslsocket_class = _SteppedSocket
        return context

    def wrap_socket(self, *arguments: Any, **options: Any) -> ssl.SSLSocket:
        """Put TLS around a connected socket, and shake hands within the socket's timeout."""
        with self.gate.passage:
            wrapped = super().wrap_socket(*arguments, **{**options, "do_handshake_on_connect": False})
        try:
            wrapped.do_handshake()
        except BaseException:
            wrapped.close()
            raise
        return wrapped
