"""Lines for the person at standard error. Writing one never stops a server: a slow reader, or none, costs lines alone."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_WAITING: Final = 256
_AGAIN_AFTER: Final = 10.0  # Seconds.
_MOST_KINDS: Final = 100
_FAREWELL: Final = 0.2  # Seconds.


class Lines:
    """Takes lines and writes them in a thread of its own; those that find no room are counted, and the count is written.

    The same line is written once in ten seconds, with how often it came meanwhile.

    Args:
        write: Writes a text; None means to standard error.
        monotonic: Tells the time in seconds.
    """

    def __init__(
        self, write: Callable[[str], None] | None = None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write or _to_stderr
        self._monotonic = monotonic
        self._queue: Queue[str | None] = Queue(_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._dropped = 0
        self._last: dict[str, tuple[float, int]] = {}

    def say(self, line: str) -> None:
        """Have a line written soon, or not at all; it must hold no text of a request."""
        now = self._monotonic()
        with self._lock:
            since, times = self._last.get(line, (-_AGAIN_AFTER, 0))
            if now - since < _AGAIN_AFTER:
                self._last[line] = since, times + 1
                return
            if len(self._last) >= _MOST_KINDS:
                self._last.clear()
            self._last[line] = now, 0
            more = f" ({times} more times since)" if times else ""
            try:
                self._queue.put_nowait(f"keyless: {line}{more}\n")
            except Full:
                self._dropped += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="keyless-lines", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End the thread, once it has written what waits; one that waits for a slow reader is left alone."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            with suppress(Full):
                self._queue.put_nowait(None)
            thread.join(_FAREWELL)

    def _run(self) -> None:
        while True:
            try:
                text = self._queue.get(timeout=_AGAIN_AFTER)
            except Empty:
                with self._lock:
                    if self._queue.empty():
                        self._thread = None
                        return
                continue
            if text is None:
                with self._lock:
                    self._thread = None
                return
            dropped, self._dropped = self._dropped, 0
            with suppress(OSError, ValueError):  # Nobody reads, or it is closed.
                self._write(f"{text}keyless: {dropped} lines found no room.\n" if dropped else text)


def _to_stderr(text: str) -> None:
    try:
        descriptor = sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # There is none, or a test stands in for it.
        if sys.stderr is not None:
            sys.stderr.write(text)
        return
    # Not through the stream: its lock would be held for as long as nobody reads, also at the end of the program.
    os.write(descriptor, text.encode())


def loop_failures(lines: Lines) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """Return what an event loop is to do with a failure that nobody awaits: say its kind, and go on."""

    def failed(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError) and "socket" in context and error.errno is not None:
            lines.say(f"no connection can be taken for now: {os.strerror(error.errno)}. It is tried again in a second.")
        elif not isinstance(error, ConnectionError):
            lines.say(f"a connection failed ({type(error).__name__ if error else 'unknown'}).")

    return failed
