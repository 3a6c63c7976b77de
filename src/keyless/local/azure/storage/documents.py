"""Resources that the management plane received, by their ARM ids, kept as the vaults' objects are."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from keyless.errors import LocalAzureError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.local.azure.storage.database import Database

Document = dict[str, Any]


class Documents:
    """One JSON object for each resource that was put, and a mark for each that was deleted. Safe to use from any thread.

    The mark lets a start know that something of a keyless.toml was deleted since.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.RLock()
        with database.reading() as connection:
            rows = connection.execute("SELECT id, body FROM resource ORDER BY rowid").fetchall()
        self._kept: dict[str, Document | None] = {}
        for resource_id, body in rows:
            try:
                self._kept[resource_id] = json.loads(body)
            except (ValueError, RecursionError):
                raise LocalAzureError(
                    f"What was kept of {resource_id} is damaged.",
                    cause="Its text in the store is not JSON.",
                    remedy="Put a copy of the store back, or move it away to start with an empty one.",
                ) from None

    def get(self, resource_id: str) -> Document | None:
        """Return what is kept of a resource, to be read only; None where nothing is."""
        return self._kept.get(resource_id.lower())

    def put(self, resource_id: str, body: Document | None) -> None:
        """Keep what is to be known of a resource; None marks it as deleted."""
        key = resource_id.lower()
        with self._lock, self._database.changing() as connection:
            connection.execute(
                "INSERT INTO resource (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                (key, json.dumps(body)),
            )
            self._kept = {**self._kept, key: body}

    def all(self) -> Iterator[tuple[str, Document | None]]:
        """Go through what is kept, by ids in lower case, in the order in which they were first put."""
        return iter(self._kept.items())

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            if not self._kept:
                return
            with self._database.changing() as connection:
                connection.execute("DELETE FROM resource")
            self._kept = {}
