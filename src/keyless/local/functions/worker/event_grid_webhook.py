"""Where the Functions host takes the events of Event Grid, and calls the functions that they are for.

Source: https://github.com/Azure/azure-sdk-for-net/tree/main/sdk/eventgrid/Microsoft.Azure.WebJobs.Extensions.EventGrid
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from aiohttp import web

from keyless.local.functions.worker.calls import FunctionCalls, FunctionKeys, given_key

if TYPE_CHECKING:
    from keyless.local.functions.worker.loader import LoadedApp, LoadedFunction

# As aiohttp writes routes; the host does not look at the case.
PATH = "/{webhook:(?i:runtime/webhooks/eventgrid)/?}"


def path_of(function: str) -> str:
    """Return the path and query at which a function takes events."""
    return f"/runtime/webhooks/EventGrid?functionName={quote(function)}"


class EventGridWebhook:
    """Takes events, for any function of an app that has a trigger for them.

    Args:
        app: The functions.
        keys: What opens the door.
        calls: Calls the functions.
    """

    def __init__(self, app: LoadedApp, keys: FunctionKeys, calls: FunctionCalls) -> None:
        self._app = app
        self._keys = keys
        self._calls = calls

    async def answer(self, request: web.Request) -> web.Response:
        """Return the answer to any request, as the extension of the Functions host gives it."""
        if not self._app.event_functions:
            # The host has this path only where a function needs it.
            return web.Response(status=404)
        if not self._keys.opens_event_grid(given_key(request)):
            return web.Response(status=401)
        name = next((value for key, value in request.query.items() if key.lower() == "functionname"), "")
        function = self._app.event_function(name)
        if function is None:
            return web.Response(status=404, text=f"cannot find function: '{name}'")
        kind = request.headers.get("aeg-event-type", "").lower()
        if kind == "unsubscribe":
            return web.Response(status=202)
        if kind not in {"subscriptionvalidation", "notification"}:
            return web.Response(status=400)
        try:
            told = json.loads(await request.read())
            return await self._notify(function, told) if kind == "notification" else _handshake(told)
        except (ValueError, LookupError, TypeError):
            # What is no event is an error of the real host's, too.
            return web.Response(status=500)

    async def _notify(self, function: LoadedFunction, told: Any) -> web.Response:
        if not isinstance(told, list | dict):
            raise TypeError
        events = told if isinstance(told, list) else [told]
        taken = await asyncio.gather(*(self._calls.take(function, json.dumps(event)) for event in events))
        if all(taken):
            return web.Response(status=202)
        # One failure is enough: Event Grid then sends all of them again.
        return web.Response(status=500, text=f"Exception while executing function: Functions.{function.name}")


def _handshake(told: Any) -> web.Response:
    """Return the answer that proves to Event Grid that the endpoint wants events.

    https://learn.microsoft.com/en-us/azure/event-grid/end-point-validation-event-grid-events-schema
    """
    # In the schema of CloudEvents it is one object, whose data is JSON in a string.
    data = told[0]["data"] if isinstance(told, list) else json.loads(told["data"])
    return web.Response(text=json.dumps({"validationResponse": str(data["validationCode"])}, separators=(",", ":")))
