"""Going back to the configuration: everything that tests change is undone, and what clients hold stays good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from azure.identity import ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient
from msgspec.structs import replace

from keyless.errors import LocalAzureError
from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import Config, read_config
from keyless.local.azure.keyvault.firewall import Firewall
from keyless.local.instruments.journal_entry import Entry
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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


EVERYTHING = {
    "vaults": {
        "contoso-kv": {
            "secrets": {"db-password": "local-db-password", "api-key": "local-api-key"},
            "keys": {"signing": {"kty": "EC"}},
            "certificates": {"site": {"subject": "CN=localhost", "kty": "EC"}},
        },
        "policies-kv": {"policies": {"reporting": ["get"]}},
    },
    "identities": {"system": {"roles": {"contoso-kv": "Key Vault Secrets User"}}, "reporting": {"groups": ["ops"]}},
    "applications": {"ci": {"secret": "the-secret"}},
    "groups": {"ops": {}},
    "functions": {"settings": {"COLOR": "green"}},
}


def _held(azure: Azure) -> list[tuple[str, str]]:
    return sorted((found.object_id, f"{found.role.name} {found.scope}") for found in azure.role_assignments.all())


def _purge(azure: Azure) -> None:
    azure.vault("contoso-kv").delete_secret("api-key")
    azure.clock.advance(hours=1)
    azure.vault("contoso-kv").purge_deleted_secret("api-key")
    azure.clock.advance(days=100)


STATES: dict[str, tuple[Callable[[Azure], object], Callable[[Azure], object]]] = {
    "a vault that was made": (lambda azure: azure.add_vault("another-kv"), lambda azure: [*azure.vaults]),
    "a vault that was deleted": (
        lambda azure: azure.vault_register.delete("contoso-kv"),
        lambda azure: ([*azure.vaults], len(azure.vault_register.deleted())),
    ),
    "a vault's settings": (
        lambda azure: setattr(
            azure.vault("contoso-kv"), "settings", replace(azure.vault("contoso-kv").settings, soft_delete_days=7)
        ),
        lambda azure: azure.vault("contoso-kv").settings,
    ),
    "a vault's firewall": (
        lambda azure: setattr(azure.vault("contoso-kv"), "firewall", Firewall.of(["203.0.113.0/24"])),
        lambda azure: azure.vault("contoso-kv").firewall,
    ),
    "access policies": (
        lambda azure: azure.vault("policies-kv").set_policy(azure.identity("reporting"), ["list"]),
        lambda azure: dict(azure.vault("policies-kv").policies),
    ),
    "a secret's value": (
        lambda azure: azure.vault("contoso-kv").set_secret("db-password", "changed"),
        lambda azure: azure.vault("contoso-kv").get_secret("db-password").value,
    ),
    "a secret's attributes": (
        lambda azure: azure.vault("contoso-kv").update_secret("db-password", enabled=False),
        lambda azure: azure.vault("contoso-kv").get_secret("db-password").attributes,
    ),
    "a new secret": (
        lambda azure: azure.vault("contoso-kv").set_secret("another", "value"),
        lambda azure: [found.name for found in azure.vault("contoso-kv").list_secrets()],
    ),
    "a deleted secret": (
        lambda azure: azure.vault("contoso-kv").delete_secret("api-key"),
        lambda azure: [found.name for found in azure.vault("contoso-kv").list_secrets()],
    ),
    "a secret that was purged": (
        _purge,
        lambda azure: [found.name for found in azure.vault("contoso-kv").list_secrets()],
    ),
    "a new version of a key": (
        lambda azure: azure.vault("contoso-kv").create_key("signing", kty="EC"),
        lambda azure: len(azure.vault("contoso-kv").keys.all_versions("signing")),
    ),
    "a deleted key": (
        lambda azure: azure.vault("contoso-kv").keys.delete("signing"),
        lambda azure: [found.name for found in azure.vault("contoso-kv").keys],
    ),
    "a deleted certificate": (
        lambda azure: azure.vault("contoso-kv").certificates.delete("site"),
        lambda azure: [found.name for found in azure.vault("contoso-kv").certificates],
    ),
    "an issuer of certificates": (
        lambda azure: azure.vault("contoso-kv").certificates.records.set_issuer("ours", {"provider": "Test"}, now=1),
        lambda azure: azure.vault("contoso-kv").certificates.records.issuer("ours"),
    ),
    "a new identity": (lambda azure: azure.add_identity("another"), lambda azure: [*azure.identities]),
    "an identity that was removed": (
        lambda azure: azure.remove_identity("reporting"),
        lambda azure: [*azure.identities],
    ),
    "an identity that was unassigned": (
        lambda azure: azure.identity("system").unassign(),
        lambda azure: azure.identity("system").assigned,
    ),
    "a role that was granted": (
        lambda azure: azure.identity("reporting").grant("Key Vault Reader", on="contoso-kv"),
        _held,
    ),
    "a role that was revoked": (
        lambda azure: azure.identity("system").revoke("Key Vault Secrets User", on="contoso-kv"),
        _held,
    ),
    "how long roles take": (
        lambda azure: setattr(azure.role_assignments, "propagation_seconds", 300.0),
        lambda azure: azure.role_assignments.propagation_seconds,
    ),
    "a group's members": (
        lambda azure: azure.directory.remove_member(azure.directory.group("ops"), azure.identity("reporting")),
        lambda azure: len(azure.directory.members_of(azure.directory.group("ops"))),
    ),
    "a group that was removed": (
        lambda azure: azure.directory.remove(azure.directory.group("ops")),
        lambda azure: [*azure.directory.groups],
    ),
    "an application that was removed": (
        lambda azure: azure.directory.remove(azure.directory.application("ci")),
        lambda azure: [*azure.directory.applications],
    ),
    "an application's secret": (
        lambda azure: azure.directory.application("ci").add_secret("another"),
        lambda azure: azure.directory.application("ci").judge_secret("another", now=azure.clock.now()),
    ),
    "function settings": (
        lambda azure: azure.function_app.set_settings({"COLOR": "red"}),
        lambda azure: dict(azure.function_app.settings),
    ),
    "restarts of the function app": (
        lambda azure: azure.function_app.restart(),
        lambda azure: azure.function_app.restarts,
    ),
    "the management plane": (
        lambda azure: azure.documents.put("/subscriptions/1", {"tags": {"a": "b"}}),
        lambda azure: [*azure.documents.all()],
    ),
    "a fault": (lambda azure: azure.faults.add_named("vault-outage"), lambda azure: azure.faults.active()),
    "the clock": (lambda azure: azure.clock.advance(days=1), lambda azure: azure.clock.offset),
    "how long tokens are good": (
        lambda azure: azure.token_lifetimes.update({"imds": 330}),
        lambda azure: dict(azure.token_lifetimes),
    ),
    "the journal": (
        lambda azure: azure.journal.record(
            Entry(time=1.0, service="vault", operation="getSecret", status=200, reason="")
        ),
        lambda azure: azure.journal.entries(),
    ),
}


@pytest.fixture(scope="module")
def azure_of_all() -> Iterator[Azure]:
    azure = Azure(read_config("tables", EVERYTHING))
    yield azure
    azure.close()


@pytest.mark.parametrize("state", STATES)
def test_a_test_inherits_nothing(state: str, azure_of_all: Azure) -> None:
    change, look = STATES[state]
    config = read_config("tables", EVERYTHING)
    for _ in range(2):
        before = look(azure_of_all)
        change(azure_of_all)
        assert look(azure_of_all) != before
        azure_of_all.reset(config)
        assert look(azure_of_all) == before


def test_a_reset_makes_no_key_a_second_time() -> None:
    config = read_config("tables", EVERYTHING)
    azure = Azure(config)
    azure.reset(config)
    key, site = (azure.vault("contoso-kv").keys.find("signing"), azure.vault("contoso-kv").certificates.find("site"))
    azure.vault("contoso-kv").keys.delete("signing")
    azure.reset(read_config("tables", EVERYTHING))
    assert azure.vault("contoso-kv").keys.find("signing") == key
    assert azure.vault("contoso-kv").certificates.find("site") == site
    azure.close()


def test_another_configuration_of_the_same_vault_takes_effect() -> None:
    azure = Azure(Config())
    for value in ("one", "one", "two", "one"):
        azure.reset(read_config("tables", {"vaults": {"contoso-kv": {"secrets": {"name": value}}}}))
        assert azure.vault("contoso-kv").get_secret("name").value == value
    azure.close()
