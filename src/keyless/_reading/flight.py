"""One flight: at most one piece of work a key at a time, and everyone who asks meanwhile gets its result.

MSAL has no such thing: twenty threads with a cold cache are twenty calls to the identity endpoint.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import suppress
from copy import copy
from typing import TYPE_CHECKING, Generic, TypeVar

from keyless.errors import KeylessError, ReaderClosedError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from keyless._wire.deadline import Deadline

V = TypeVar("V")


class SingleFlight(Generic[V]):
    """The flights that are under way, by key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._flights: dict[str, tuple[Future[V], Deadline]] = {}
        self._forgotten: set[Future[V]] = set()
        self._closed = False

    def join(self, key: str, deadline: Deadline) -> tuple[Future[V], bool]:
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
            opened: Future[V] = Future()
            self._flights[key] = opened, deadline
            return opened, True

    def run(self, key: str, flight: Future[V], work: Callable[[], V]) -> None:
        """Do the work and end the flight with what came of it; never raises what the work raised."""
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
            _finish(flight, result, failure)

    def __len__(self) -> int:
        return len(self._flights) + len(self._forgotten)

    def forget(self, key: str) -> None:
        """Make the next one open a flight anew; those who joined the old one still get its result."""
        with self._lock:
            flight, _ = self._flights.pop(key, (None, None))
            if flight is not None:
                self._forgotten.add(flight)

    def is_current(self, key: str, flight: Future[V]) -> bool:
        """Say whether a flight is the one that readers join now; it is not once forgotten."""
        with self._lock:
            return self._flights.get(key, (None, None))[0] is flight

    def close(self) -> None:
        """End every flight with ReaderClosedError: nobody will run them any more, and none is opened."""
        with self._lock:
            self._closed = True
            for flight in (*(flight for flight, _ in self._flights.values()), *self._forgotten):
                _finish(flight, None, closed())
            self._flights.clear()
            self._forgotten.clear()


def _finish(flight: Future[V], result: V | None, failure: BaseException | None) -> None:
    if flight.done():  # close() came first.
        return
    if failure is None:
        flight.set_result(result)  # type: ignore[arg-type]  # None only where V allows it
    else:
        flight.set_exception(failure)


def closed() -> ReaderClosedError:
    """Return the error for whatever is asked of a closed reader."""
    return ReaderClosedError(
        "The SecretReader is closed.",
        cause="close() was called, or its with block has ended.",
        remedy="Keep one SecretReader for as long as the process reads secrets.",
    )


def result_of(flight: Future[V]) -> V:
    """Return what a flight that has ended brought, or raise what went wrong.

    Each waiter raises an error of its own: many threads would write into one error's traceback.
    """
    error = flight.exception()
    if error is None:
        return flight.result()
    raise copy(error) if isinstance(error, KeylessError) else error


async def done_in(flight: Future[V], timeout: float) -> bool:  # noqa: ASYNC109 (the caller asks whether it was in time)
    """Wait for a flight in an event loop; the flight goes on if the waiting task is cancelled.

    Args:
        flight: What to wait for.
        timeout: Seconds to wait at most.

    Returns:
        Whether it ended in time.
    """
    import asyncio  # noqa: PLC0415 (whoever gets here has it; `import keyless` need not pay for it)

    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not waiter.done():
            waiter.set_result(None)

    def wake_loop(_: Future[V]) -> None:
        # The loop may be closed by then, and nobody waits in it any more.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(wake)

    flight.add_done_callback(wake_loop)
    try:
        async with asyncio.timeout(timeout):
            await waiter
    except TimeoutError:
        return flight.done()
    return True
