"""A fault on the wire: what both services do with one that has no words of Azure's own."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from keyless.local.instruments.faults import Fault

# What the journal says where the client had hung up before there was an answer; nobody receives it.
CLIENT_GONE = 499
_LOOK_EVERY = 0.1  # Seconds.


async def apply_fault(fault: Fault, request: web.Request) -> web.StreamResponse | None:
    """Do what a fault does to a request.

    Returns:
        The answer that it gives; None where the request is answered as ever after the delay.
    """
    if fault.effect != "slow-body" and not await _outlasts(request, fault.delay):
        return web.Response(status=CLIENT_GONE)
    if fault.effect == "reset":
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)  # It goes nowhere.
    if fault.effect == "slow-body":
        return await _drip(fault, request)
    if fault.effect != "answer" or fault.status == 0:
        return None
    if not fault.body:
        return web.Response(status=fault.status, headers=fault.headers)
    return web.Response(
        status=fault.status, text=fault.body, content_type=fault.content_type, charset="utf-8", headers=fault.headers
    )


async def _outlasts(request: web.Request, seconds: float) -> bool:
    """Wait, and return whether the client did so too: what is silent for an hour must not go on for one without it."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while (left := end - loop.time()) > 0:
        if request.transport is None or request.transport.is_closing():
            return False
        await asyncio.sleep(min(left, _LOOK_EVERY))
    return True


async def _drip(fault: Fault, request: web.Request) -> web.StreamResponse:
    """Begin an answer and never end it well: a byte at a time over the fault's delay, then nothing."""
    answer = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await answer.prepare(request)
    with suppress(ConnectionError):  # The client had enough.
        for _ in range(10):
            await answer.write(b" ")
            await asyncio.sleep(fault.delay / 10)
    if request.transport is not None:
        request.transport.abort()
    return answer
