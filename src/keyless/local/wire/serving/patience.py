"""Ends connections on which half a request, or none, has come for too long."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asyncio import BaseProtocol
    from collections.abc import Callable, Collection

    from aiohttp import web

SECONDS: Final = 10.0
"""How long a client may take to send a request."""
_LOOK_EVERY: Final = 1.0


class Patience:
    """Knows what each connection of one listener waits for.

    Args:
        seconds: How long a client may take over the first head, and over each body.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._new: dict[BaseProtocol, float] = {}
        self._known: set[BaseProtocol] = set()
        self._asking: dict[BaseProtocol, tuple[web.Request, float]] = {}

    def begins(self, request: web.Request) -> bool:
        """Note that a head has come; return whether it is the first of its connection."""
        protocol = request.protocol
        self._asking[protocol] = request, asyncio.get_running_loop().time()
        if protocol in self._known:
            return False
        self._known.add(protocol)
        return True

    def ends(self, request: web.Request) -> None:
        """Note that a request has been answered."""
        self._asking.pop(request.protocol, None)

    async def watch(self, connections: Callable[[], Collection[web.RequestHandler]]) -> None:
        """Look at the connections for as long as this is not cancelled."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            self._look(connections(), asyncio.get_running_loop().time())

    def _look(self, connections: Collection[web.RequestHandler], now: float) -> None:
        self._known.intersection_update(connections)
        self._new = {each: self._new.get(each, now) for each in connections if each not in self._known}
        for protocol, since in list(self._new.items()):
            if now - since >= self._seconds:
                _abort(protocol)
        for protocol, (request, since) in list(self._asking.items()):
            if now - since >= self._seconds and not request.content.is_eof():
                _abort(protocol)


def _abort(protocol: BaseProtocol) -> None:
    transport = getattr(protocol, "transport", None)
    if transport is not None:
        transport.abort()
