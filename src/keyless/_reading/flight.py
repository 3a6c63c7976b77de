"""One flight: at most one piece of work a key at a time, and everyone who asks meanwhile gets its result.

MSAL has no such thing: twenty threads with a cold cache are twenty calls to the identity endpoint.
"""

from __future__ import annotations

import _thread
import threading
from contextlib import suppress
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from keyless.errors import KeylessError, ReaderClosedError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from keyless._wire.deadline import Deadline

V = TypeVar("V")


class Ticket(Generic[V]):
    """The ticket with which one caller waits. An interrupt may fall anywhere into the waiting, without effect on others.

    It is one lock made in C. The condition of a ``concurrent.futures.Future`` is written in Python: an exception that a
    signal raises in the midst of it leaves it taken, and anyone who comes next waits without end.

    Attributes:
        result: What came; None until then, and where an error came.
        failure: The error that came.
        landed: Whether either has come.
    """

    __slots__ = ("_coming", "_loop", "_waiter", "failure", "landed", "result")

    def __init__(self) -> None:
        self.result: V | None = None
        self.failure: BaseException | None = None
        self.landed = False
        self._coming = _thread.allocate_lock()
        self._coming.acquire()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiter: asyncio.Future[None] | None = None

    @classmethod
    def in_loop(cls) -> Ticket[V]:
        """Return a ticket for a task of the running event loop."""
        import asyncio  # noqa: PLC0415 (code that gets here has it; `import keyless` need not pay for it)

        made: Ticket[V] = cls()
        made._loop = asyncio.get_running_loop()
        made._waiter = made._loop.create_future()
        return made

    def wait(self, seconds: float) -> bool:
        """Wait in this thread; return whether it came in time. One thread waits with a ticket."""
        if not self.landed and self._coming.acquire(timeout=seconds):
            self._coming.release()
        return self.landed

    async def awaited(self, seconds: float) -> bool:
        """Wait in the event loop; what is on its way comes all the same where the waiting task is cancelled."""
        import asyncio  # noqa: PLC0415 (as above)

        assert self._waiter is not None  # noqa: S101 (for the type checker: in_loop() set it)
        await asyncio.wait((self._waiter,), timeout=seconds)
        return self.landed

    def give(self, result: V | None, failure: BaseException | None = None) -> None:
        """Give what came to anyone who waits; once for each ticket."""
        self.result, self.failure = result, failure
        self.landed = True
        self._coming.release()
        if self._loop is not None:
            # The loop may be closed by then, and nobody waits in it any more.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._wake)

    def outcome(self) -> V:
        """Return what came, or raise the error that came.

        Each waiter raises an error of its own: many threads would write into one error's traceback.
        """
        if self.failure is not None:
            raise copy(self.failure) if isinstance(self.failure, KeylessError) else self.failure
        return self.result  # type: ignore[return-value]  # None only where V allows it

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Flight(Generic[V]):
    """A piece of work that is under way, and the tickets of those who wait for it.

    Attributes:
        is_told: Whether an event was sent that somebody has waited for long.
    """

    def __init__(self) -> None:
        self.is_told = False
        self._tickets: list[Ticket[V]] = []
        self._brought: tuple[V | None, BaseException | None] | None = None

    def board(self, ticket: Ticket[V]) -> None:
        """Give a ticket what this flight brings, at once if it has landed."""
        self._tickets.append(ticket)
        if self._brought is not None:
            self._give()

    def land(self, result: V | None, failure: BaseException | None) -> None:
        """End with what came of the work, unless it has ended before."""
        if self._brought is None:
            self._brought = result, failure
            self._give()

    def _give(self) -> None:
        brought = self._brought
        assert brought is not None  # noqa: S101 (for the type checker)
        # Boarding and landing may both give; each ticket is popped by one of them.
        with suppress(IndexError):
            while True:
                self._tickets.pop().give(*brought)


class SingleFlight(Generic[V]):
    """The flights that are under way, by key. Only the reader's own threads change them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, tuple[Flight[V], Deadline]] = {}
        self._forgotten: set[Flight[V]] = set()
        self._closed = False

    def join(self, key: str, deadline: Deadline) -> tuple[Flight[V], bool]:
        """Join the flight for a key, or open one.

        Args:
            key: What the flight is for.
            deadline: By when a flight that is opened must have ended; one that is overdue is joined no more.

        Returns:
            The flight, and whether the caller opened it and so must see that ``run`` is called.

        Raises:
            ReaderClosedError: After close().
        """
        with self._lock:
            if self._closed:
                raise closed()
            flight, due = self._flights.get(key, (None, deadline))
            if flight is not None and due.remaining > 0:
                return flight, False
            if flight is not None:
                self._forgotten.add(flight)
            opened: Flight[V] = Flight()
            self._flights[key] = opened, deadline
            return opened, True

    def run(self, key: str, flight: Flight[V], work: Callable[[], V]) -> None:
        """Do the work and end the flight with what came of it; never raises what the work raised."""
        self.fly(key, flight, work)()

    def fly(self, key: str, flight: Flight[V], work: Callable[[], V]) -> Callable[[], None]:
        """Do as ``run`` does, but return the landing: anyone who waits wakes when it is called."""
        result, failure = None, None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 (whatever it is, those who wait must get it)
            # The traceback's frames hold tokens, and an error may be kept and raised again for seconds.
            failure = error.with_traceback(None)
        with self._lock:
            if self._flights.get(key, (None, None))[0] is flight:
                del self._flights[key]
            self._forgotten.discard(flight)
        return partial(flight.land, result, failure)

    def __len__(self) -> int:
        return len(self._flights) + len(self._forgotten)

    def has(self, key: str) -> bool:
        """Return whether a flight for a key is under way and not overdue; any thread may ask."""
        flight, due = self._flights.get(key, (None, None))
        return flight is not None and due is not None and due.remaining > 0

    def tell_once(self, key: str) -> bool:
        """Return whether a flight for a key is under way of which no event was sent yet; from now on one was."""
        flight, _ = self._flights.get(key, (None, None))
        if flight is None or flight.is_told:
            return False
        flight.is_told = True
        return True

    def forget(self, key: str) -> None:
        """Make the next caller open a new flight; those who joined the old one still get its result."""
        with self._lock:
            flight, _ = self._flights.pop(key, (None, None))
            if flight is not None:
                self._forgotten.add(flight)

    def is_current(self, key: str, flight: Flight[V]) -> bool:
        """Return whether a flight is the one that readers join now; it is not once forgotten."""
        return self._flights.get(key, (None, None))[0] is flight

    def close(self) -> None:
        """End every flight with ReaderClosedError: nobody will run them any more, and none is opened."""
        with self._lock:
            self._closed = True
            left = [*(flight for flight, _ in self._flights.values()), *self._forgotten]
            self._flights.clear()
            self._forgotten.clear()
        for flight in left:
            flight.land(None, closed())


def closed() -> ReaderClosedError:
    """Return the error for whatever is asked of a closed reader."""
    return ReaderClosedError(
        "The SecretReader is closed.",
        cause="close() was called, or its with block has ended.",
        remedy="Keep one SecretReader for as long as the process reads secrets.",
    )
