"""What a store asks its database: every statement that reads or writes secrets by name, vault and time."""

_PROPERTIES = (
    "secret.name, version.version, version.content_type, version.enabled, version.not_before, version.expires_on, "
    "version.created_on, version.updated_on, version.tags"
)
_OF_STATE = (
    "FROM secret JOIN version ON version.secret = secret.id "
    "WHERE secret.vault = :vault AND secret.state = '{}' AND secret.settles_on <= :now"
)
_ACTIVE, _DELETED = _OF_STATE.format("active"), _OF_STATE.format("deleted")
GET = (
    f"SELECT {_PROPERTIES}, version.value {_ACTIVE} AND secret.name = :name "
    "AND version.version = coalesce(:version, secret.latest)"
)
GET_DELETED = (
    f"SELECT {_PROPERTIES}, secret.deleted_on, secret.purge_on {_DELETED} AND secret.name = :name "
    "AND version.version = secret.latest"
)
ALL_VERSIONS = f"SELECT {_PROPERTIES}, version.value {_ACTIVE} AND secret.name = :name ORDER BY version.id"
LIST_ACTIVE = (
    f"SELECT {_PROPERTIES} {_ACTIVE} AND version.version = secret.latest "
    "AND secret.name >= :start ORDER BY secret.name LIMIT :limit"
)
LIST_DELETED = (
    f"SELECT {_PROPERTIES}, secret.deleted_on, secret.purge_on {_DELETED} AND version.version = secret.latest "
    "AND secret.name >= :start ORDER BY secret.name LIMIT :limit"
)
# The subquery yields one id, so that the index on versions serves their order too, however many there are.
LIST_VERSIONS = (
    f"SELECT {_PROPERTIES} FROM version JOIN secret ON secret.id = version.secret WHERE version.secret = ("  # noqa: S608 (made of constants)
    "SELECT id FROM secret WHERE vault = :vault AND name = :name AND state = 'active' AND settles_on <= :now"
    ") AND version.version >= :start ORDER BY version.version LIMIT :limit"
)
PUT = (
    "INSERT INTO secret (vault, name, latest) VALUES (?, ?, ?) "
    "ON CONFLICT (vault, name) DO UPDATE SET latest = excluded.latest RETURNING id, name"
)
PUT_VERSION = (
    "INSERT INTO version (secret, version, content_type, enabled, not_before, expires_on, created_on, updated_on, tags, "
    "value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
UPDATE = (
    f"UPDATE version SET updated_on = :updated_on, tags = coalesce(:tags, tags), "  # noqa: S608 (made of constants)
    "content_type = coalesce(:content_type, content_type), enabled = coalesce(:enabled, enabled), "
    "not_before = coalesce(:not_before, not_before), expires_on = coalesce(:expires_on, expires_on) "
    f"WHERE id = (SELECT version.id {_ACTIVE} AND secret.name = :name "
    "AND version.version = coalesce(:version, secret.latest))"
)
DELETE = (
    "UPDATE secret SET state = 'deleted', settles_on = ?, deleted_on = ?, purge_on = ? WHERE vault = ? AND name = ?"
)
RECOVER = "UPDATE secret SET state = 'active', settles_on = ?, deleted_on = NULL, purge_on = NULL WHERE vault = ? AND name = ?"
PURGE = "UPDATE secret SET state = 'purged', settles_on = ?, purge_on = ? WHERE vault = ? AND name = ?"
PURGE_VERSIONS = "DELETE FROM version WHERE secret = (SELECT id FROM secret WHERE vault = ? AND name = ?)"
SWEEP = "DELETE FROM secret WHERE purge_on <= ?"
NEXT_SWEEP = "SELECT min(purge_on) FROM secret WHERE purge_on IS NOT NULL"
STATE = "SELECT state, settles_on FROM secret WHERE vault = ? AND name = ?"
CLEAR = "DELETE FROM secret"
