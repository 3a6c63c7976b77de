"""Delivers events to the functions of a host, as Event Grid does: at least once, and again where that failed.

Source: https://learn.microsoft.com/en-us/azure/event-grid/delivery-and-retry
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp

from keyless.local.wire.serving.loop_thread import LoopThread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from keyless.local.azure.event_grid import EventGrid, VaultEvent
    from keyless.local.functions.endpoint import FunctionEndpoint

# Event Grid waits as long for an answer, and then 10 s, 30 s, 1 min ...: a person who watches has less patience.
_ANSWER_SECONDS = 30.0
_PAUSES = (0.5, 1.0, 2.0, 4.0)
# Seconds between two looks at whether a host that is being started again listens again.
_AWAY_SECONDS = 0.2
# Beyond this number the oldest events that wait for a function are forgotten.
_MOST_WAITING = 10_000
_NOBODY = 0


@contextmanager
def delivered(events: EventGrid, functions: Callable[[], Mapping[str, FunctionEndpoint]]) -> Iterator[None]:
    """Deliver events until the end, from a thread of its own: anyone who sets a secret waits for nobody.

    Each function gets them one after the other, in the order in which they happened; none waits for another function. What
    is under way at the end is given up.

    Args:
        events: Where they come from.
        functions: Says which functions take them, and where; asked again each time, since an app can be loaded again.
    """
    with LoopThread(lambda: _delivering(events, functions), name="keyless-event-grid"):
        yield


@asynccontextmanager
async def _delivering(
    events: EventGrid, functions: Callable[[], Mapping[str, FunctionEndpoint]]
) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ANSWER_SECONDS)) as session:
        delivery = _Delivery(events, functions, session)
        try:
            with events.subscribed(lambda event: _hand_over(loop, delivery, event)):
                yield
        finally:
            await delivery.stop()


def _hand_over(loop: asyncio.AbstractEventLoop, delivery: _Delivery, event: VaultEvent) -> None:
    loop.call_soon_threadsafe(delivery.take, event)


class _Delivery:
    """A queue for each function, and a task that empties it."""

    def __init__(
        self,
        events: EventGrid,
        functions: Callable[[], Mapping[str, FunctionEndpoint]],
        session: aiohttp.ClientSession,
    ) -> None:
        self._events = events
        self._functions = functions
        self._session = session
        self._waiting: dict[str, asyncio.Queue[VaultEvent]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def take(self, event: VaultEvent) -> None:
        """Put an event into the queue of every function."""
        for name in self._functions():
            if name not in self._waiting:
                self._waiting[name] = asyncio.Queue(_MOST_WAITING)
                self._tasks.append(asyncio.create_task(self._deliver_all(name, self._waiting[name])))
            if self._waiting[name].full():
                self._waiting[name].get_nowait()
            self._waiting[name].put_nowait(event)

    async def stop(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver_all(self, name: str, waiting: asyncio.Queue[VaultEvent]) -> None:
        while True:
            event = await waiting.get()
            for attempt, pause in enumerate((*_PAUSES, None)):
                status = await self._send(name, event, attempt)
                while status == _NOBODY:
                    await asyncio.sleep(_AWAY_SECONDS)
                    status = await self._send(name, event, attempt)
                # What the function refuses, it would refuse again.
                if status < HTTPStatus.INTERNAL_SERVER_ERROR or pause is None:
                    break
                await asyncio.sleep(pause)

    async def _send(self, name: str, event: VaultEvent, attempt: int) -> int:
        """Send an event once; return the answer's status, or _NOBODY where no host listens."""
        end, started = self._functions().get(name), time.perf_counter()
        if end is None:  # An app that was loaded again has no such function any more.
            return HTTPStatus.NOT_FOUND
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "aeg-event-type": "Notification",
            "aeg-delivery-count": str(attempt),
            "aeg-data-version": "1",
            "aeg-metadata-version": "1",
            "x-functions-key": end.key or "",
        }
        try:
            async with self._session.post(end.url, data=event.body, headers=headers, allow_redirects=False) as answer:
                status = answer.status
        except TimeoutError:
            status = HTTPStatus.GATEWAY_TIMEOUT
        except aiohttp.ClientError:
            return _NOBODY
        taken = "took" if status < HTTPStatus.MULTIPLE_CHOICES else "did not take"
        ms = (time.perf_counter() - started) * 1000
        self._events.note(event, status=int(status), reason=f"The function {name} {taken} the event.", ms=ms)
        return status
