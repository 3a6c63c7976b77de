"""The end of the host's process: its input closes, a signal asks, or a function ended the worker."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from contextlib import suppress

# Seconds that calls under way have, once the host is asked to stop.
GRACE = 3.0


class Stop:
    """Waits for whatever stops the process; made on the loop that it stops.

    Attributes:
        status: The exit status: not 0 where a function ended the worker.
    """

    def __init__(self) -> None:
        self.status = 0
        self._asked = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._watch_input, daemon=True).start()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ask())

    async def wait(self) -> None:
        """Return when the process is to stop."""
        await self._asked.wait()

    def end_worker(self) -> None:
        """Stop because a function ended the worker, as ``sys.exit`` in one does."""
        self.status = 1
        self._ask()

    def _ask(self) -> None:
        with suppress(RuntimeError):  # A loop that is closed needs no telling.
            self._loop.call_soon_threadsafe(self._asked.set)
        # A function that never returns, on a thread or on the loop itself, must not keep the process.
        threading.Thread(target=_end_at_last, daemon=True).start()

    def _watch_input(self) -> None:
        # Not sys.stdin: its lock, held while it waits, would be missed at the interpreter's end.
        while os.read(0, 4096):
            pass
        self._ask()


def _end_at_last() -> None:
    time.sleep(GRACE + 1)
    os._exit(1)
