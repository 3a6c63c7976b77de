"""A few daemon threads that do a reader's waiting, so that a caller waits no longer than its deadline.

The standard library's pool joins its threads when the interpreter ends: a program that is done, or was interrupted,
would hang until a silent vault's socket gives up.
"""

from __future__ import annotations

import threading
import weakref
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Jobs = SimpleQueue[Callable[[], None] | None]


class Workers:
    """Up to a number of threads, started as they are needed.

    Args:
        max_threads: How many at once.
    """

    def __init__(self, max_threads: int) -> None:
        self._jobs: Jobs = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._max_threads = max_threads
        self._started = 0
        self._lock = threading.Lock()
        # A reader that is dropped without close() must not leave its threads behind.
        self._stop = weakref.finalize(self, _stop, self._jobs)

    def submit(self, job: Callable[[], None]) -> None:
        """Have a job done by a thread; where the interpreter is ending and gives none, do it here.

        Args:
            job: What to do; it must not raise. It sees the context variables of its caller, as tracing expects.
        """
        run = copy_context().run
        with self._lock:
            if not self._idle.acquire(blocking=False) and self._started < self._max_threads:
                try:
                    threading.Thread(target=_work, args=(self._jobs, self._idle), name="keyless", daemon=True).start()
                    self._started += 1
                except RuntimeError:
                    if self._started == 0:
                        job()
                        return
        self._jobs.put(lambda: run(job))

    def stop(self) -> None:
        """Let each thread end after what it is doing; jobs that no thread has begun are dropped."""
        self._stop()


def _work(jobs: Jobs, idle: threading.Semaphore) -> None:
    while (job := jobs.get()) is not None:
        job()
        # Kept no longer than it takes: a job holds its reader.
        del job
        idle.release()
    jobs.put(None)  # For the next thread.


def _stop(jobs: Jobs) -> None:
    with suppress(Empty):
        while True:
            jobs.get_nowait()
    jobs.put(None)
