"""The gate around work that no fork may interrupt: it holds a lock of the whole process, which a child would wait for.

OpenSSL has such locks, and releases the interpreter's own while it works; the import system has one for each module. A
child has no thread but the one that forked, so that what another thread held stays held.
"""

from __future__ import annotations

import threading

# A fork waits for work of milliseconds. Longer than this it does not: a program that forks must not hang for us.
_LONGEST = 5.0


class Gate:
    """Threads pass while they do such work, each with a lock of its own; a fork shuts it and opens it again."""

    def __init__(self) -> None:
        self._mine = threading.local()
        # Reentrant: a signal's handler may fork in the very thread that passes.
        self._all = threading.RLock()
        self._locks: list[threading.RLock] = []
        self._held: list[threading.RLock] = []
        self._by: int | None = None

    @property
    def passage(self) -> threading.RLock:
        """This thread's lock: ``with gate.passage:`` around work of milliseconds, and never around waiting."""
        try:
            found: threading.RLock = self._mine.lock
        except AttributeError:
            with self._all:
                found = self._mine.lock = threading.RLock()
                self._locks.append(found)
        return found

    def shut(self) -> None:
        """Wait until no other thread passes, and let none pass; a second one that forks waits for the first."""
        held = [lock for lock in (self._all,) if lock.acquire(timeout=_LONGEST)]
        held += [lock for lock in self._locks if lock.acquire(timeout=_LONGEST)]
        self._held, self._by = held, threading.get_ident()

    def open(self) -> None:
        """Open it for threads again, after ``shut`` in the same thread."""
        if self._by != threading.get_ident():
            return  # It was made while this thread forked, or another thread has shut it.
        held, self._held, self._by = self._held, [], None
        for lock in reversed(held):
            lock.release()
