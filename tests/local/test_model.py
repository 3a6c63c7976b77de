from __future__ import annotations

import sqlite3
import stat
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local.azure.authorization.conditions.condition import facts_of
from keyless.local.azure.authorization.roles import Scope
from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import Config
from keyless.local.azure.keyvault.objects.attributes import Attributes
from keyless.local.azure.keyvault.settings import VaultSettings
from keyless.local.azure.storage.database import Database
from keyless.local.operations.secrets import GET_SECRET, SECRET_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def azure() -> Iterator[Azure]:
    azure = Azure()
    yield azure
    azure.close()


def test_what_is_not_there_is_refused_with_what_is(azure: Azure) -> None:
    with pytest.raises(LocalAzureError, match="Those that exist: contoso-kv"):
        azure.vault("fabrikam-kv")
    with pytest.raises(LocalAzureError, match="Those that exist: system, reporting, newcomer"):
        azure.identity("reports")
    with pytest.raises(LocalAzureError, match="No vault exists"):
        Azure(Config()).vault("any")


def test_a_vault_is_found_by_its_host_in_any_case_and_with_a_port(azure: Azure) -> None:
    vault = azure.vault("CONTOSO-KV")
    assert (vault.host, vault.url) == ("contoso-kv.vault.azure.net", "https://contoso-kv.vault.azure.net")
    assert azure.vault_at("Contoso-KV.vault.azure.net:8443") is vault
    assert azure.vault_at("contoso-kv.vault.azure.net.") is vault
    assert azure.vault_at("contoso-kv.vault.azure.cn") is None
    assert azure.vault_at("localhost") is None


def test_a_vault_of_another_cloud_has_its_host(azure: Azure) -> None:
    vault = azure.add_vault("moon-kv", VaultSettings(cloud="AZURE_GOVERNMENT"))
    assert azure.vault_at("moon-kv.vault.usgovcloudapi.net") is vault
    assert azure.vaults["moon-kv"] is vault


