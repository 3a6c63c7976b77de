"""The store: an older one becomes today's, and states follow the time that it is told."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from keyless.local.azure.azure import Azure
from keyless.local.azure.keyvault.secrets import secret_queries
from keyless.local.azure.keyvault.secrets.secret import SecretState, SecretVersion
from keyless.local.azure.keyvault.secrets.store import Store
from keyless.local.azure.storage import schema

if TYPE_CHECKING:
    from pathlib import Path


def _version(name: str, version: str = "0" * 32) -> SecretVersion:
    return SecretVersion(
        name=name,
        value="x",
        version=version,
        content_type=None,
        enabled=True,
        not_before=None,
        expires_on=None,
        created_on=1,
        updated_on=1,
        tags={},
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
    azure = Azure(store=Store(file))
    vault = azure.vault("contoso-kv")
    assert (vault.get_secret("old").value, vault.get_secret("old", "a").value) == ("value of b", "value of a")
    assert vault.get_secret("old").tags == {"kept": "yes"}
    vault.delete_secret("old")
    azure.clock.advance(seconds=5)
    assert vault.state_of("old") is SecretState.DELETED
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
    first = Azure(store=Store(file))
    first.vault("contoso-kv").delete_secret("db-password")
    first.close()
    second = Azure(store=Store(file))
    assert second.vault("contoso-kv").state_of("db-password") is SecretState.DELETING
    assert second.vault("contoso-kv").find_secret("db-password") is None
    second.clock.advance(days=91)
    assert second.vault("contoso-kv").state_of("db-password") is SecretState.ABSENT
    second.close()


def test_a_scheduled_purge_that_came_while_nothing_ran_is_done_at_the_start(tmp_path: Path) -> None:
    store = Store(tmp_path / "secrets.db")
    store.put("v", _version("a"), now=0)
    store.delete("v", "a", now=100, settles_on=104, purge_on=500)
    store.close()
    store = Store(tmp_path / "secrets.db")
    assert store.state("v", "a", now=103) is SecretState.DELETING
    assert store.state("v", "a", now=104) is SecretState.DELETED
    assert store.state("v", "a", now=500) is SecretState.ABSENT
    store.close()
    database = sqlite3.connect(tmp_path / "secrets.db")
    assert database.execute("SELECT (SELECT count(*) FROM secret), (SELECT count(*) FROM version)").fetchone() == (0, 0)
    database.close()


@pytest.mark.parametrize("query", ["GET", "GET_DELETED", "LIST_ACTIVE", "LIST_DELETED", "LIST_VERSIONS", "UPDATE"])
def test_every_page_and_every_read_is_a_search_of_an_index_and_sorts_nothing(query: str) -> None:
    store = Store()
    names = ("vault", "name", "version", "now", "start", "limit", "updated_on", "tags", "content_type", "enabled")
    named = dict.fromkeys((*names, "not_before", "expires_on"))
    plan = store._database.execute(f"EXPLAIN QUERY PLAN {getattr(secret_queries, query)}", named)
    steps = [row[3] for row in plan]
    assert [step for step in steps if "SCAN" in step.replace("SCALAR", "") or "TEMP B-TREE" in step] == []
    assert any("USING INDEX" in step or "COVERING INDEX" in step for step in steps)
    store.close()
