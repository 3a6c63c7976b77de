"""The contents of the vaults once they were seeded, so that a reset brings it back and need not make it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyless.local.azure.storage.database import Database

# In the order in which they can be filled: versions refer to their objects, and go with them.
_TABLES: Final = ("object", "object_version", "record")


class Beginning:
    """The rows of the vaults at one moment. Safe to use from any thread.

    A reset is asked for before each test, and making keys and certificates takes long, so what was made once is kept. A test
    that has changed no row costs nothing.

    Args:
        database: Where the vaults keep what they hold.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seeds: list[object] = []
        self._rows: dict[str, list[Any]] | None = None
        self._since = 0.0
        self._changes = -1

    def remember(self, seeds: Sequence[object], *, now: float) -> None:
        """Remember what there is now.

        Args:
            seeds: What it was made of, to be compared by a later reset.
            now: The time, in Unix seconds.
        """
        with self._database.changing() as connection:
            # The names are constants.
            self._rows = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in _TABLES}  # noqa: S608
            self._changes = connection.total_changes
        self._seeds, self._since = list(seeds), now

    def bring_back(self, seeds: Sequence[object], *, now: float) -> bool:
        """Bring back what was remembered; return False, and do nothing, where that is not what is wanted.

        Args:
            seeds: What is to be there; it has to equal what was remembered.
            now: The time, in Unix seconds; nothing may be there from the future.
        """
        if self._rows is None or now < self._since or self._seeds != list(seeds):
            return False
        with self._database.changing() as connection:
            if connection.total_changes == self._changes:
                return True
            for table in reversed(_TABLES):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 (as above)
            for table, rows in self._rows.items():
                if rows:
                    marks = ", ".join("?" * len(rows[0]))
                    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 (as above)
            self._changes = connection.total_changes
        return True
