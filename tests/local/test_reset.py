"""Going back to the configuration: everything that tests change is undone, and what clients hold stays good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from azure.identity import ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient

from keyless.errors import LocalAzureError
from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import read_config
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://contoso-kv.vault.azure.net"


def _world(azure: Azure) -> dict[str, object]:
    return {
        "secrets": {
            f"{vault.name}/{secret.name}": vault.get_secret(secret.name).value
            for vault in azure.vaults.values()
            for secret in vault.list_secrets()
        },
        "deleted": [
            deleted.properties.name
            for vault in azure.vaults.values()
            for deleted in vault.secrets.page_of_deleted(start="", size=10)
        ],
        "roles": {
            identity.name: [
                (held.role.name, str(held.scope)) for held in azure.role_assignments.held_by(identity.object_id)
            ]
            for identity in azure.identities.values()
        },
        "assigned": {identity.name: identity.assigned for identity in azure.identities.values()},
        "faults": azure.faults.active(),
        "entries": azure.journal.entries(),
        "lifetimes": dict(azure.token_lifetimes),
        "offset": azure.clock.offset,
    }


def test_whatever_a_test_has_changed_is_as_it_was_at_the_start(local_azure: LocalAzure) -> None:
    azure = local_azure.azure
    before = _world(azure)
    vault, identity = azure.vault("contoso-kv"), azure.identity("system")
    vault.set_secret("db-password", "changed")
    vault.set_secret("another", "made")
    vault.delete_secret("api-key")
    identity.revoke("Key Vault Secrets User", on="contoso-kv")
    azure.identity("reporting").unassign()
    azure.add_vault("another-kv").set_secret("name", "value")
    azure.add_identity("another")
    azure.faults.add_named("vault-outage")
    azure.token_lifetimes["imds"] = 330
    azure.clock.advance(days=100)
    assert _world(azure) != before
    local_azure.reset()
    assert _world(azure) == before


def test_another_configuration_can_be_given(local_azure: LocalAzure) -> None:
    tables = {"tenant_id": "11111111-1111-1111-1111-111111111111", "vaults": {"fabrikam-kv": {"secrets": {"a": "b"}}}}
    local_azure.reset(read_config("tables", tables))
    assert list(local_azure.azure.vaults) == ["fabrikam-kv"]
    assert local_azure.azure.identities == {}
    assert local_azure.azure.tenant_id == "11111111-1111-1111-1111-111111111111"
    local_azure.reset()
    assert list(local_azure.azure.vaults) == ["contoso-kv"]


def test_a_client_that_is_kept_goes_on_with_its_token_from_a_time_that_is_undone(
    local_azure: LocalAzure, azure_environment: dict[str, str]
) -> None:
    local_azure.clock.advance(days=3)
    with ManagedIdentityCredential() as credential, SecretClient(URL, credential) as client:
        client.get_secret("db-password")
        local_azure.reset()
        assert client.get_secret("db-password").value == "local-db-password"
    assert local_azure.journal.count(operation="getToken") == 0
    local_azure.journal.assert_read("db-password", by="system", times=1)


def test_a_token_of_a_time_that_has_never_been_is_refused_still() -> None:
    azure = Azure()
    resource = "https://vault.azure.net"
    known = azure.tokens.issue(azure.identity("system"), resource)
    now = int(azure.clock.now())
    claims = {"aud": resource, "iss": f"https://sts.windows.net/{azure.tenant_id}/", "oid": "o", "appid": "a"}
    ahead = azure.tokens.sign({**claims, "nbf": now + 3600, "exp": now + 7200})
    accepted = azure.tokens.verify(known.text, audiences={resource}, tenant_id=azure.tenant_id)
    assert getattr(accepted, "object_id", None) == azure.identity("system").object_id
    found = azure.tokens.verify(ahead, audiences={resource}, tenant_id=azure.tenant_id)
    assert getattr(found, "problem", None) == "time"
    azure.clock.advance(hours=1)
    azure.reset()
    found = azure.tokens.verify(ahead, audiences={resource}, tenant_id=azure.tenant_id)
    assert getattr(found, "object_id", None) == "o"


def test_one_that_keeps_its_secrets_is_not_reset(tmp_path: Path) -> None:
    with LocalAzure(data=tmp_path) as azure:
        azure.vault("contoso-kv").set_secret("db-password", "kept")
        with pytest.raises(LocalAzureError, match="they would be lost"):
            azure.reset()
        assert azure.vault("contoso-kv").get_secret("db-password").value == "kept"
