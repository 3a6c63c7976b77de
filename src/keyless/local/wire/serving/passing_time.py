"""Has done what falls due while a local Azure runs, and nobody moves its clock."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from keyless.errors import KeylessError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_SECONDS = 1.0
_log = logging.getLogger(__name__)


@asynccontextmanager
async def passing_time(act: Callable[[], None]) -> AsyncIterator[None]:
    """Call something every second, beside the loop, until the end."""
    task = asyncio.create_task(_every_second(act))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _every_second(act: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(_SECONDS)
        try:
            await asyncio.to_thread(act)
        except KeylessError as error:
            _log.warning("What fell due was not done: %s", error.what)
