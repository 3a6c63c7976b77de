"""The one place where the objects of the vaults are kept: every version of every secret, and of what else there is."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from keyless.local.azure.keyvault.objects import queries
from keyless.local.azure.keyvault.objects.attributes import Attributes, fields_of
from keyless.local.azure.keyvault.objects.life import ObjectState, ObjectStateError
from keyless.local.azure.keyvault.objects.stored import (
    DeletedObject,
    Expiring,
    ObjectId,
    ObjectProperties,
    ObjectVersion,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from keyless.local.azure.keyvault.objects.attributes import AttributeChange
    from keyless.local.azure.storage.database import Database
    from keyless.local.operations import Kind

_REACHED = {"active": ObjectState.ACTIVE, "deleted": ObjectState.DELETED, "purged": ObjectState.ABSENT}
_ON_THE_WAY = {"active": ObjectState.RECOVERING, "deleted": ObjectState.DELETING, "purged": ObjectState.PURGING}


class ObjectStore:
    """The objects in a database. Safe to use from any thread.

    Every method that depends on the time is given it: an object's state is what its times say at that moment.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.reading() as connection:
            self._next_purge = _next_purge(connection)

    def put(self, which: ObjectId, version: ObjectVersion, *, now: float) -> ObjectVersion:
        """Keep a new version and make it the latest; on return it is in the store.

        Returns:
            The version as kept: the name in the case that the object was first given.

        Raises:
            ObjectStateError: If a deleted object of that kind has the name.
        """
        with self._changing(now) as connection:
            return _insert(connection, which, version, now)

    def restore(self, which: ObjectId, versions: Sequence[ObjectVersion], *, now: float) -> None:
        """Keep all versions of an object, the latest last, as they are.

        Raises:
            ObjectStateError: If there is an object of that kind and name, deleted or not.
        """
        with self._changing(now) as connection:
            _expect(connection, which, now, ObjectState.ABSENT)
            for version in versions:
                _insert(connection, which, version, now)

    def get(self, which: ObjectId, version: str | None = None, *, now: float) -> ObjectVersion | None:
        """Return a version of an object, the latest unless one is named; None where there is none."""
        rows = self._rows(queries.GET, now, {**which._asdict(), "version": version and version.lower()})
        return _version(rows[0]) if rows else None

    def all_versions(self, which: ObjectId, *, now: float) -> list[ObjectVersion]:
        """Return every version of an object, the latest last; none where there is no such object."""
        return [_version(row) for row in self._rows(queries.ALL_VERSIONS, now, which._asdict())]

    def facts(self, which: ObjectId) -> Mapping[str, Any]:
        """Return the facts of the latest version of an object, deleted or not; none where there is no such object."""
        with self._database.reading() as connection:
            row = connection.execute(queries.FACTS, which._asdict()).fetchone()
        return json.loads(row[0]) if row else {}

    def update(
        self,
        which: ObjectId,
        version: str | None,
        change: AttributeChange,
        *,
        now: float,
        facts: Mapping[str, Any] | None = None,
    ) -> ObjectVersion | None:
        """Change attributes of a version, the latest unless one is named.

        Args:
            which: The object.
            version: The version's id.
            change: What is to become of its attributes.
            now: The time.
            facts: The facts that it has other ones of; None leaves them all.

        Returns:
            The version as it is then; None where there is none.
        """
        with self._changing(now) as connection:
            found = self.get(which, version, now=now)
            if found is None:
                return None
            changed = replace(
                found,
                attributes=found.attributes.changed(change),
                updated_on=int(now),
                facts={**found.facts, **(facts or {})},
            )
            connection.execute(queries.UPDATE, {**which._asdict(), **_columns(changed)})
        return changed

    def delete(self, which: ObjectId, *, now: float, settles_on: float, purge_on: int) -> None:
        """Make an active object a deleted one, which it is from ``settles_on`` to ``purge_on``.

        Raises:
            ObjectStateError: If it is not active.
        """
        with self._changing(now) as connection:
            _expect(connection, which, now, ObjectState.ACTIVE)
            times = {"settles_on": settles_on, "deleted_on": int(now), "purge_on": purge_on}
            connection.execute(queries.DELETE, {**which._asdict(), **times})
            self._next_purge = min(self._next_purge, purge_on)

    def recover(self, which: ObjectId, *, now: float, settles_on: float) -> None:
        """Make a deleted object an active one, which it is from ``settles_on`` on.

        Raises:
            ObjectStateError: If it is not deleted.
        """
        with self._changing(now) as connection:
            _expect(connection, which, now, ObjectState.DELETED)
            connection.execute(queries.RECOVER, {**which._asdict(), "settles_on": settles_on})

    def purge(self, which: ObjectId, *, now: float, settles_on: float, state: ObjectState) -> None:
        """Forget every version of an object; its name is taken until ``settles_on``.

        Raises:
            ObjectStateError: If the object is in another state than ``state``.
        """
        with self._changing(now) as connection:
            _expect(connection, which, now, state)
            connection.execute(queries.PURGE_VERSIONS, which._asdict())
            connection.execute(queries.PURGE, {**which._asdict(), "settles_on": settles_on})
            self._next_purge = min(self._next_purge, settles_on)

    def state(self, which: ObjectId, *, now: float) -> ObjectState:
        """Return where an object is in its life."""
        with self._reading(now) as connection:
            return _state(connection, which, now)

    def get_deleted(self, which: ObjectId, *, now: float) -> DeletedObject | None:
        """Return a deleted object; None where there is none."""
        rows = self._rows(queries.GET_DELETED, now, which._asdict())
        return _deleted(rows[0]) if rows else None

    def list_deleted(self, vault: str, kind: Kind, *, start: str = "", limit: int, now: float) -> list[DeletedObject]:
        """Return deleted objects by ascending name, beginning with the name ``start``."""
        named = {"vault": vault, "kind": kind, "start": start, "limit": limit}
        return [_deleted(row) for row in self._rows(queries.LIST_DELETED, now, named)]

    def list_active(self, vault: str, kind: Kind, *, start: str = "", limit: int, now: float) -> list[ObjectProperties]:
        """Return the latest version of each object, by ascending name, beginning with the name ``start``."""
        named = {"vault": vault, "kind": kind, "start": start, "limit": limit}
        return [_properties(row) for row in self._rows(queries.LIST_ACTIVE, now, named)]

    def list_versions(self, which: ObjectId, *, start: str = "", limit: int, now: float) -> list[ObjectProperties]:
        """Return the versions of an object, by ascending id as Azure does, beginning with the id ``start``."""
        named = {**which._asdict(), "start": start.lower(), "limit": limit}
        return [_properties(row) for row in self._rows(queries.LIST_VERSIONS, now, named)]

    def policy(self, which: ObjectId) -> dict[str, Any] | None:
        """Return how an object is to be renewed, as it was set; None where it never was."""
        with self._database.reading() as connection:
            row = connection.execute(queries.POLICY, which._asdict()).fetchone()
        return None if row is None or row[0] is None else json.loads(row[0])

    def set_policy(self, which: ObjectId, policy: Mapping[str, Any]) -> None:
        """Set how an object is renewed."""
        with self._database.changing() as connection:
            connection.execute(queries.SET_POLICY, {**which._asdict(), "policy": json.dumps(policy)})

    def operation(self, which: ObjectId, *, now: float) -> dict[str, Any] | None:
        """Return how an active certificate comes about that was ordered; None where nothing was."""
        rows = self._rows(queries.OPERATION, now, which._asdict())
        return json.loads(rows[0][0]) if rows and rows[0][0] else None

    def has_operation(self, which: ObjectId) -> bool:
        """Return whether a certificate was ordered, deleted or not."""
        with self._database.reading() as connection:
            row = connection.execute(queries.HAS_OPERATION, which._asdict()).fetchone()
        return bool(row and row[0])

    def set_operation(self, which: ObjectId, operation: Mapping[str, Any] | None) -> None:
        """Set how an ordered certificate is made; None forgets it."""
        text = None if operation is None else json.dumps(operation)
        with self._database.changing() as connection:
            connection.execute(queries.SET_OPERATION, {**which._asdict(), "operation": text})

    def together(self) -> AbstractContextManager[object]:
        """Have all changes within take effect together or not at all."""
        return self._database.changing()

    def with_policy(self, *, now: float) -> list[ObjectId]:
        """Return the active objects that have a policy of renewal."""
        return [ObjectId(*row) for row in self._rows(queries.WITH_POLICY, now, {})]

    def expiring(self, *, after: float, until: float, now: float) -> list[Expiring]:
        """Return the latest versions that expire after one moment and up to another, the first to expire first."""
        rows = self._rows(queries.EXPIRING, now, {"after": after, "until": until})
        return [Expiring(row[0], row[1], row[2] and json.loads(row[2]), _properties(row[3:])) for row in rows]

    def vaults(self) -> list[str]:
        """Return the names of the vaults that have objects here, deleted or not."""
        with self._database.reading() as connection:
            return [row[0] for row in connection.execute(queries.VAULTS)]

    def clear(self) -> None:
        """Forget every object."""
        with self._database.changing() as connection:
            connection.execute(queries.CLEAR)
            connection.execute(queries.CLEAR_RECORDS)
            self._next_purge = math.inf

    def forget(self, vault: str) -> None:
        """Forget every object of a vault, deleted or not."""
        with self._database.changing() as connection:
            connection.execute(queries.FORGET, (vault,))

    def _rows(self, query: str, now: float, named: Mapping[str, object]) -> list[Any]:
        with self._reading(now) as connection:
            return connection.execute(query, {**named, "now": now}).fetchall()

    def _reading(self, now: float) -> AbstractContextManager[sqlite3.Connection]:
        self._sweep(now)
        return self._database.reading()

    def _changing(self, now: float) -> AbstractContextManager[sqlite3.Connection]:
        self._sweep(now)
        return self._database.changing()

    def _sweep(self, now: float) -> None:
        """Forget what was to be purged by now."""
        if now < self._next_purge:
            return
        with self._database.reading() as connection:
            connection.execute(queries.SWEEP, (now,))
            self._next_purge = _next_purge(connection)