@pytest.mark.parametrize(
    ("name", "cloud", "error"),
    [
        ("contoso-KV", "AZURE_PUBLIC_CLOUD", LocalAzureError),
        ("no", "AZURE_PUBLIC_CLOUD", ConfigurationError),
        ("fabrikam", "AZURE_MOON", ConfigurationError),
    ],
)
def test_a_vault_that_cannot_be_is_refused(azure: Azure, name: str, cloud: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        azure.add_vault(name, VaultSettings(cloud=cloud))
    assert list(azure.vaults) == ["contoso-kv"]


def test_ids_are_the_same_at_every_start_and_differ_between_identities(azure: Azure) -> None:
    again = Azure()
    for name, identity in azure.identities.items():
        other = again.identity(name)
        assert (identity.client_id, identity.object_id, identity.resource_id) == (
            other.client_id,
            other.object_id,
            other.resource_id,
        )
    assert azure.tenant_id == again.tenant_id
    ids = [each for one in azure.identities.values() for each in (one.client_id, one.object_id, one.resource_id)]
    assert len(set(ids)) == 9


def test_an_identity_with_the_name_or_an_id_of_another_is_refused(azure: Azure) -> None:
    with pytest.raises(LocalAzureError, match="'reporting' already"):
        azure.add_identity("reporting")
    with pytest.raises(LocalAzureError, match="The identity 'reporting' has it"):
        azure.add_identity("twin", client_id=azure.identity("reporting").client_id.upper())
    assert "twin" not in azure.identities


def _may_read(azure: Azure, identity: str, secret: str = "db-password") -> bool:
    object_id, vault = azure.identity(identity).object_id, azure.vault("contoso-kv")
    scope = Scope.of(vault.name, "secret", secret)
    facts = facts_of(GET_SECRET, vault=vault.name, secret=secret)
    return azure.decide(
        object_id=object_id, operation=SECRET_OPERATIONS[2], vault=vault, scope=scope, facts=facts
    ).allowed


def test_a_role_holds_from_grant_to_revoke(azure: Azure) -> None:
    newcomer = azure.identity("newcomer")
    assert not _may_read(azure, "newcomer")
    first = newcomer.grant("Key Vault Secrets User", on=azure.vault("contoso-kv"))
    assert newcomer.grant("key vault secrets user", on="Contoso-KV") == first
    assert _may_read(azure, "newcomer", "DB-Password")
    newcomer.revoke("Key Vault Secrets User", on="contoso-kv")
    assert not _may_read(azure, "newcomer")


def test_a_role_can_be_granted_on_one_secret(azure: Azure) -> None:
    azure.identity("newcomer").grant("Key Vault Secrets User", on="contoso-kv/API-key")
    assert _may_read(azure, "newcomer", "api-key")
    assert not _may_read(azure, "newcomer", "db-password")


def test_roles_on_what_is_not_there_are_refused(azure: Azure) -> None:
    newcomer = azure.identity("newcomer")
    with pytest.raises(LocalAzureError, match="no vault 'fabrikam-kv'"):
        newcomer.grant("Key Vault Reader", on="fabrikam-kv")
    with pytest.raises(LocalAzureError, match="Did you mean 'Key Vault Reader'"):
        newcomer.grant("Key Vault Readers", on="contoso-kv")
    with pytest.raises(LocalAzureError, match="newcomer does not have Key Vault Reader on contoso-kv"):
        newcomer.revoke("Key Vault Reader", on="contoso-kv")


def test_setting_a_secret_makes_a_version_and_keeps_the_old_ones(azure: Azure) -> None:
    vault = azure.vault("contoso-kv")
    old = vault.set_secret("Rotating-Key", "old", content_type="text/plain", tags={"a": "b"})
    azure.clock.advance(days=1)
    new = vault.set_secret("rotating-key", "new", enabled=False, expires_on=datetime(2030, 1, 1, tzinfo=UTC))
    assert vault.get_secret("ROTATING-KEY") == new
    assert vault.get_secret("rotating-key", old.version.upper()) == old
    assert (new.name, new.value, new.attributes.enabled, new.attributes.expires_on) == (
        "Rotating-Key",
        "new",
        False,
        1893456000,
    )
    assert old.attributes == Attributes(content_type="text/plain", tags={"a": "b"})
    assert new.created_on == new.updated_on == pytest.approx(old.created_on + 86400, abs=5)


def test_a_missing_secret_or_version_is_refused(azure: Azure) -> None:
    vault = azure.vault("contoso-kv")
    with pytest.raises(LocalAzureError, match="no secret 'nothing'"):
        vault.get_secret("nothing")
    with pytest.raises(LocalAzureError, match="no secret 'db-password/0000'"):
        vault.get_secret("db-password", "0000")


def test_secrets_are_listed_by_name_however_many_there_are(azure: Azure) -> None:
    vault = azure.add_vault("many-kv")
    assert list(vault.list_secrets()) == []
    names = [f"s{number:03}" for number in range(201)]
    for name in reversed(names):
        vault.set_secret(name, "x")
    assert [secret.name for secret in vault.list_secrets()] == names


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"value": "é" * 12_801}, "The value is 25,602 bytes"),
        ({"value": "\ud800"}, "half of a surrogate pair"),
        ({"content_type": "x" * 256}, "The content type has 256 characters"),
        ({"tags": {str(number): "" for number in range(16)}}, "There are 16 tags"),
        ({"tags": {"a": "x" * 513}}, "A tag has 513 characters"),
        ({"expires_on": 2**63}, "A time is out of range"),
        ({"expires_on": 1.5}, "A time is out of range, or no whole number"),
        ({"not_before": datetime(2030, 1, 1)}, "not_before has no time zone"),  # noqa: DTZ001 (that is the point)
        ({"name": "under_score"}, "The secret name 'under_score' is not valid"),
    ],
)
def test_what_key_vault_would_not_take_is_refused(azure: Azure, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        azure.vault("contoso-kv").set_secret(**{"name": "limits", "value": "x", **changes})
    assert azure.vault("contoso-kv").find_secret("limits") is None


def test_the_largest_that_key_vault_takes_is_kept(azure: Azure) -> None:
    tags = {f"{number:0512}": "y" * 512 for number in range(15)}
    secret = azure.vault("contoso-kv").set_secret("n" * 127, "v" * 25_600, content_type="c" * 255, tags=tags)
    assert azure.vault("contoso-kv").get_secret("n" * 127) == secret


def test_no_representation_shows_a_value(azure: Azure) -> None:
    vault = azure.vault("contoso-kv")
    secret = vault.set_secret("canary", "the-canary-value")
    shown = [repr(each) for each in (secret, vault, azure, vault.get_secret("canary"), list(vault.list_secrets()))]
    assert "the-canary-value" not in "".join(shown)


def test_threads_can_write_and_read_at_once(azure: Azure) -> None:
    vault = azure.vault("contoso-kv")

    def work(number: int) -> None:
        for turn in range(20):
            vault.set_secret("shared", f"{number}-{turn}")
            vault.get_secret("shared")
            azure.add_identity(f"thread-{number}-{turn}").grant("Key Vault Reader", on=vault)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(vault.secrets.page_of_versions("shared", start="", size=1000)) == 160
    assert len(azure.identities) == 163


def test_a_kept_store_holds_what_was_set_and_is_not_seeded_again(tmp_path: Path) -> None:
    file = tmp_path / "secrets.db"
    first = Azure(database=Database(file))
    kept = first.vault("contoso-kv").set_secret("db-password", "rotated")
    first.close()
    second = Azure(database=Database(file))
    assert second.vault("contoso-kv").get_secret("db-password") == kept
    assert len(second.vault("contoso-kv").secrets.page_of_versions("db-password", start="", size=10)) == 2
    second.close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_store_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("This is a text, and certainly not a database of any kind. " * 20)
    with pytest.raises(LocalAzureError, match=r"text\.db\) is damaged"):
        Database(tmp_path / "text.db")
    with pytest.raises(LocalAzureError, match="No such file or directory"):
        Database(tmp_path / "missing" / "secrets.db")


def test_a_store_of_a_newer_keyless_is_refused(tmp_path: Path) -> None:
    Database(tmp_path / "secrets.db").close()
    with sqlite3.connect(tmp_path / "secrets.db") as database:
        database.execute("PRAGMA user_version = 999")
    database.close()
    with pytest.raises(LocalAzureError, match="Its schema is version 999"):
        Database(tmp_path / "secrets.db")
