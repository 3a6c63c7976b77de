"""A real server for the web applications of the local Azure."""

from __future__ import annotations

import asyncio
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

import pytest
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Iterator


class Serve(Protocol):
    def __call__(self, app: web.Application) -> str: ...


@contextmanager
def _served(app: web.Application) -> Iterator[str]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> tuple[web.AppRunner, int]:
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, runner.addresses[0][1]

    runner, port = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve an application on a port of 127.0.0.1 until the test is over; returns its address."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(_served(app))
