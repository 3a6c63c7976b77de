"""The statements that read and write objects by vault, kind, name and time."""

_PROPERTIES = (
    "object.name, version.version, version.content_type, version.enabled, version.not_before, version.expires_on, "
    "version.tags, version.created_on, version.updated_on, version.facts"
)
_OF_STATE = (
    "FROM object JOIN object_version AS version ON version.object = object.id "
    "WHERE object.vault = :vault AND object.kind = :kind AND object.state = '{}' AND object.settles_on <= :now"
)
_ACTIVE, _DELETED = _OF_STATE.format("active"), _OF_STATE.format("deleted")
_NAMED = "vault = :vault AND kind = :kind AND name = :name"
GET = (
    f"SELECT {_PROPERTIES}, version.value {_ACTIVE} AND object.name = :name "
    "AND version.version = coalesce(:version, object.latest)"
)
GET_DELETED = (
    f"SELECT {_PROPERTIES}, object.deleted_on, object.purge_on {_DELETED} AND object.name = :name "
    "AND version.version = object.latest"
)
ALL_VERSIONS = f"SELECT {_PROPERTIES}, version.value {_ACTIVE} AND object.name = :name ORDER BY version.id"
LIST_ACTIVE = (
    f"SELECT {_PROPERTIES} {_ACTIVE} AND version.version = object.latest "
    "AND object.name >= :start ORDER BY object.name LIMIT :limit"
)
LIST_DELETED = (
    f"SELECT {_PROPERTIES}, object.deleted_on, object.purge_on {_DELETED} AND version.version = object.latest "
    "AND object.name >= :start ORDER BY object.name LIMIT :limit"
)
# The subquery yields one id, so that the index on versions serves their order too, however many there are.
LIST_VERSIONS = (
    f"SELECT {_PROPERTIES} FROM object_version AS version JOIN object ON object.id = version.object "  # noqa: S608 (made of constants)
    f"WHERE version.object = (SELECT id FROM object WHERE {_NAMED} AND state = 'active' AND settles_on <= :now"
    ") AND version.version >= :start ORDER BY version.version LIMIT :limit"
)
# No row comes back where an object of that name is deleted, or on its way.
PUT = (
    "INSERT INTO object (vault, kind, name, latest) VALUES (:vault, :kind, :name, :version) "
    "ON CONFLICT (vault, kind, name) DO UPDATE SET latest = excluded.latest "
    "WHERE object.state = 'active' AND object.settles_on <= :now RETURNING id, name"
)
# A version of a certificate is there before it is complete.
PUT_VERSION = (
    "INSERT OR REPLACE INTO object_version (object, version, content_type, enabled, not_before, expires_on, tags, created_on, "
    "updated_on, facts, value) VALUES (:object, :version, :content_type, :enabled, :not_before, :expires_on, :tags, "
    ":created_on, :updated_on, :facts, :value)"
)
UPDATE = (
    f"UPDATE object_version SET content_type = :content_type, enabled = :enabled, not_before = :not_before, "  # noqa: S608 (made of constants)
    "expires_on = :expires_on, tags = :tags, updated_on = :updated_on, facts = :facts WHERE version = :version "
    f"AND object = (SELECT id FROM object WHERE {_NAMED})"
)
DELETE = (
    f"UPDATE object SET state = 'deleted', settles_on = :settles_on, deleted_on = :deleted_on, purge_on = :purge_on "  # noqa: S608 (made of constants)
    f"WHERE {_NAMED}"
)
RECOVER = (
    f"UPDATE object SET state = 'active', settles_on = :settles_on, deleted_on = NULL, purge_on = NULL WHERE {_NAMED}"  # noqa: S608 (made of constants)
)
PURGE = f"UPDATE object SET state = 'purged', settles_on = :settles_on, purge_on = :settles_on WHERE {_NAMED}"  # noqa: S608 (made of constants)
PURGE_VERSIONS = f"DELETE FROM object_version WHERE object = (SELECT id FROM object WHERE {_NAMED})"  # noqa: S608 (made of constants)
SWEEP = "DELETE FROM object WHERE purge_on <= ?"
NEXT_SWEEP = "SELECT min(purge_on) FROM object WHERE purge_on IS NOT NULL"
STATE = f"SELECT state, settles_on FROM object WHERE {_NAMED}"  # noqa: S608 (made of constants)
VAULTS = "SELECT DISTINCT vault FROM object ORDER BY vault"
CLEAR = "DELETE FROM object"
CLEAR_RECORDS = "DELETE FROM record"
FORGET = "DELETE FROM object WHERE vault = ?"
POLICY = f"SELECT policy FROM object WHERE {_NAMED}"  # noqa: S608 (made of constants)
SET_POLICY = f"UPDATE object SET policy = :policy WHERE {_NAMED}"  # noqa: S608 (made of constants)
FACTS = f"SELECT facts FROM object_version JOIN object ON object.id = object AND latest = version WHERE {_NAMED}"  # noqa: S608 (made of constants)
OPERATION = f"SELECT operation FROM object WHERE {_NAMED} AND state = 'active' AND settles_on <= :now"  # noqa: S608 (made of constants)
SET_OPERATION = f"UPDATE object SET operation = :operation WHERE {_NAMED}"  # noqa: S608 (made of constants)
HAS_OPERATION = f"SELECT operation IS NOT NULL FROM object WHERE {_NAMED}"  # noqa: S608 (made of constants)
WITH_POLICY = (
    "SELECT vault, kind, name FROM object WHERE policy IS NOT NULL AND state = 'active' AND settles_on <= :now "
    "ORDER BY vault, name"
)
# The latest versions alone: what has been replaced expires unnoticed.
EXPIRING = (
    f"SELECT object.vault, object.kind, object.policy, {_PROPERTIES} "  # noqa: S608 (made of constants)
    "FROM object_version AS version JOIN object ON object.id = version.object AND object.latest = version.version "
    "WHERE version.expires_on > :after AND version.expires_on <= :until AND object.state = 'active' "
    "AND object.settles_on <= :now ORDER BY version.expires_on, object.vault, object.name"
)