def _insert(connection: sqlite3.Connection, which: ObjectId, version: ObjectVersion, now: float) -> ObjectVersion:
    put = connection.execute(queries.PUT, {**which._asdict(), "version": version.version, "now": now}).fetchone()
    if put is None:
        raise ObjectStateError(which.kind, which.name, _state(connection, which, now))
    row, name = put
    connection.execute(queries.PUT_VERSION, {"object": row, **_columns(version)})
    return version if version.name == name else replace(version, name=name)


def _state(connection: sqlite3.Connection, which: ObjectId, now: float) -> ObjectState:
    row = connection.execute(queries.STATE, which._asdict()).fetchone()
    if row is None:
        return ObjectState.ABSENT
    return _REACHED[row[0]] if row[1] <= now else _ON_THE_WAY[row[0]]


def _expect(connection: sqlite3.Connection, which: ObjectId, now: float, *states: ObjectState) -> None:
    found = _state(connection, which, now)
    if found not in states:
        raise ObjectStateError(which.kind, which.name, found)


def _next_purge(connection: sqlite3.Connection) -> float:
    found = connection.execute(queries.NEXT_SWEEP).fetchone()[0]
    return math.inf if found is None else float(found)


def _columns(version: ObjectVersion) -> dict[str, Any]:
    attributes = fields_of(version.attributes)
    return {
        **attributes,
        "tags": _text(attributes["tags"]),
        "version": version.version,
        "created_on": version.created_on,
        "updated_on": version.updated_on,
        "facts": _text(dict(version.facts)),
        "value": version.value,
    }


def _text(fields: dict[str, Any]) -> str:
    """Return fields as they are kept; most objects have none."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")) if fields else "{}"


def _read(text: str) -> dict[str, Any]:
    """Return fields as they were kept."""
    found: dict[str, Any] = {} if text == "{}" else json.loads(text)
    return found


def _version(row: Any) -> ObjectVersion:
    return ObjectVersion(**_fields(row), value=row[-1])


def _properties(row: Any) -> ObjectProperties:
    return ObjectProperties(**_fields(row))


def _deleted(row: Any) -> DeletedObject:
    return DeletedObject(properties=_properties(row), deleted_on=row[-2], scheduled_purge_on=row[-1])


def _fields(row: Any) -> dict[str, Any]:
    name, version, content_type, enabled, not_before, expires_on, tags, created_on, updated_on, facts = row[:10]
    attributes = Attributes(
        content_type=content_type,
        enabled=bool(enabled),
        not_before=not_before,
        expires_on=expires_on,
        tags=_read(tags),
    )
    times = {"created_on": created_on, "updated_on": updated_on}
    return {"name": name, "version": version, "attributes": attributes, **times, "facts": _read(facts)}
