"""Server-sent events: the rows of the calls that come in, from the journal, a few times a second."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from keyless.local.wire.console.flow import Filter, found_in
from keyless.local.wire.console.rendering import templates
from keyless.local.wire.http.fields import whole_number
from keyless.local.wire.http.response import streamed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Response, Send

_PAUSE: Final = 0.3  # Seconds. People see no difference, and a busy program costs a few renderings.
_FLOOD: Final = 0.6
"""The same where more calls come than anybody can read."""
_AT_ONCE: Final = 30
"""How many rows an event brings: a screenful, since nobody reads more of them in that time."""
_ALIVE: Final = 15.0


def calls_of(
    request: Request, azure: Azure, ending: asyncio.Event, *, root: str, headers: Mapping[str, str]
) -> Response:
    """Send what the journal gets from the number ``start`` on, until the browser leaves or the run ends."""
    wanted = Filter.of(request.query)
    # After a break the browser says itself what it saw last.
    told = request.headers.get("Last-Event-ID") or request.query.get("start", "")
    number = whole_number(told)
    first = azure.journal.recorded if number is None else number

    async def stream(send: Send) -> None:
        start, quiet, pause = first, 0.0, _PAUSE
        with suppress(ConnectionError):
            while not ending.is_set():
                new = azure.journal.recorded > start
                event = await asyncio.to_thread(_event, azure, wanted, start, root) if new else None
                if event is not None:
                    start, text, pause = event
                    await send(text.encode())
                    quiet = 0.0
                elif quiet >= _ALIVE:
                    await send(b":\n\n")
                    quiet = 0.0
                with suppress(TimeoutError):
                    await asyncio.wait_for(ending.wait(), pause)
                quiet += pause

    return streamed({**headers, "Content-Type": "text/event-stream"}, stream)


def _event(azure: Azure, wanted: Filter, start: int, root: str) -> tuple[int, str, float]:
    """Return the number to go on from, the event, and how long to wait before the next."""
    calls, end = found_in(azure.journal, wanted, start=start)
    html = templates().get_template("rows.html").render(calls=calls[:_AT_ONCE], root=root)
    # Where some are left out, the rows before them go as well: those that are shown leave no gap.
    fresh = len(calls) > _AT_ONCE
    said = json.dumps({"html": html, "recorded": end, "fresh": fresh})
    return end, f"id: {end}\ndata: {said}\n\n", _FLOOD if fresh else _PAUSE
