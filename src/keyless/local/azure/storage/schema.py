"""The tables of the database, and how one that an older Keyless wrote becomes today's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.errors import LocalAzureError

if TYPE_CHECKING:
    import sqlite3

# A secret's name is compared without case and kept as it was first given. Its row names the latest version, so that a
# read is two index look-ups however many versions there are, and a list page is one range of an index. deleted_on and
# purge_on are those of a deleted secret, in Unix seconds: after purge_on it is no more.
_VERSION_1 = """
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
# A secret's state is the one that it has reached from settles_on on; before that, it is on its way there. The index
# lets a list of one state skip whatever there is of the others. `key` holds the key that backups are encrypted with.
_VERSION_2 = """
ALTER TABLE secret ADD COLUMN state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'deleted', 'purged'));
ALTER TABLE secret ADD COLUMN settles_on REAL NOT NULL DEFAULT 0;
CREATE INDEX secret_by_state ON secret (vault, state, name);
CREATE INDEX secret_by_purge ON secret (purge_on) WHERE purge_on IS NOT NULL;
CREATE TABLE key (
    name TEXT PRIMARY KEY,
    pem BLOB NOT NULL
);
"""
# Secrets, keys and certificates of one name are side by side. `value` is the value of a secret, or the text of key material.
_VERSION_3 = """
CREATE TABLE object (
    id INTEGER PRIMARY KEY,
    vault TEXT NOT NULL COLLATE NOCASE,
    kind TEXT NOT NULL CHECK (kind IN ('secret', 'key', 'certificate')),
    name TEXT NOT NULL COLLATE NOCASE,
    latest TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'deleted', 'purged')),
    settles_on REAL NOT NULL DEFAULT 0,
    deleted_on INTEGER,
    purge_on INTEGER,
    UNIQUE (vault, kind, name)
);
CREATE TABLE object_version (
    id INTEGER PRIMARY KEY,
    object INTEGER NOT NULL REFERENCES object (id) ON DELETE CASCADE,
    version TEXT NOT NULL,
    content_type TEXT,
    enabled INTEGER NOT NULL,
    not_before INTEGER,
    expires_on INTEGER,
    tags TEXT NOT NULL,
    created_on INTEGER NOT NULL,
    updated_on INTEGER NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (object, version)
);
INSERT INTO object SELECT id, vault, 'secret', name, latest, state, settles_on, deleted_on, purge_on FROM secret;
INSERT INTO object_version
    SELECT id, secret, version, content_type, enabled, not_before, expires_on, tags, created_on, updated_on, value
    FROM version;
DROP TABLE version;
DROP TABLE secret;
CREATE INDEX object_by_state ON object (vault, kind, state, name);
CREATE INDEX object_by_purge ON object (purge_on) WHERE purge_on IS NOT NULL;
"""
# What is known of a version by its kind, such as the public part of a key, and how the object is to be renewed: both JSON.
_VERSION_4 = """
ALTER TABLE object ADD COLUMN policy TEXT;
ALTER TABLE object_version ADD COLUMN facts TEXT NOT NULL DEFAULT '{}';
CREATE INDEX object_with_policy ON object (kind) WHERE policy IS NOT NULL;
CREATE INDEX object_version_by_expiry ON object_version (expires_on) WHERE expires_on IS NOT NULL;
"""
# How a certificate that was ordered comes about, in JSON; and what a vault keeps that has no versions: issuers and contacts.
_VERSION_5 = """
ALTER TABLE object ADD COLUMN operation TEXT;
CREATE TABLE record (
    vault TEXT NOT NULL COLLATE NOCASE,
    kind TEXT NOT NULL,
    name TEXT NOT NULL COLLATE NOCASE,
    content TEXT NOT NULL,
    PRIMARY KEY (vault, kind, name)
);
"""
# What the management plane received of each resource, as JSON; null where it was deleted.
_VERSION_6 = """
CREATE TABLE resource (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL
);
"""
_STEPS = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5, _VERSION_6)
SCHEMA_VERSION = len(_STEPS)


def migrate(database: sqlite3.Connection, *, where: str) -> None:
    """Bring a store to today's schema, one version at a time: each is reached whole, or not at all.

    Args:
        database: The store, which may be empty.
        where: What to call it in an error.

    Raises:
        LocalAzureError: If a newer Keyless wrote it.
    """
    found = database.execute("PRAGMA user_version").fetchone()[0]
    if found > SCHEMA_VERSION:
        raise LocalAzureError(
            f"The store {where} cannot be read.",
            cause=f"Its schema is version {found}; this Keyless knows versions up to {SCHEMA_VERSION}.",
            remedy="Use the newer Keyless that wrote it, or another folder.",
        )
    for version, step in enumerate(_STEPS[found:], found + 1):
        database.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {version}; COMMIT;")
