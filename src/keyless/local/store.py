"""The one place where secrets are kept: SQLite, in memory unless a file is named, every version of every secret."""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from keyless.errors import LocalAzureError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SCHEMA_VERSION = 1

# A secret's name is compared without case and kept as it was first given. Its row names the latest version, so that a
# read is two index look-ups however many versions there are, and a list page is one range of an index. deleted_on and
# purge_on are those of a soft-deleted secret, in Unix seconds.
_SCHEMA = """
CREATE TABLE secret (
    id INTEGER PRIMARY KEY,
    vault TEXT NOT NULL COLLATE NOCASE,
    name TEXT NOT NULL COLLATE NOCASE,
    latest TEXT NOT NULL,
    deleted_on INTEGER,
    purge_on INTEGER,
    UNIQUE (vault, name)
);
CREATE TABLE version (
    id INTEGER PRIMARY KEY,
    secret INTEGER NOT NULL REFERENCES secret (id) ON DELETE CASCADE,
    version TEXT NOT NULL,
    content_type TEXT,
    enabled INTEGER NOT NULL,
    not_before INTEGER,
    expires_on INTEGER,
    created_on INTEGER NOT NULL,
    updated_on INTEGER NOT NULL,
    tags TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (secret, version)
);
"""
_PROPERTIES = (
    "secret.name, version.version, version.content_type, version.enabled, version.not_before, version.expires_on, "
    "version.created_on, version.updated_on, version.tags"
)
_LIVE = "FROM secret JOIN version ON version.secret = secret.id WHERE secret.vault = ? AND secret.deleted_on IS NULL"
_LIST_SECRETS = (
    f"SELECT {_PROPERTIES} {_LIVE} AND version.version = secret.latest "
    "AND secret.name >= ? ORDER BY secret.name LIMIT ?"
)
_LIST_VERSIONS = (
    f"SELECT {_PROPERTIES} {_LIVE} AND secret.name = ? AND version.version >= ? ORDER BY version.version LIMIT ?"
)
_GET = (
    f"SELECT {_PROPERTIES}, version.value {_LIVE} AND secret.name = ? AND version.version = coalesce(?, secret.latest)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretProperties:
    """What is known of a version of a secret besides its value; times are Unix seconds.

    Attributes:
        name: The secret's name, in the case it was first given.
        version: The version's id, 32 lower-case hexadecimal digits.
        content_type: Free text about the value; None where not given.
        enabled: Whether the value may be read.
        not_before: When the value becomes valid, for the reader to heed; None where not given.
        expires_on: When the value ceases to be valid, for the reader to heed; None where not given.
        created_on: When the version was made.
        updated_on: When its properties were last changed.
        tags: Free names and texts.
    """

    name: str
    version: str
    content_type: str | None
    enabled: bool
    not_before: int | None
    expires_on: int | None
    created_on: int
    updated_on: int
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretVersion(SecretProperties):
    """A version of a secret with its value, which no representation shows."""

    value: str = field(repr=False)


class Store:
    """Secrets in SQLite. Safe to use from any thread."""

    def __init__(self, path: Path | None = None) -> None:
        """Open the store, and make it where there is none.

        Args:
            path: The file to keep secrets in; None keeps them in memory until the store is closed.

        Raises:
            LocalAzureError: If the file cannot be used, or was written by a newer Keyless.
        """
        self._lock = threading.RLock()
        self._where = "memory" if path is None else str(path)
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
            found = database.execute("PRAGMA user_version").fetchone()[0]
            if found > SCHEMA_VERSION:
                raise LocalAzureError(
                    f"The store {self._where} cannot be read.",
                    cause=f"Its schema is version {found}; this Keyless knows versions up to {SCHEMA_VERSION}.",
                    remedy="Use the newer Keyless that wrote it, or another folder.",
                )
            if found == 0:
                database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;")

    def put(self, vault: str, secret: SecretVersion) -> SecretVersion:
        """Keep a new version and make it the latest; on return it is in the store.

        Returns:
            The version as kept: the name in the case that the secret was first given.
        """
        with self._turn() as database, _transaction(database):
            row, name = database.execute(
                "INSERT INTO secret (vault, name, latest) VALUES (?, ?, ?) "
                "ON CONFLICT (vault, name) DO UPDATE SET latest = excluded.latest RETURNING id, name",
                (vault, secret.name, secret.version),
            ).fetchone()
            database.execute(
                "INSERT INTO version (secret, version, content_type, enabled, not_before, expires_on, created_on, "
                "updated_on, tags, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    row,
                    secret.version,
                    secret.content_type,
                    secret.enabled,
                    secret.not_before,
                    secret.expires_on,
                    secret.created_on,
                    secret.updated_on,
                    json.dumps(dict(secret.tags), ensure_ascii=False),
                    secret.value,
                ),
            )
        return replace(secret, name=name)

    def get(self, vault: str, name: str, version: str | None = None) -> SecretVersion | None:
        """Return a version of a secret, the latest unless one is named; None where there is none."""
        with self._turn() as database:
            row = database.execute(_GET, (vault, name, version and version.lower())).fetchone()
        return row and SecretVersion(**_columns(row), value=row[-1])

    def list_secrets(self, vault: str, *, start: str = "", limit: int) -> list[SecretProperties]:
        """Return the latest version of each secret, by ascending name, beginning with the name ``start``."""
        with self._turn() as database:
            rows = database.execute(_LIST_SECRETS, (vault, start, limit)).fetchall()
        return [SecretProperties(**_columns(row)) for row in rows]

    def list_versions(self, vault: str, name: str, *, start: str = "", limit: int) -> list[SecretProperties]:
        """Return the versions of a secret, by ascending id as Azure does, beginning with the id ``start``."""
        with self._turn() as database:
            rows = database.execute(_LIST_VERSIONS, (vault, name, start.lower(), limit)).fetchall()
        return [SecretProperties(**_columns(row)) for row in rows]

    def close(self) -> None:
        """Close the store; one in memory is gone then."""
        with self._lock:
            self._database.close()

    @contextmanager
    def _turn(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
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


def _columns(row: tuple[Any, ...]) -> dict[str, Any]:
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
