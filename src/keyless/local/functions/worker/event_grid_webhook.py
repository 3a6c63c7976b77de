"""The endpoint where the Functions host takes the events of Event Grid, and calls the functions that they are for.

Source: https://github.com/Azure/azure-sdk-for-net/tree/main/sdk/eventgrid/Microsoft.Azure.WebJobs.Extensions.EventGrid
"""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from keyless.local.functions.worker.keys import given_key
from keyless.local.functions.worker.messages import Answer, text_answer
from keyless.local.functions.worker.target import first_query_value

if TYPE_CHECKING:
    from keyless.local.functions.worker.calls import FunctionCalls
    from keyless.local.functions.worker.keys import FunctionKeys
    from keyless.local.functions.worker.loaded import LoadedApp, LoadedFunction
    from keyless.local.functions.worker.messages import Asked

# Whatever follows belongs to the extension, too.
_PATH = re.compile(r"/runtime/webhooks/eventgrid(/.*)?", re.IGNORECASE | re.DOTALL)
_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "OPTIONS"})
_OFFSET = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d")
_ORIGIN = ("Webhook-Allowed-Origin", "eventgrid.azure.net")
UNAUTHORIZED = Answer(401, (("WWW-Authenticate", "Bearer"),))


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

    def takes(self, asked: Asked) -> bool:
        """Tell whether a request is for the extension: the host has it only where a function needs it."""
        return bool(self._app.event_functions and _PATH.fullmatch(asked.path))

    async def answer(self, asked: Asked) -> Answer:
        """Return the answer to a request, as the extension of the Functions host gives it."""
        if asked.method.upper() not in _METHODS:
            return Answer(404)
        key = given_key(asked)
        if not self._keys.opens_event_grid(key):
            return Answer(403) if self._keys.is_known(key) else UNAUTHORIZED
        if asked.method.upper() == "OPTIONS":
            # The handshake of CloudEvents: https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md
            return Answer(200, (_ORIGIN,))
        name = first_query_value(asked.query, "functionname") or ""
        function = self._app.event_function(name)
        if function is None:
            return text_answer(404, f"cannot find function: '{name}'")
        kind = asked.headers.get("aeg-event-type", "").lower()
        if kind == "unsubscribe":
            return Answer(202)
        if kind not in {"subscriptionvalidation", "notification"}:
            return Answer(400)
        try:
            told = json.loads(_text(asked))
            return await self._notify(function, told) if kind == "notification" else _handshake(told)
        except (ValueError, LookupError, TypeError):
            # What is not an event is an error of the real host's, too.
            return Answer(500)

    async def _notify(self, function: LoadedFunction, told: Any) -> Answer:
        events = told if isinstance(told, list) else [told]
        if not all(isinstance(event, dict) for event in events):
            raise TypeError
        taken = await asyncio.gather(*(self._calls.take(function, json.dumps(_in_utc(event))) for event in events))
        if all(taken):
            return Answer(202)
        # One failure is enough: Event Grid then sends all of them again.
        return text_answer(500, f"Exception while executing function: Functions.{function.name}")


def _text(asked: Asked) -> str:
    body = asked.body or b""
    # A charset that the request names, else what the byte order mark says, else UTF-8.
    found = re.search(r"charset=\"?([\w-]+)", asked.headers.get("content-type", ""))
    try:
        return body.decode(found[1] if found else json.detect_encoding(body)).removeprefix("\ufeff")
    except LookupError:
        raise ValueError("The charset is not known.") from None


def _in_utc(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event as the extension passes it on: it reads a time with an offset, and writes it again."""
    time = event.get("eventTime")
    if not (isinstance(time, str) and _OFFSET.fullmatch(time)):
        return event
    moment = datetime.fromisoformat(time).astimezone(UTC)
    return {**event, "eventTime": moment.isoformat().replace("+00:00", "Z")}


def _handshake(told: Any) -> Answer:
    """Return the answer that proves to Event Grid that the endpoint wants events.

    https://learn.microsoft.com/en-us/azure/event-grid/end-point-validation-event-grid-events-schema
    """
    data = (told[0] if isinstance(told, list) else told)["data"]
    # In the schema of CloudEvents data is JSON in a string.
    code = (json.loads(data) if isinstance(data, str) else data)["validationCode"]
    return text_answer(200, json.dumps({"validationResponse": str(code)}, separators=(",", ":")))
