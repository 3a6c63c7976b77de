"""The live flow: each call as a path from the identity to the object, and how far it came."""

from __future__ import annotations

import json
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from keyless.errors import LocalAzureError
from keyless.local.operations import VAULT_OPERATIONS
from keyless.local.operations.names import CHALLENGE, CHECKS
from keyless.local.record import Record
from keyless.local.wire.console.asked import Page
from keyless.local.wire.console.lesson import lesson_of
from keyless.local.wire.http.fields import whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.instruments.journal import Journal
    from keyless.local.instruments.journal_entry import Entry
    from keyless.local.wire.console.asked import Asked

ROWS: Final = 200
"""How many calls a page shows at a time: with more of them, browsers get slow."""
_PAGE: Final = 5000
_REFUSED: Final = 400
_FAILED: Final = 500
_NO_TOKEN: Final = 401
_ELSEWHERE: Final = {"arm": "management.azure.com", "graph": "graph.microsoft.com"}

State = Literal["passed", "stopped", "ahead"]
Tone = Literal["good", "bad", "quiet"]
_CHECKED: Final = {
    "token": "The token is of this tenant, for a vault, signed and in time",
    "path": "The path and the method are an operation of a vault",
    "fault": "No fault strikes",
    "parameters": "The API version and the name are right",
    "network": "The firewall and the perimeter let the address in",
    "limit": "The vault is within its limit of requests",
    "access": "A role or a policy allows the action",
    "object": "The object is there, and can be used so",
}


class Stop(NamedTuple):
    """A station on a call's path.

    Attributes:
        place: What it is: identity, token, network, vault or object.
        label: What is there.
        state: Whether the call passed it, was stopped at it, or never came to it.
    """

    place: str
    label: str
    state: State


class Call(Record, frozen=True):
    """A row of the flow.

    Attributes:
        number: The entry's number in the journal.
        entry: The entry.
        stops: Its path.
        tone: Whether it went well; what only asks for a challenge is quiet.
    """

    number: int
    entry: Entry
    stops: tuple[Stop, ...]
    tone: Tone

    @property
    def clock(self) -> str:
        """The time of day, in UTC."""
        return f"{datetime.fromtimestamp(self.entry.time, UTC):%H:%M:%S}"

    @property
    def said(self) -> str:
        """The result, in words for a reader who sees no colours."""
        stopped = next((stop.place for stop in self.stops if stop.state == "stopped"), None)
        return f"stopped at the {stopped}" if stopped else "answered"


class Filter(Record, frozen=True, kw_only=True):
    """The choice of calls that are shown.

    Attributes:
        identity: The identity's name; empty means any.
        vault: The vault's name; empty means any.
        outcome: ``good``, ``bad`` or empty.
        text: What the operation, the object or the answer must contain.
    """

    identity: str = ""
    vault: str = ""
    outcome: str = ""
    text: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filter:
        """Return the filter of a query."""
        return cls(**{name: query.get(name, "").strip() for name in ("identity", "vault", "outcome", "text")})

    def lets(self, entry: Entry) -> bool:
        """Return whether a call is shown."""
        return (
            self.identity in {"", entry.identity}
            and self.vault in {"", entry.vault}
            and self.outcome in {"", "bad" if entry.status >= _REFUSED else "good"}
            and (not self.text or self.text.lower() in _words(entry))
        )


def _words(entry: Entry) -> str:
    return f"{entry.operation} {entry.name} {entry.status} {entry.code} {entry.source} {entry.client}".lower()


def call_of(number: int, entry: Entry) -> Call:
    """Return a row of the flow."""
    tone: Tone = "bad" if entry.status >= _REFUSED else "good"
    if entry.operation in {CHALLENGE, "probe", "discover"}:
        tone = "quiet"
    return Call(number, entry, _stops(entry), tone)


def _stops(entry: Entry) -> tuple[Stop, ...]:
    places = [
        ("identity", entry.identity or ("no identity" if entry.service == "vault" else "unknown")),
        ("token", "token"),
        ("network", "network"),
        ("vault", entry.vault or "vault"),
        *([("object", entry.name)] if entry.name else []),
    ]
    if entry.service == "event-grid":
        places = [("vault", entry.vault or ""), ("object", entry.name or ""), ("function", "function")]
    if entry.service in _ELSEWHERE:
        places = [*places[:2], ("service", _ELSEWHERE[entry.service])]
    if entry.service == "control":
        places = [("control API", "control API")]
    end = len(places) if entry.status < _REFUSED else _stopped_at(entry)
    shown = places[:2] if entry.service == "identity" else places
    return tuple(
        Stop(place, label, "passed" if index < end else "stopped" if index == end else "ahead")
        for index, (place, label) in enumerate(shown)
    )


