"""The store: an older one becomes today's, and states follow the time that it is told."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from keyless.local.azure.azure import Azure
from keyless.local.azure.keyvault.objects import queries
from keyless.local.azure.keyvault.objects.attributes import Attributes
from keyless.local.azure.keyvault.objects.life import ObjectState
from keyless.local.azure.keyvault.objects.store import ObjectStore
from keyless.local.azure.keyvault.objects.stored import ObjectId, ObjectVersion
from keyless.local.azure.storage import schema
from keyless.local.azure.storage.database import Database

if TYPE_CHECKING:
    from pathlib import Path


def _version(name: str, version: str = "0" * 32) -> ObjectVersion:
    return ObjectVersion(
        name=name,
        value="x",
        version=version,
        attributes=Attributes(),
        created_on=1,
        updated_on=1,
    )


def _written_by_version_1(path: Path) -> None:
    database = sqlite3.connect(path)
    database.executescript(schema._STEPS[0])
    database.execute("INSERT INTO secret (vault, name, latest) VALUES ('contoso-kv', 'Old', 'b')")
    for version in ("a", "b"):
        database.execute(
            "INSERT INTO version (secret, version, enabled, created_on, updated_on, tags, value) "
            'VALUES (1, ?, 1, 10, 20, \'{"kept": "yes"}\', ?)',
            (version, f"value of {version}"),
        )
    database.execute("PRAGMA user_version = 1")
    database.commit()
    database.close()


def test_a_store_of_the_first_version_is_brought_to_todays(tmp_path: Path) -> None:
    file = tmp_path / "secrets.db"
    _written_by_version_1(file)
    azure = Azure(database=Database(file))
    vault = azure.vault("contoso-kv")
    assert (vault.get_secret("old").value, vault.get_secret("old", "a").value) == ("value of b", "value of a")
    assert vault.get_secret("old").attributes.tags == {"kept": "yes"}
    vault.delete_secret("old")
    azure.clock.advance(seconds=5)
    assert vault.secrets.state_of("old") is ObjectState.DELETED
    azure.close()
    again = sqlite3.connect(file)
    assert again.execute("PRAGMA user_version").fetchone() == (schema.SCHEMA_VERSION,)
    again.close()


def test_a_step_that_fails_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "secrets.db"
    _written_by_version_1(file)
    database = sqlite3.connect(file)
    database.execute("CREATE TABLE key (in_the_way TEXT)")
    database.commit()
    with pytest.raises(sqlite3.Error):
        schema.migrate(database, where="here")
    database.rollback()
    assert database.execute("PRAGMA user_version").fetchone() == (1,)
    assert [column[1] for column in database.execute("PRAGMA table_info(secret)")][-1] == "purge_on"
    database.close()


def test_a_secret_that_was_deleted_is_not_seeded_again_at_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "secrets.db"
    first = Azure(database=Database(file))
    first.vault("contoso-kv").delete_secret("db-password")
    first.close()
    second = Azure(database=Database(file))
    assert second.vault("contoso-kv").secrets.state_of("db-password") is ObjectState.DELETING
    assert second.vault("contoso-kv").find_secret("db-password") is None
    second.clock.advance(days=91)
    assert second.vault("contoso-kv").secrets.state_of("db-password") is ObjectState.ABSENT
    second.close()


def test_a_scheduled_purge_that_came_while_nothing_ran_is_done_at_the_start(tmp_path: Path) -> None:
    which = ObjectId("v", "secret", "a")
    database = Database(tmp_path / "secrets.db")
    store = ObjectStore(database)
    store.put(which, _version("a"), now=0)
    store.delete(which, now=100, settles_on=104, purge_on=500)
    database.close()
    again = Database(tmp_path / "secrets.db")
    store = ObjectStore(again)
    assert store.state(which, now=103) is ObjectState.DELETING
    assert store.state(which, now=104) is ObjectState.DELETED
    assert store.state(which, now=500) is ObjectState.ABSENT
    again.close()
    file = sqlite3.connect(tmp_path / "secrets.db")
    counts = file.execute("SELECT (SELECT count(*) FROM object), (SELECT count(*) FROM object_version)").fetchone()
    file.close()
    assert counts == (0, 0)


def test_objects_of_two_kinds_can_have_one_name_and_each_has_its_own_life() -> None:
    store = ObjectStore(Database())
    secret, key = ObjectId("v", "secret", "a"), ObjectId("v", "key", "A")
    store.put(secret, _version("a", "1" * 32), now=0)
    store.put(key, _version("A", "2" * 32), now=0)
    store.delete(key, now=1, settles_on=1, purge_on=100)
    assert (store.state(secret, now=2), store.state(key, now=2)) == (ObjectState.ACTIVE, ObjectState.DELETED)
    assert [found.version for found in store.list_active("v", "secret", limit=9, now=2)] == ["1" * 32]
    assert store.list_active("v", "key", limit=9, now=2) == []
    assert [deleted.properties.name for deleted in store.list_deleted("v", "key", limit=9, now=2)] == ["A"]
    store.restore(ObjectId("v", "certificate", "a"), [_version("a")], now=2)
    assert store.get(secret, now=101) is not None
    assert store.state(key, now=101) is ObjectState.ABSENT


@pytest.mark.parametrize("query", ["GET", "GET_DELETED", "LIST_ACTIVE", "LIST_DELETED", "LIST_VERSIONS", "UPDATE"])
def test_every_page_and_every_read_is_a_search_of_an_index_and_sorts_nothing(query: str) -> None:
    database = Database()
    names = (
        "vault",
        "kind",
        "name",
        "version",
        "now",
        "start",
        "limit",
        "updated_on",
        "tags",
        "content_type",
        "enabled",
        "facts",
        "policy",
        "after",
        "until",
    )
    named = dict.fromkeys((*names, "not_before", "expires_on"))
    with database.reading() as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {getattr(queries, query)}", named).fetchall()
    steps = [row[3] for row in plan]
    assert [step for step in steps if "SCAN" in step.replace("SCALAR", "") or "TEMP B-TREE" in step] == []
    assert any("USING INDEX" in step or "COVERING INDEX" in step for step in steps)
    database.close()
