"""The one place where secrets are kept: SQLite, in memory unless a file is named, every version of every secret."""

from __future__ import annotations

import json
import math
import sqlite3
import threading
import weakref
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from keyless.errors import LocalAzureError
from keyless.local.azure.keyvault.secrets import secret_queries
from keyless.local.azure.keyvault.secrets.secret import (
    DeletedSecret,
    SecretProperties,
    SecretState,
    SecretStateError,
    SecretVersion,
)
from keyless.local.azure.storage.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_REACHED = {"active": SecretState.ACTIVE, "deleted": SecretState.DELETED, "purged": SecretState.ABSENT}
_ON_THE_WAY = {"active": SecretState.RECOVERING, "deleted": SecretState.DELETING, "purged": SecretState.PURGING}


class Store:
    """Secrets in SQLite. Safe to use from any thread.

    Every method that depends on the time is told it: a secret's state is what its times say at that moment.
    """

    def __init__(self, path: Path | None = None) -> None:
        """Open the store, make it where there is none, and bring an older one to today's schema.

        Args:
            path: The file to keep secrets in; None keeps them in memory until the store is closed.

        Raises:
            LocalAzureError: If the file cannot be used, or was written by a newer Keyless.
        """
        self._lock = threading.RLock()
        self._where = "memory" if path is None else str(path)
        self._next_purge = math.inf
        try:
            if path is not None:
                path.touch(mode=0o600)
            # Threads take turns by the lock; transactions are begun and ended by this class alone.
            self._database = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
            # A store that is dropped unclosed closes its database all the same, as a file would be.
            weakref.finalize(self, self._database.close)
        except (OSError, sqlite3.Error) as error:
            raise self._failure(error) from error
        try:
            self._prepare()
        except BaseException:
            self._database.close()
            raise

    def _prepare(self) -> None:
        with self._turn() as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA foreign_keys = ON")
            migrate(database, where=self._where)
            self._next_purge = _next_purge(database)

    def put(self, vault: str, secret: SecretVersion, *, now: float) -> SecretVersion:
        """Keep a new version and make it the latest; on return it is in the store.

        Returns:
            The version as kept: the name in the case that the secret was first given.

        Raises:
            SecretStateError: If a deleted secret has the name.
        """
        with self._change(now) as database:
            _expect(database, vault, secret.name, now, SecretState.ACTIVE, SecretState.ABSENT)
            return _insert(database, vault, secret)

    def restore(self, vault: str, versions: Sequence[SecretVersion], *, now: float) -> None:
        """Keep all versions of a secret, the latest last, as they are.

        Raises:
            SecretStateError: If there is a secret of that name, deleted or not.
        """
        with self._change(now) as database:
            _expect(database, vault, versions[0].name, now, SecretState.ABSENT)
            for version in versions:
                _insert(database, vault, version)

    def get(self, vault: str, name: str, version: str | None = None, *, now: float) -> SecretVersion | None:
        """Return a version of a secret, the latest unless one is named; None where there is none."""
        named = {"vault": vault, "name": name, "version": version and version.lower()}
        rows = self._rows(secret_queries.GET, now, named)
        return SecretVersion(**_columns(rows[0]), value=rows[0][-1]) if rows else None

    def all_versions(self, vault: str, name: str, *, now: float) -> list[SecretVersion]:
        """Return every version of a secret, the latest last; none where there is no such secret."""
        rows = self._rows(secret_queries.ALL_VERSIONS, now, {"vault": vault, "name": name})
        return [SecretVersion(**_columns(row), value=row[-1]) for row in rows]

    def update(
        self,
        vault: str,
        name: str,
        version: str | None,
        *,
        content_type: str | None,
        enabled: bool | None,
        not_before: int | None,
        expires_on: int | None,
        tags: Mapping[str, str] | None,
        updated_on: int,
        now: float,
    ) -> SecretVersion | None:
        """Change properties of a version, the latest unless one is named; None leaves a property as it is.

        Returns:
            The version as it is then; None where there is none.
        """
        with self._change(now) as database:
            database.execute(
                secret_queries.UPDATE,
                {
                    "vault": vault,
                    "name": name,
                    "version": version and version.lower(),
                    "content_type": content_type,
                    "enabled": enabled,
                    "not_before": not_before,
                    "expires_on": expires_on,
                    "tags": None if tags is None else _text(tags),
                    "updated_on": updated_on,
                    "now": now,
                },
            )
            return self.get(vault, name, version, now=now)

    def delete(self, vault: str, name: str, *, now: float, settles_on: float, purge_on: int) -> None:
        """Make an active secret a deleted one, which it is from ``settles_on`` to ``purge_on``.

        Raises:
            SecretStateError: If it is not active.
        """
        with self._change(now) as database:
            _expect(database, vault, name, now, SecretState.ACTIVE)
            database.execute(secret_queries.DELETE, (settles_on, int(now), purge_on, vault, name))
            self._next_purge = min(self._next_purge, purge_on)

    def recover(self, vault: str, name: str, *, now: float, settles_on: float) -> None:
        """Make a deleted secret an active one, which it is from ``settles_on`` on.

        Raises:
            SecretStateError: If it is not deleted.
        """
        with self._change(now) as database:
            _expect(database, vault, name, now, SecretState.DELETED)
            database.execute(secret_queries.RECOVER, (settles_on, vault, name))

    def purge(self, vault: str, name: str, *, now: float, settles_on: float, state: SecretState) -> None:
        """Forget every version of a secret; its name is taken until ``settles_on``.

        Raises:
            SecretStateError: If the secret is in another state than ``state``.
        """
        with self._change(now) as database:
            _expect(database, vault, name, now, state)
            database.execute(secret_queries.PURGE_VERSIONS, (vault, name))
            database.execute(secret_queries.PURGE, (settles_on, settles_on, vault, name))
            self._next_purge = min(self._next_purge, settles_on)

    def state(self, vault: str, name: str, *, now: float) -> SecretState:
        """Return where a secret is in its life."""
        with self._turn(now) as database:
            return _state(database, vault, name, now)

    def get_deleted(self, vault: str, name: str, *, now: float) -> DeletedSecret | None:
        """Return a deleted secret; None where there is none."""
        rows = self._rows(secret_queries.GET_DELETED, now, {"vault": vault, "name": name})
        return _deleted(rows[0]) if rows else None

    def list_deleted(self, vault: str, *, start: str = "", limit: int, now: float) -> list[DeletedSecret]:
        """Return deleted secrets by ascending name, beginning with the name ``start``."""
        rows = self._rows(secret_queries.LIST_DELETED, now, {"vault": vault, "start": start, "limit": limit})
        return [_deleted(row) for row in rows]

    def list_secrets(self, vault: str, *, start: str = "", limit: int, now: float) -> list[SecretProperties]:
        """Return the latest version of each secret, by ascending name, beginning with the name ``start``."""
        rows = self._rows(secret_queries.LIST_ACTIVE, now, {"vault": vault, "start": start, "limit": limit})
        return [SecretProperties(**_columns(row)) for row in rows]

    def list_versions(
        self, vault: str, name: str, *, start: str = "", limit: int, now: float
    ) -> list[SecretProperties]:
        """Return the versions of a secret, by ascending id as Azure does, beginning with the id ``start``."""
        rows = self._rows(
            secret_queries.LIST_VERSIONS, now, {"vault": vault, "name": name, "start": start.lower(), "limit": limit}
        )
        return [SecretProperties(**_columns(row)) for row in rows]

    def vaults(self) -> list[str]:
        """Return the names of the vaults that have secrets here, deleted or not."""
        with self._turn() as database:
            return [row[0] for row in database.execute("SELECT DISTINCT vault FROM secret ORDER BY vault")]

    def key(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Return the key of that name; it is made when it is first wanted, and kept."""
        with self._turn() as database, _transaction(database):
            found = database.execute("SELECT pem FROM key WHERE name = ?", (name,)).fetchone()
            if found is None:
                found = (make(),)
                database.execute("INSERT INTO key (name, pem) VALUES (?, ?)", (name, *found))
        return bytes(found[0])

    def clear(self) -> None:
        """Forget every secret; keys stay."""
        with self._turn() as database, _transaction(database):
            database.execute(secret_queries.CLEAR)
            self._next_purge = math.inf

    def close(self) -> None:
        """Close the store; one in memory is gone then."""
        with self._lock:
            self._database.close()

    def _rows(self, query: str, now: float, named: Mapping[str, str | int | None]) -> list[Any]:
        with self._turn(now) as database:
            return database.execute(query, {**named, "now": now}).fetchall()

    @contextmanager
    def _change(self, now: float) -> Iterator[sqlite3.Connection]:
        with self._turn(now) as database, _transaction(database):
            yield database

    @contextmanager
    def _turn(self, now: float = -math.inf) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if now >= self._next_purge:
                    self._database.execute(secret_queries.SWEEP, (now,))
                    self._next_purge = _next_purge(self._database)
                yield self._database
            except sqlite3.Error as error:
                raise self._failure(error) from error

    def _failure(self, error: Exception) -> LocalAzureError:
        return LocalAzureError(
            f"The store of secrets ({self._where}) cannot be used: {error}.",
            cause="The folder or file is missing, read-only, full, closed, or not a store of Keyless.",
            remedy="Name a folder that can be written to, with --data, or leave --data out to keep secrets in memory.",
        )


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _insert(database: sqlite3.Connection, vault: str, secret: SecretVersion) -> SecretVersion:
    row, name = database.execute(secret_queries.PUT, (vault, secret.name, secret.version)).fetchone()
    database.execute(
        secret_queries.PUT_VERSION,
        (
            row,
            secret.version,
            secret.content_type,
            secret.enabled,
            secret.not_before,
            secret.expires_on,
            secret.created_on,
            secret.updated_on,
            _text(secret.tags),
            secret.value,
        ),
    )
    return replace(secret, name=name)


def _state(database: sqlite3.Connection, vault: str, name: str, now: float) -> SecretState:
    row = database.execute(secret_queries.STATE, (vault, name)).fetchone()
    if row is None:
        return SecretState.ABSENT
    return _REACHED[row[0]] if row[1] <= now else _ON_THE_WAY[row[0]]


def _expect(database: sqlite3.Connection, vault: str, name: str, now: float, *states: SecretState) -> None:
    found = _state(database, vault, name, now)
    if found not in states:
        raise SecretStateError(name, found)


def _next_purge(database: sqlite3.Connection) -> float:
    found = database.execute(secret_queries.NEXT_SWEEP).fetchone()[0]
    return math.inf if found is None else float(found)


def _deleted(row: Any) -> DeletedSecret:
    return DeletedSecret(properties=SecretProperties(**_columns(row)), deleted_on=row[-2], scheduled_purge_on=row[-1])


def _columns(row: Any) -> dict[str, Any]:
    return {
        "name": row[0],
        "version": row[1],
        "content_type": row[2],
        "enabled": bool(row[3]),
        "not_before": row[4],
        "expires_on": row[5],
        "created_on": row[6],
        "updated_on": row[7],
        "tags": json.loads(row[8]),
    }


def _text(tags: Mapping[str, str]) -> str:
    return json.dumps(dict(tags), ensure_ascii=False)
