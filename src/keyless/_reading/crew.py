"""The reader's own threads. They change what is remembered and wait for services; a caller's thread only waits for them.

A caller's thread can be interrupted at any instruction (Ctrl+C, a signal's handler that raises or reads). So all that it
does here is one ``SimpleQueue.put``, made in C: either the act is there for the crew, whole, or nothing has happened.

The standard library's pool joins its threads when the interpreter ends: a program that is done, or was interrupted,
would hang until a silent vault's socket gives up. These are daemon threads.
"""

from __future__ import annotations

import _thread
import logging
import threading
import weakref
from collections import deque
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Act = Callable[[], None]


class Lane:
    """How much of one kind of work is done at once; what is more waits for its turn.

    Args:
        limit: How many jobs.
    """

    __slots__ = ("busy", "limit", "waiting")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.busy = 0
        self.waiting: deque[Act] = deque()


class Crew:
    """Threads, started as they are needed. One of them always listens, however many are at work in the lanes.

    Args:
        lanes: The kinds of work.
    """

    def __init__(self, *lanes: Lane) -> None:
        self._team = _Team(lanes)
        # A reader that is dropped without close() must not leave its threads behind.
        weakref.finalize(self, self._team.acts.put, None)

    @property
    def has_begun(self) -> bool:
        """Whether there is a thread."""
        return self._team.begun.locked()

    @property
    def is_behind(self) -> bool:
        """Whether so many acts wait that one which can be left out should be."""
        return self._team.acts.qsize() >= _MANY

    def do(self, act: Act) -> None:
        """Have something short done by one of the threads; it must neither wait nor raise.

        Raises:
            RuntimeError: If there is no thread yet, and the system or an ending interpreter gives none. Nothing was done.
        """
        team = self._team
        if not team.begun.locked():
            # Thread.start() waits with a condition, which an interrupt may leave taken. Several may be started here by
            # several callers: the first goes on.
            _thread.start_new_thread(_begin, (team,))
        team.acts.put(act)

    def later(self, lane: Lane, job: Act) -> None:
        """Have work done in a lane, soon; only an act may call this. The work may wait, and must not raise."""
        with self._team.lock:
            lane.waiting.append(job)

    def stop(self) -> None:
        """Let each thread end after what it is doing, and what was asked for before."""
        self._team.acts.put(None)


# One thread that reads a value which is being renewed asks for it thousands of times until another thread has its turn.
_MANY = 64


class _Team:
    """What the threads hold; not the crew itself, so that they end with it."""

    def __init__(self, lanes: tuple[Lane, ...]) -> None:
        self.acts: SimpleQueue[Act | None] = SimpleQueue()
        self.begun = _thread.allocate_lock()
        self.turn = _thread.allocate_lock()
        self.lock = _thread.allocate_lock()
        self.lanes = lanes
        # How many threads are in no job: they listen, or will in a moment.
        self.free = 1

    def take(self) -> tuple[Lane, Act] | None:
        """Return the next job whose lane has room, and see that another thread listens meanwhile."""
        with self.lock:
            lane = next((lane for lane in self.lanes if lane.waiting and lane.busy < lane.limit), None)
            if lane is None:
                return None
            lane.busy += 1
            job = lane.waiting.popleft()
            self.free -= 1
            alone = self.free == 0
            self.free += alone
        if alone and not _start(self):
            # No thread is to be had: the others wait until this job has ended, each as long as its deadline lets it.
            with self.lock:
                self.free -= 1
        return lane, job

    def done(self, lane: Lane) -> None:
        """Note the end of a job."""
        with self.lock:
            lane.busy -= 1
            self.free += 1


def _begin(team: _Team) -> None:
    if team.begun.acquire(blocking=False) and not _start(team):
        _work(team)


def _start(team: _Team) -> bool:
    try:
        threading.Thread(target=_work, args=(team,), name="keyless", daemon=True).start()
    except RuntimeError:
        return False
    return True


def _work(team: _Team) -> None:
    while True:
        # One listens, and does what it hears: the acts are done one after another, in the order in which they came.
        with team.turn:
            act = team.acts.get()
            if act is None:
                team.acts.put(None)  # For the next thread.
                return
            _do(act)
            # Kept no longer than it takes: an act holds its reader.
            del act
        while (found := team.take()) is not None:
            lane, job = found
            _do(job)
            del found, job
            team.done(lane)


def _do(act: Act) -> None:
    try:
        act()
    except BaseException:
        # Whoever waits does so until its deadline; the thread must go on for the others.
        logging.getLogger("keyless").exception("something failed that must not")
