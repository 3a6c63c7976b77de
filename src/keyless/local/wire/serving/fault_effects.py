"""A fault on the wire: what both services do with one that has no words of Azure's own."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from keyless.local.wire.http.response import Response, streamed

if TYPE_CHECKING:
    from keyless.local.instruments.faults import Fault
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Send

# What the journal says where the client had hung up before there was an answer; nobody receives it.
CLIENT_GONE = 499
_LOOK_EVERY = 0.1  # Seconds.


async def apply_fault(fault: Fault, request: Request) -> Response | None:
    """Do what a fault does to a request.

    Returns:
        The answer that it gives; None where the request is answered as ever after the delay.
    """
    if fault.effect != "slow-body" and not await _outlasts(request, fault.delay):
        return Response(status=CLIENT_GONE)
    if fault.effect == "reset":
        request.client.abort()
        return Response(status=500)  # It goes nowhere.
    if fault.effect == "slow-body":
        return _dripped(fault.delay)
    if fault.effect != "answer" or fault.status == 0:
        return None
    if not fault.body:
        return Response(status=fault.status, headers=fault.headers)
    return Response(status=fault.status, text=fault.body, content_type=fault.content_type, headers=fault.headers)


async def _outlasts(request: Request, seconds: float) -> bool:
    """Wait, and return whether the client did so too: what is silent for an hour must not go on for one without it."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while (left := end - loop.time()) > 0:
        if request.client.is_gone:
            return False
        await asyncio.sleep(min(left, _LOOK_EVERY))
    return True


def _dripped(seconds: float) -> Response:
    """Return an answer that never ends well: it promises more bytes than it sends, one at a time over some seconds."""

    async def drip(send: Send) -> None:
        with suppress(ConnectionError):  # The client had enough.
            for _ in range(10):
                await send(b" ")
                await asyncio.sleep(seconds / 10)

    return streamed({"Content-Type": "application/json", "Content-Length": "1000"}, drip)
