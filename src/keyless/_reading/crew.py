"""The reader's own threads. They change what is remembered and wait for services; a caller's thread only waits for them.

A caller's thread can be interrupted at any instruction (Ctrl+C, a signal's handler that raises or reads). So all that it
does here is one ``SimpleQueue.put``, made in C: either the act is there for the crew, whole, or nothing has happened.

The standard library's pool joins its threads when the interpreter ends: a program that is done, or was interrupted,
would hang until a silent vault's socket gives up. These are daemon threads.
"""

from __future__ import annotations

import _thread
import logging
import sys
import threading
import weakref
from collections import deque
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    Act = Callable[[], None]
    # Returns what wakes those who wait for it: they find the thread free.
    Job = Callable[[], Act]

R = TypeVar("R")


class Lane:
    """The limit of one kind of work that is done at once; more waits for its turn.

    Args:
        limit: How many jobs.
    """

    __slots__ = ("busy", "limit", "waiting")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.busy = 0
        self.waiting: deque[Job] = deque()


class Crew:
    """Threads, started as they are needed: one listens while the others are at work in the lanes.

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
        return self._team.threads > 0

    @property
    def is_behind(self) -> bool:
        """Whether so many acts wait that one which can be left out should be."""
        return self._team.acts.qsize() >= _MANY

    def do(self, act: Act) -> None:
        """Have something short done by one of the threads; it must neither wait nor raise.

        Raises:
            RuntimeError: If there is no thread, and the system or an ending interpreter gives none.
        """
        team = self._team
        team.acts.put(act)
        if team.free == 0:
            try:
                # Thread.start() waits with a condition, which an interrupt may leave taken. Several callers may start
                # one here: the first goes on.
                _thread.start_new_thread(_begin, (team,))
            except RuntimeError:
                if team.threads == 0:
                    raise

    def later(self, lane: Lane, job: Job) -> None:
        """Have work done in a lane, soon; only an act may call this. The work may wait, and must not raise."""
        with self._team.lock:
            lane.waiting.append(job)

    def stop(self) -> None:
        """End each thread after what it is doing, and what was asked for before."""
        self._team.acts.put(None)


# One thread that reads a value which is being renewed asks for it thousands of times until another thread has its turn.
_MANY = 64


class _Team:
    """The part that the threads hold; not the crew itself, so that they end with it."""

    def __init__(self, lanes: tuple[Lane, ...]) -> None:
        self.acts: SimpleQueue[Act | None] = SimpleQueue()
        self.turn = _thread.allocate_lock()
        self.lock = _thread.allocate_lock()
        self.lanes = lanes
        self.threads = 0
        # How many threads are in no job: they listen, or will in a moment.
        self.free = 0

    def take(self) -> tuple[Lane, Job] | None:
        """Return the next job whose lane has room, and see that somebody listens to those who have asked by now.

        Who asks later sees that nobody is free: he asks first and looks then, and here it is the other way round.
        """
        with self.lock:
            lane = next((lane for lane in self.lanes if lane.waiting and lane.busy < lane.limit), None)
            if lane is None:
                return None
            lane.busy += 1
            job = lane.waiting.popleft()
            self.free -= 1
        if self.free == 0 and not self.acts.empty():
            # Where none can be started, the next that is free does what was asked.
            with suppress(RuntimeError):
                _thread.start_new_thread(_begin, (self,))
        return lane, job

    def done(self, lane: Lane) -> None:
        """Note the end of a job."""
        with self.lock:
            lane.busy -= 1
            self.free += 1


def _begin(team: _Team) -> None:
    """Be one of the threads, unless one is free by now."""
    with team.lock:
        if team.free:
            return
        team.free += 1
        team.threads += 1
    # What threading does for threads that it starts itself: debuggers and coverage ask for it.
    sys.settrace(threading.gettrace())
    sys.setprofile(threading.getprofile())
    threading.current_thread().name = "keyless"
    try:
        _work(team)
    finally:
        if sys.version_info < (3, 13):  # From then on threading forgets by itself a thread that it has not started.
            threading._active.pop(threading.get_ident(), None)  # type: ignore[attr-defined]  # noqa: SLF001


def _work(team: _Team) -> None:
    while True:
        # One listens, and does what comes: the acts are done one after another, in the order in which they came.
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
            wake = _do(job)
            team.done(lane)
            if wake is not None:
                _do(wake)
            del found, job, wake


def _do(act: Callable[[], R]) -> R | None:
    try:
        return act()
    except BaseException:
        # Whoever waits does so until its deadline; the thread must go on for the others.
        logging.getLogger("keyless").exception("something failed that must not")
        return None
