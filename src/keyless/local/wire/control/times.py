"""The control API's clock and journal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec.structs import asdict

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.wire.control.control_request import ControlRequest

_PAGE = 1000


def show_clock(azure: Azure, request: ControlRequest) -> object:
    """Return the time of the local Azure."""
    request.check_fields()
    now = azure.clock.now()
    return {"now": now, "utc": datetime.fromtimestamp(now, UTC).isoformat()}


def advance_clock(azure: Azure, request: ControlRequest) -> object:
    """Move the clock forward."""
    request.check_fields("seconds", "minutes", "hours", "days")
    azure.clock.advance(
        seconds=request.number("seconds"),
        minutes=request.number("minutes"),
        hours=request.number("hours"),
        days=request.number("days"),
    )
    return {"now": azure.clock.now()}


def read_journal(azure: Azure, request: ControlRequest) -> object:
    """Return the entries from the one numbered ``start`` on, and ``next``: the number to go on from."""
    request.check_fields("start")
    start, entries = azure.journal.page(int(request.number("start")), size=_PAGE)
    return {"entries": [asdict(entry) for entry in entries], "next": start + len(entries)}


def clear_journal(azure: Azure, request: ControlRequest) -> object:
    """Forget every entry."""
    request.check_fields()
    azure.journal.clear()
    return {}
