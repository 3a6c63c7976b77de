"""Sets aside what is damaged in a store, so that one damaged row costs one secret and no list, read or export.

What is set aside stays in the table ``damaged`` as it was, so that you can repair it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import sqlite3

_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS damaged (vault BLOB, kind BLOB, name BLOB, version BLOB, tags BLOB, value BLOB)"
)
_COLUMNS: Final = (
    "v.id, o.id, o.vault, o.kind, o.name, v.version, v.content_type, v.tags, v.value, v.enabled, v.not_before, "
    "v.expires_on, v.created_on, v.updated_on, v.facts, o.policy, o.operation, o.latest"
)
_ROWS: Final = f"SELECT {_COLUMNS} FROM object_version AS v JOIN object AS o ON o.id = v.object"  # noqa: S608 (made of constants)
_ASIDE: Final = "INSERT INTO damaged VALUES (?, ?, ?, ?, ?, ?)"
_OF_OBJECT: Final = (
    "INSERT INTO damaged SELECT o.vault, o.kind, o.name, v.version, v.tags, v.value FROM object_version AS v "
    "JOIN object AS o ON o.id = v.object WHERE o.id = ? AND v.id <> ?"
)


def is_whole(connection: sqlite3.Connection) -> bool:
    """Return whether SQLite finds the file as it must be."""
    return bool(connection.execute("PRAGMA integrity_check(1)").fetchone()[0] in {"ok", b"ok"})


def set_aside(connection: sqlite3.Connection) -> list[str]:
    """Move every version that cannot be read out of the way; an object whose latest version is damaged goes whole.

    An older version in place of the latest one would be a wrong answer.

    Returns:
        What was set aside, for people: names, and no value.
    """
    before, connection.text_factory = connection.text_factory, bytes
    try:
        damaged = [row for row in connection.execute(_ROWS) if not _is_readable(row)]
        told = []
        for version, owner, vault, kind, name, called, _, tags, value, *_, latest in damaged:
            connection.execute(_TABLE)
            connection.execute(_ASIDE, (vault, kind, name, called, tags, value))
            if called == latest:
                connection.execute(_OF_OBJECT, (owner, version))
                connection.execute("DELETE FROM object WHERE id = ?", (owner,))
            else:
                connection.execute("DELETE FROM object_version WHERE id = ?", (version,))
            told.append(f"{_said(vault)}/{_said(name)}{'' if called == latest else f' (version {_said(called)})'}")
    finally:
        connection.text_factory = before
    return told


def _is_readable(row: tuple[Any, ...]) -> bool:
    _, _, vault, kind, name, called, content_type, tags, value, enabled, *rest, latest = row
    not_before, expires_on, created_on, updated_on, *tables = rest
    try:
        texts = [each.decode() for each in (vault, kind, name, called, value, latest)]
        if content_type is not None:
            content_type.decode()
        found = json.loads(tags.decode())
        objects = [json.loads(each.decode()) for each in tables if each is not None]
    except (AttributeError, ValueError, RecursionError):
        return False
    numbers = (enabled, created_on, updated_on, *(time for time in (not_before, expires_on) if time is not None))
    plain = isinstance(found, dict) and all(isinstance(text, str) for text in found.values())
    plain = plain and all(isinstance(each, dict) for each in objects)
    return plain and all(texts[:4]) and all(isinstance(number, int) for number in numbers)


def _said(text: object) -> str:
    """Return a name for people; one that is damaged may hold anything."""
    written = text.decode("ascii", "replace") if isinstance(text, bytes) else "?"
    return "".join(each if each.isalnum() or each == "-" else "?" for each in written)[:127]
