"""Pages about what happens and what is to come: faults, the clock, events, drills, and the least that each identity needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyless.local.instruments.faults import NAMED
from keyless.local.wire.console.asked import Page
from keyless.local.wire.console.chart import chart_of
from keyless.local.wire.console.holdings import expiries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.local.instruments.journal import Journal
    from keyless.local.instruments.journal_entry import Entry
    from keyless.local.wire.console.asked import Asked

_PAGE: Final = 5000
_EVENTS: Final = 100
_SAID: Final = {
    "throttled": "Vaults answer 429",
    "vault-outage": "Vaults answer 503",
    "vault-silent": "Vaults do not answer",
    "vault-reset": "Vaults cut the connection",
    "vault-slow": "Answers come a byte at a time, and never end",
    "firewall": "The firewall refuses this machine: 403",
    "perimeter": "The network security perimeter refuses: 403",
    "secret-disabled": "Secrets are disabled: 403",
    "role-not-propagated": "Roles are without effect yet: 403",
    "wrong-tenant": "The vault trusts another tenant: 401",
    "clock-skew": "Tokens are taken for expired: 401",
    "identity-not-assigned": "The host has no identity",
    "imds-upgrade": "The identity endpoint answers 410, as while it is upgraded",
    "identity-throttled": "The identity endpoint answers 429",
    "identity-outage": "The identity endpoint answers 500",
    "identity-silent": "The identity endpoint does not answer",
    "identity-reset": "The identity endpoint cuts the connection",
    "identity-html": "The identity endpoint answers with a web page",
}


def everything(journal: Journal) -> Iterator[Entry]:
    """Go through the journal, the oldest first; nothing counts as looked at."""
    start, end = 0, journal.recorded
    while start < end:
        first, entries = journal.page(start, size=_PAGE)
        if not entries:
            return
        yield from entries
        start = first + len(entries)


def faults(asked: Asked) -> Page:
    """Show the faults: those that are on, and those that can be."""
    active = asked.azure.faults.active()
    return Page(
        "faults",
        "Faults",
        {
            "active": active,
            "known": [
                (name, _SAID.get(name, ""), fault.service, [each for each in active if each.name == name])
                for name, fault in NAMED.items()
            ],
            "identities": list(asked.azure.identities),
            "vaults": list(asked.azure.vaults),
        },
    )


def time(asked: Asked) -> Page:
    """Show the time, what expires as it passes, and the events that were delivered."""
    coming = [
        (identity.name, held)
        for identity in asked.azure.identities.values()
        for held in asked.azure.role_assignments.held_by(identity.object_id)
        if held.since > asked.azure.clock.now()
    ]
    events = [entry for entry in everything(asked.azure.journal) if entry.service == "event-grid"]
    return Page(
        "time",
        "Time",
        {
            "expiries": expiries(asked.azure),
            "coming": coming,
            "events": events[-_EVENTS:][::-1],
            "lifetimes": asked.azure.token_lifetimes,
        },
    )


def report(asked: Asked) -> Page:
    """Show the least that each identity needs, by what it asked."""
    text, bicep = asked.counsel.report(everything(asked.azure.journal))
    return Page("report", "Least privilege", {"text": text, "bicep": bicep})


def drills(asked: Asked) -> Page:
    """Show the drills, and what the program did in the latest one."""
    account = asked.drills[-1].account() if asked.drills else None
    chart = chart_of(account, now=asked.azure.clock.now()) if account else None
    return Page("drills", "Drills", {"known": asked.counsel.drills(), "account": account, "chart": chart})
