"""The control API's clock and journal."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.wire.control.ask import Ask

_PAGE = 1000


def show_clock(azure: Azure, ask: Ask) -> object:
    """Return the time of the local Azure."""
    ask.check_fields()
    now = azure.clock.now()
    return {"now": now, "utc": datetime.fromtimestamp(now, UTC).isoformat()}


def advance_clock(azure: Azure, ask: Ask) -> object:
    """Move the clock forward."""
    ask.check_fields("seconds", "minutes", "hours", "days")
    azure.clock.advance(
        seconds=ask.number("seconds"), minutes=ask.number("minutes"), hours=ask.number("hours"), days=ask.number("days")
    )
    return {"now": azure.clock.now()}


def read_journal(azure: Azure, ask: Ask) -> object:
    """Return the entries from the one numbered ``start`` on, and ``next``: the number to go on from."""
    ask.check_fields("start")
    start, entries = azure.journal.page(int(ask.number("start")), size=_PAGE)
    return {"entries": [asdict(entry) for entry in entries], "next": start + len(entries)}


def clear_journal(azure: Azure, ask: Ask) -> object:
    """Forget every entry."""
    ask.check_fields()
    azure.journal.clear()
    return {}
