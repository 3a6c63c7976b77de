"""The event loop for an asynchronous credential: its connections belong to one event loop, and no other can use them."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Self

from keyless.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from keyless._wire.deadline import Deadline

# Nothing is waited for when connections are closed.
_CLOSING_SECONDS = 1.0


class Loops:
    """The event loop of the caller; where none runs, a loop of the reader's own."""

    def __init__(self) -> None:
        self._theirs: asyncio.AbstractEventLoop | None = _running()
        self._own: asyncio.AbstractEventLoop | None = None
        self._turn = threading.Lock()

    @classmethod
    def of(cls, credential: Any) -> Self | None:
        """Return the loops for a credential; None for one that needs none."""
        asked = getattr(credential, "get_token_info", None) or credential.get_token
        return cls() if iscoroutinefunction(asked) else None

    def note(self, *, blocking: bool) -> None:
        """Note in whose loop a read begins.

        Args:
            blocking: Whether the caller's thread waits, and its loop with it.

        Raises:
            ConfigurationError: If that loop is the one that the credential would be asked in.
        """
        running = _running()
        if running is None:
            return
        if blocking:
            raise ConfigurationError(
                "get() was called in an event loop, and the credential is an asynchronous one.",
                cause="The credential needs the event loop, which get() keeps waiting.",
                remedy="Call `await reader.aget(...)`, or give the reader a credential that is not asynchronous.",
            )
        self._theirs = running

    def begin_process(self) -> None:
        """Forget what cannot outlive a fork: a copied loop says that it runs, and does not."""
        self._theirs, self._own, self._turn = _running(), None, threading.Lock()

    def run(self, work: Coroutine[Any, Any, Any], deadline: Deadline) -> Any:
        """Return what comes of the work; the calling thread waits for it.

        Raises:
            TimeoutError: If it does not come in time.
        """
        theirs = self._theirs
        if theirs is not None and theirs.is_running():
            under_way = asyncio.run_coroutine_threadsafe(work, theirs)
            try:
                return under_way.result(deadline.remaining)
            finally:
                under_way.cancel()
        if not self._turn.acquire(timeout=deadline.remaining):
            work.close()
            raise TimeoutError
        try:
            if self._own is None:
                self._own = asyncio.new_event_loop()
            return self._own.run_until_complete(asyncio.wait_for(work, deadline.remaining))
        finally:
            self._turn.release()

    def close(self, credential: Any) -> None:
        """Close the reader's own loop, and the credential whose connections belong to it; what still runs in it is cancelled."""
        running = self._own
        if not self._turn.acquire(blocking=False):
            if running is not None:
                with suppress(RuntimeError):  # It has closed meanwhile.
                    running.call_soon_threadsafe(_cancel_all, running)
            if not self._turn.acquire(timeout=_CLOSING_SECONDS):
                return
        own, self._own = self._own, None
        if own is not None:
            closing = getattr(credential, "close", None)
            with suppress(Exception):
                if iscoroutinefunction(closing):
                    own.run_until_complete(asyncio.wait_for(closing(), _CLOSING_SECONDS))
            own.close()
        self._turn.release()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