def _stopped_at(entry: Entry) -> int:
    """Return at which station a call that failed was stopped."""
    if entry.service in {"event-grid", "control"}:
        return 2 if entry.service == "event-grid" else 0
    if entry.service in _ELSEWHERE:
        return 1 if entry.status == _NO_TOKEN else 2
    if entry.service != "vault":
        return 0 if entry.status < _FAILED and entry.code != "Fault" else 1
    return {"token": 1, "network": 2, "object": 4}.get(entry.check or "object", 3)


def found_in(journal: Journal, wanted: Filter, *, before: int | None = None, start: int = 0) -> tuple[list[Call], int]:
    """Return the latest calls that a filter lets through, newest first, and the number of the next entry.

    Args:
        journal: The journal.
        wanted: The filter.
        before: The number that they come before; None means the newest.
        start: The number of the oldest that is looked at.
    """
    found: deque[tuple[int, Entry]] = deque(maxlen=ROWS)
    end = journal.recorded if before is None else min(before, journal.recorded)
    while start < end:
        first, entries = journal.page(start, size=min(_PAGE, end - start))
        if not entries or first >= end:
            break
        found.extend((first + index, entry) for index, entry in enumerate(entries) if wanted.lets(entry))
        start = first + len(entries)
    return [call_of(number, entry) for number, entry in reversed(found)], end


def live(asked: Asked) -> Page:
    """Show the latest calls; the stream brings those that come."""
    wanted = Filter.of(asked.query)
    before = whole_number(asked.query.get("before", ""))
    calls, end = found_in(asked.azure.journal, wanted, before=before)
    return Page(
        "live",
        "Live",
        {
            "calls": calls,
            "next": end,
            "wanted": wanted,
            "older": calls[-1].number if len(calls) == ROWS else None,
            "is_newest": before is None,
            "recorded": asked.azure.journal.recorded,
            "identities": list(asked.azure.identities),
            "vaults": list(asked.azure.vaults),
        },
    )


def call(asked: Asked) -> Page:
    """Show one call: what was asked, the checks that it passed in Azure's order, and the answer without a value."""
    number = whole_number(asked.path["number"])
    first, entries = asked.azure.journal.page(-1 if number is None else number, size=1)
    if first != number or not entries:
        raise LocalAzureError(
            f"There is no call {asked.path['number']}.",
            cause="The journal was cleared, or keeps so many calls that the oldest are gone.",
            remedy="Go back to the live page.",
        )
    entry = entries[0]
    return Page(
        "call",
        f"{entry.operation} {entry.scope}".strip(),
        {
            "call": call_of(number, entry),
            "request": _request_line(entry, asked.azure),
            "checks": _checks(entry),
            "lesson": lesson_of(asked.azure, entry, asked.counsel),
            "answer": _answer(asked.azure.journal.answer(number)),
        },
    )


def _request_line(entry: Entry, azure: Azure) -> str:
    found = next((known for known in VAULT_OPERATIONS if known.name == entry.operation), None)
    if entry.service != "vault" or found is None:
        return f"{entry.operation} at {entry.source or entry.service}"
    path = found.path.replace("{name}", entry.name or "").replace("{version}", entry.version or "")
    if entry.version and "{version}" not in found.path:
        path = f"{path}/{entry.version}"
    url = next((vault.url for vault in azure.vaults.values() if vault.name == entry.vault), "")
    return f"{found.method} {url}/{path}"


def _checks(entry: Entry) -> list[tuple[str, State]]:
    """Return the checks of a vault in Azure's order, and how the call did at each."""
    if entry.service != "vault":
        return []
    end = CHECKS.index(entry.check) if entry.check is not None else len(CHECKS)
    return [
        (_CHECKED[check], "passed" if index < end else "stopped" if index == end else "ahead")
        for index, check in enumerate(CHECKS)
        if check != "fault" or index == end
    ]


def _answer(body: Mapping[str, object] | str | None) -> str:
    if body is None or isinstance(body, str):
        return body or ""
    return json.dumps(body, indent=2, ensure_ascii=False)


def missing(asked: Asked) -> Page:
    """Refuse a path that is none.

    Raises:
        LocalAzureError: Always.
    """
    raise LocalAzureError(
        "There is no such page.",
        cause=f"The console has none at {asked.path.get('rest', '')[:100]!r}.",
        remedy="Use the links above.",
    )
