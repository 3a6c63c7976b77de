"""Handlers that are loaded when somebody asks: a start does not wait for what many runs never need."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler, Response


class Deferred:
    """A handler that is loaded for its first request.

    Args:
        load: Loads it, beside the loop.
    """

    def __init__(self, load: Callable[[], Handler]) -> None:
        self._load = load
        self._turn = asyncio.Lock()
        self._handler: Handler | None = None

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        if self._handler is None:
            async with self._turn:
                if self._handler is None:
                    self._handler = await asyncio.to_thread(self._load)
        return await self._handler(request)
