"""An event loop in a thread of its own, so that servers run beside whatever uses them."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType


class LoopThread:
    """Runs services from ``with`` to its end: entering waits until they serve, leaving until they are gone.

    What they raise at their start or their end is raised there.

    Args:
        services: Makes the services, as an asynchronous context manager that is entered and left in the thread.
        name: The thread's name.
    """

    def __init__(self, services: Callable[[], AbstractAsyncContextManager[None]], *, name: str) -> None:
        self._services = services
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._ended: Future[None] = Future()
        # A daemon, so that a program which forgets to stop it can still end.
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._ready.result()
        except BaseException:
            self._thread.join()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop, stop = self._ready.result()
        loop.call_soon_threadsafe(stop.set)
        self._thread.join()
        self._ended.result()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 (it is raised in the thread that starts or stops this one)
            (self._ended if self._ready.done() else self._ready).set_exception(error)
        else:
            self._ended.set_result(None)

    async def _serve(self) -> None:
        stop = asyncio.Event()
        async with self._services():
            self._ready.set_result((asyncio.get_running_loop(), stop))
            await stop.wait()
