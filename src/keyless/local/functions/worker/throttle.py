"""``maxOutstandingRequests`` and ``maxConcurrentRequests`` of host.json: what is too much gets 429, or waits.

Source: https://learn.microsoft.com/en-us/azure/azure-functions/functions-bindings-http-webhook#hostjson-settings
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from keyless.local.functions.worker.host_json import HostSettings

_UNBOUNDED = -1


class Throttle:
    """Lets so many requests in at once, and so many more wait.

    Args:
        settings: How many.
    """

    def __init__(self, settings: HostSettings) -> None:
        self._outstanding = 0
        self._most = settings.most_outstanding
        self._running = None if settings.most_at_once == _UNBOUNDED else asyncio.Semaphore(settings.most_at_once)

    @asynccontextmanager
    async def let_in(self) -> AsyncIterator[bool]:
        """Wait for a turn; give False at once where too many wait already."""
        if self._most != _UNBOUNDED and self._outstanding >= self._most:
            yield False
            return
        self._outstanding += 1
        try:
            if self._running is None:
                yield True
            else:
                async with self._running:
                    yield True
        finally:
            self._outstanding -= 1
