"""An event loop in a thread of its own, so that servers run beside whatever uses them."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType

    from keyless.local.wire.serving.first_client import FirstClient


class LoopThread:
    """Runs services from ``with`` to its end: entering waits until they serve, leaving until they are gone.

    What they raise at their start or their end is raised there.

    Args:
        services: Makes the services, as an asynchronous context manager that is entered and left in the thread. It is
            called there, too, so that what it loads is loaded there.
        name: The thread's name.
        waits: Whether entering waits. Else ``wait`` does, and leaving gives up services that are not made yet.
        first_client: Whom to wait for before the services are made; None makes them at once. ``wait`` waits for nobody.
    """

    def __init__(
        self,
        services: Callable[[], AbstractAsyncContextManager[None]],
        *,
        name: str = "keyless-local-azure",
        waits: bool = True,
        first_client: FirstClient | None = None,
    ) -> None:
        self._services = services
        self._waits = waits
        self._first_client = first_client
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        self._ended: Future[None] = Future()
        self._turn = threading.Lock()
        self._begun = self._made = self._given_up = False
        # A daemon, so that a program which forgets to stop it can still end.
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if self._waits:
            try:
                self.wait()
            except BaseException:
                self._thread.join()
                raise
        return self

    def wait(self) -> None:
        """Wait until the services serve."""
        self._wake()
        self._ready.result()

    def _wake(self) -> None:
        if self._first_client is not None:
            self._first_client.end_wait()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._turn:
            self._given_up = True
            begun, served = self._begun, self._made or self._ready.done()
        if not begun:
            self._wake()
            self._thread.join()
        if not served:
            return
        loop, stop = self._ready.result()
        loop.call_soon_threadsafe(stop.set)
        self._thread.join()
        self._ended.result()

    def _run(self) -> None:
        try:
            if self._first_client is not None:
                self._first_client.wait()
            with self._turn:
                if self._given_up:
                    return
                self._begun = True
            services = self._services()
            with self._turn:
                if self._given_up:
                    return
                self._made = True
            import asyncio  # noqa: PLC0415 (it takes long to load, which passes beside the rest of a start)

            asyncio.run(self._serve(services))
        except BaseException as error:  # noqa: BLE001 (it is raised in the thread that starts or stops this one)
            (self._ended if self._ready.done() else self._ready).set_exception(error)
        else:
            self._ended.set_result(None)

    async def _serve(self, services: AbstractAsyncContextManager[None]) -> None:
        import asyncio  # noqa: PLC0415 (as above)

        stop = asyncio.Event()
        async with services:
            self._ready.set_result((asyncio.get_running_loop(), stop))
            await stop.wait()
