"""A fault on the wire: what both services do with one that has no words of Azure's own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from keyless.local.faults import Fault


async def suffer(fault: Fault, request: web.Request) -> web.StreamResponse | None:
    """Do what a fault does to a request.

    Returns:
        The answer that it gives; None where the request is answered as ever after the delay.
    """
    if fault.effect != "slow-body" and fault.delay:
        await asyncio.sleep(fault.delay)
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


async def _drip(fault: Fault, request: web.Request) -> web.StreamResponse:
    """Begin an answer and never end it well: a byte at a time over the fault's delay, then nothing."""
    answer = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
    await answer.prepare(request)
    for _ in range(10):
        await answer.write(b" ")
        await asyncio.sleep(fault.delay / 10)
    if request.transport is not None:
        request.transport.abort()
    return answer
