"""Waits for the first client, so that what serves is loaded when it is needed."""

from __future__ import annotations

import selectors
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class FirstClient:
    """The first client that connects to one of several sockets.

    Args:
        listeners: The sockets. They listen already, so that a client connects and then waits for its answer.
        seconds: How long to wait at most; None means for ever.
    """

    def __init__(self, listeners: Iterable[socket.socket], *, seconds: float | None = None) -> None:
        self._listeners = tuple(listeners)
        self._seconds = seconds
        self._waking, self._wake = socket.socketpair()

    def wait(self) -> None:
        """Return when a client has connected, or the wait is over."""
        with self._waking, selectors.DefaultSelector() as selector:
            for each in (*self._listeners, self._waking):
                selector.register(each, selectors.EVENT_READ)
            selector.select(self._seconds)
        self._wake.close()  # Where a client has come, nobody ends the wait.

    def end_wait(self) -> None:
        """Have the wait over, also where it has not begun; a second call does nothing."""
        self._wake.close()
