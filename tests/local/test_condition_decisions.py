"""Conditions at work: what the vault answers, what the journal says, and what `role explain` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from azure.core.exceptions import HttpResponseError
from azure.identity import ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient

from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local.azure.explanation import explain

if TYPE_CHECKING:
    from keyless.local.server import LocalAzure

NAME = "@Resource[Microsoft.KeyVault/vaults/secrets:name]"
GET = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
GUARDED = f"(!(ActionMatches{{'{GET}'}})) OR ({NAME} StringStartsWith 'app-')"


@pytest.fixture
def client(local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> SecretClient:
    for name, value in local_azure.environment().items():
        monkeypatch.setenv(name, value)
    vault = local_azure.vault("contoso-kv")
    for name in ("app-key", "other"):
        vault.set_secret(name, "value")
    local_azure.identity("system").revoke("Key Vault Secrets User", on=vault)
    return SecretClient(vault.url, ManagedIdentityCredential())


def test_a_condition_lets_an_official_client_read_what_it_names_and_refuses_the_rest(
    local_azure: LocalAzure, client: SecretClient
) -> None:
    local_azure.identity("system").grant("Key Vault Secrets User", on="contoso-kv", condition=GUARDED)

    assert client.get_secret("app-key").value == "value"
    with pytest.raises(HttpResponseError) as refused:
        client.get_secret("other")
    assert (refused.value.status_code, refused.value.error.innererror["code"]) == (403, "ForbiddenByRbac")  # type: ignore[union-attr]
    assert {"app-key", "other"} <= {found.name for found in client.list_properties_of_secrets()}
    [entry] = local_azure.journal.entries(secret="other", status=403)
    assert entry.reason == (
        "system is refused by the condition of Key Vault Secrets User on contoso-kv with a condition: "
        f"the action is {GET} and {NAME} is 'other', so `{NAME} StringStartsWith 'app-'` is false."
    )


def test_a_condition_without_the_guard_refuses_every_list(local_azure: LocalAzure, client: SecretClient) -> None:
    local_azure.identity("system").grant(
        "Key Vault Secrets User", on="contoso-kv", condition=f"{NAME} StringStartsWith 'app-'"
    )

    assert client.get_secret("app-key").value == "value"
    with pytest.raises(HttpResponseError) as refused:
        list(client.list_properties_of_secrets())
    assert refused.value.status_code == 403


def test_names_compare_as_the_call_spells_them(local_azure: LocalAzure, client: SecretClient) -> None:
    local_azure.identity("system").grant("Key Vault Secrets User", on="contoso-kv", condition=GUARDED)

    with pytest.raises(HttpResponseError):
        client.get_secret("APP-KEY")


def test_another_assignment_without_a_condition_lets_the_call_through(
    local_azure: LocalAzure, client: SecretClient
) -> None:
    system = local_azure.identity("system")
    system.grant("Key Vault Secrets User", on="contoso-kv", condition=GUARDED)
    system.grant("Key Vault Secrets User", on="contoso-kv/other")

    assert client.get_secret("other").value == "value"


def test_the_same_role_and_scope_cannot_have_two_conditions(local_azure: LocalAzure) -> None:
    system = local_azure.identity("system")
    first = system.grant("Key Vault Reader", on="contoso-kv", condition=GUARDED)

    assert system.grant("Key Vault Reader", on="contoso-kv", condition=GUARDED) == first
    with pytest.raises(LocalAzureError, match="assigned already, with another condition"):
        system.grant("Key Vault Reader", on="contoso-kv")


def test_a_condition_that_cannot_be_read_grants_nothing(local_azure: LocalAzure) -> None:
    system = local_azure.identity("system")
    before = local_azure.azure.role_assignments.held_by(system.object_id)

    with pytest.raises(ConfigurationError, match="line 1, column 1"):
        system.grant("Key Vault Reader", on="contoso-kv", condition="Resource StringEquals 'a'")
    assert local_azure.azure.role_assignments.held_by(system.object_id) == before


def test_an_explanation_shows_what_each_assignment_does(local_azure: LocalAzure) -> None:
    system = local_azure.identity("system")
    local_azure.azure.add_vault("second-kv")
    for held in local_azure.azure.role_assignments.held_by(system.object_id):
        system.revoke(held.role.name, on=str(held.scope))
    system.grant("Key Vault Secrets User", on="contoso-kv", condition=GUARDED)
    system.grant("Key Vault Reader", on="contoso-kv")
    system.grant("Key Vault Administrator", on="second-kv")

    found = explain(local_azure.azure, identity="system", action="getSecret", on="contoso-kv/other")

    assert not found.decision.allowed
    assert [(step.role, step.effect) for step in found.steps] == [
        ("Key Vault Secrets User", "does not allow"),
        ("Key Vault Reader", "does not allow"),
        ("Key Vault Administrator", "does not allow"),
    ]
    assert "its condition refuses the call" in found.steps[0].because
    assert found.steps[1].because == f"the role does not include {GET}"
    assert found.steps[2].because == "it holds on second-kv, not on contoso-kv/other"
    assert explain(local_azure.azure, identity="system", action=GET, on="contoso-kv/app-x").decision.allowed


def test_an_action_that_there_is_not_is_refused_with_the_nearest_one(local_azure: LocalAzure) -> None:
    with pytest.raises(LocalAzureError, match="Did you mean 'getSecret'"):
        explain(local_azure.azure, identity="system", action="getSecrt", on="contoso-kv")
