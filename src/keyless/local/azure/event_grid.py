"""Events of the vaults for Event Grid, and who receives them: an object has a new version. They never hold its value.

Source: https://learn.microsoft.com/en-us/azure/event-grid/event-schema-key-vault
"""

from __future__ import annotations

import json
import threading
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyless.local.instruments.journal_entry import Entry
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keyless.local.azure.keyvault.objects.stored import ObjectEvent
    from keyless.local.clock import Clock
    from keyless.local.instruments.journal import Journal
    from keyless.local.operations import Kind


class VaultEvent(Record, frozen=True, kw_only=True):
    """One event.

    Attributes:
        vault: The name of the vault that it comes from.
        kind: What it is about: a secret, a key or a certificate.
        name: The object's name.
        version: The id of the object's version.
        body: What is sent: a JSON array of this one event, in the schema of Event Grid.
    """

    vault: str
    kind: Kind
    name: str
    version: str
    body: str


class EventGrid:
    """Passes the events of the vaults on. Safe to use from any thread.

    Args:
        clock: Tells when they happen.
        journal: Notes what became of them.
    """

    def __init__(self, *, clock: Clock, journal: Journal) -> None:
        self._clock = clock
        self._journal = journal
        self._lock = threading.Lock()
        self._takers: list[Callable[[VaultEvent], None]] = []

    @contextmanager
    def subscribed(self, take: Callable[[VaultEvent], None]) -> Iterator[None]:
        """Have every event handed to ``take`` until the end.

        It is called on the thread that makes the version, which waits for it: it must return at once, and raise nothing.
        """
        with self._lock:
            self._takers.append(take)
        try:
            yield
        finally:
            with self._lock:
                self._takers.remove(take)

    def announce(self, told: ObjectEvent) -> None:
        """Tell every subscriber what happened to an object."""
        with self._lock:
            if self._takers:
                event = _event_of(told, now=self._clock.now())
                for take in self._takers:
                    take(event)

    def note(self, event: VaultEvent, *, status: int, reason: str, ms: float) -> None:
        """Write into the journal what became of one attempt to deliver an event."""
        self._journal.record(
            Entry(
                time=self._clock.now(),
                service="event-grid",
                operation="deliverEvent",
                vault=event.vault,
                kind=event.kind,
                name=event.name,
                version=event.version,
                status=status,
                reason=reason,
                ms=ms,
            )
        )


def _event_of(told: ObjectEvent, *, now: float) -> VaultEvent:
    found, kind = told.properties, told.kind.title()
    event = {
        "id": str(uuid.uuid4()),
        "topic": told.resource_id,
        "subject": found.name,
        "eventType": f"Microsoft.KeyVault.{kind}{told.happened}",
        "data": {
            "Id": f"{told.vault_url}/{told.kind}s/{found.name}/{found.version}",
            "VaultName": told.vault,
            "ObjectType": kind,
            "ObjectName": found.name,
            "Version": found.version,
            "NBF": found.attributes.not_before,
            "EXP": found.attributes.expires_on,
        },
        "dataVersion": "1",
        "metadataVersion": "1",
        # Seven digits of a second, as .NET writes them.
        "eventTime": f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%S.%f}0Z",
    }
    return VaultEvent(
        vault=told.vault, kind=told.kind, name=found.name, version=found.version, body=json.dumps([event])
    )
