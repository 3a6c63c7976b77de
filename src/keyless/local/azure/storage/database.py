"""The database of a local Azure: SQLite, in memory unless a file is named."""

from __future__ import annotations

import sqlite3
import sys
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from keyless.errors import LocalAzureError
from keyless.local.azure.storage.damage import is_whole, set_aside
from keyless.local.azure.storage.schema import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_KEY: Final = "SELECT pem FROM key WHERE name = ?"
_BROKEN: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Database:
    """One connection, which threads take turns at; what is written is kept when a method returns."""

    def __init__(self, path: Path | None = None) -> None:
        """Open the database, make it where there is none, and bring an older one to today's schema.

        Args:
            path: The file; None keeps all in memory until the database is closed.

        Raises:
            LocalAzureError: If the file cannot be used, or was written by a newer Keyless.
        """
        self._lock = threading.RLock()
        self._where = "memory" if path is None else str(path)
        try:
            if path is not None:
                path.touch(mode=0o600)
            # Threads take turns by the lock; transactions are begun and ended by this class alone.
            self._connection = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
            # A database that is dropped unclosed is closed all the same, as a file would be.
            weakref.finalize(self, self._connection.close)
        except (OSError, sqlite3.Error) as error:
            raise self._failure(error) from error
        try:
            with self.reading() as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA foreign_keys = ON")
                self._migrate(connection)
            if path is not None:
                self._tidy()
        except BaseException:
            self._connection.close()
            raise

    def _migrate(self, connection: sqlite3.Connection) -> None:
        try:
            migrate(connection, where=self._where)
        except (UnicodeDecodeError, ValueError):  # The schema itself is text.
            raise _damaged(self._where) from None

    def _tidy(self) -> None:
        """Set aside what cannot be read, and say so; a file that is broken as a whole is refused."""
        with self.changing() as connection:
            if not is_whole(connection):
                raise _damaged(self._where)
            for name in set_aside(connection):
                sys.stderr.write(
                    f"keyless: {name} in {self._where} is damaged and was set aside (table `damaged`); all else is there.\n"
                )

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Have the connection to oneself, for statements that are each their own.

        Raises:
            LocalAzureError: If the database cannot be used.
        """
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise self._failure(error) from error

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """Have the connection to oneself, for statements that take effect together or not at all.

        Within another such block, they take effect with all of that one's.

        Raises:
            LocalAzureError: If the database cannot be used.
        """
        with self._lock:
            if self._connection.in_transaction:
                yield self._connection
                return
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:  # A full disk has ended it already.
                        self._connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise self._failure(error) from error

    def key(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Return the key of that name; it is made when it is first wanted, and kept."""
        with self.reading() as connection:
            found = connection.execute(_KEY, (name,)).fetchone()
        if found is None:
            made = make()  # It takes long, and others go on meanwhile.
            with self.changing() as connection:
                connection.execute("INSERT INTO key (name, pem) VALUES (?, ?) ON CONFLICT DO NOTHING", (name, made))
                found = connection.execute(_KEY, (name,)).fetchone()
        return bytes(found[0])

    def close(self) -> None:
        """Close the database; one in memory is gone then."""
        with self._lock:
            self._connection.close()

    def _failure(self, error: Exception) -> LocalAzureError:
        code = getattr(error, "sqlite_errorcode", None)
        if isinstance(error, sqlite3.Error) and (code is None or code & 0xFF in _BROKEN):
            # What has no code is Python's own, and quotes the text that it could not read.
            return _damaged(self._where)
        if code is not None and code & 0xFF == sqlite3.SQLITE_FULL:
            return LocalAzureError(
                f"The store of secrets ({self._where}) cannot be written: the disk is full.",
                cause="Nothing was changed, and what was stored before is there.",
                remedy="Make room on that disk, and try again.",
            )
        return LocalAzureError(
            f"The store of secrets ({self._where}) cannot be used: {error}.",
            cause="The folder or file is missing, read-only, full, closed, or not a store of Keyless.",
            remedy="Name a folder that can be written to, with --data, or leave --data out to keep secrets in memory.",
        )


def _damaged(where: str) -> LocalAzureError:
    return LocalAzureError(
        f"The store of secrets ({where}) is damaged.",
        cause="Its file is not a store of Keyless, or parts of it were cut off or overwritten.",
        remedy="Put a copy of it back, or move it away to start with an empty one. It was left as it is.",
    )
