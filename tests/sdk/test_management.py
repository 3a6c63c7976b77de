"""The walk of a person who sets up an identity, a vault and a role: Microsoft's SDKs, at Azure's own hosts, unmodified."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.identity import ClientAssertionCredential, ClientSecretCredential, ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.web import WebSiteManagementClient

from keyless.local.azure.config.config import load_config
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """
[identities.system]
assigned = false

[applications.operator]
secret = "an-operator-s-secret"
roles = { "/" = "Owner" }

[applications.member]
secret = "a-member-s-secret"
groups = ["readers"]

[groups.readers]
roles = { "/" = "Reader" }
"""


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalAzure]:
    (tmp_path / "keyless.toml").write_text(CONFIG)
    with LocalAzure(load_config(tmp_path / "keyless.toml")) as azure:
        for name, value in azure.environment().items():
            monkeypatch.setenv(name, value)
        yield azure


class Clients:
    """One client of each management SDK, for one application."""

    def __init__(self, local: LocalAzure, name: str, secret: str) -> None:
        found = local.azure.directory.application(name)
        credential: Any = ClientSecretCredential(local.azure.tenant_id, found.client_id, secret)
        subscription = local.azure.subscription_id
        self.groups: Any = ResourceManagementClient(credential, subscription).resource_groups
        self.vaults: Any = KeyVaultManagementClient(credential, subscription).vaults
        self.roles: Any = AuthorizationManagementClient(credential, subscription)
        of_identities: Any = ManagedServiceIdentityClient(credential, subscription)
        self.identities: Any = of_identities.user_assigned_identities
        self.credentials: Any = of_identities.federated_identity_credentials
        self.apps: Any = WebSiteManagementClient(credential, subscription).web_apps


def test_the_walk_from_nothing_to_a_secret(local: LocalAzure) -> None:
    clients = Clients(local, "operator", "an-operator-s-secret")
    clients.groups.create_or_update("rg-walk", {"location": "westus2"})
    properties = {"tenantId": local.azure.tenant_id, "sku": {"family": "A", "name": "standard"}}
    wanted = {"location": "westus2", "properties": properties}
    vault = clients.vaults.begin_create_or_update("rg-walk", "walk-kv", wanted, polling_interval=0).result(30)
    identity = clients.identities.create_or_update("rg-walk", "walker", {"location": "westus2"})
    site = clients.apps.get("keyless", "keyless")
    site.identity = {"type": "UserAssigned", "userAssignedIdentities": {identity.id: {}}}
    clients.apps.begin_create_or_update("keyless", "keyless", site, polling_interval=0).result(30)
    local.vault("walk-kv").set_secret("db-password", "s3cr3t")
    program = SecretClient(
        vault.properties.vault_uri, ManagedIdentityCredential(client_id=identity.client_id), retry_total=0
    )
    with pytest.raises(HttpResponseError, match="ForbiddenByRbac"):
        program.get_secret("db-password")
    (role,) = clients.roles.role_definitions.list(vault.id, filter="roleName eq 'Key Vault Secrets User'")
    assignment = clients.roles.models("2022-04-01").RoleAssignmentCreateParameters(
        role_definition_id=role.id, principal_id=identity.principal_id
    )
    clients.roles.role_assignments.create(vault.id, str(uuid.uuid4()), assignment)
    assert program.get_secret("db-password").value == "s3cr3t"
    assert local.journal.count(service="arm", operation="putRoleAssignment", identity="operator", status=201) == 1


def test_a_member_may_what_its_group_may(local: LocalAzure) -> None:
    clients = Clients(local, "member", "a-member-s-secret")
    assert [each.name for each in clients.groups.list()] == ["keyless"]
    with pytest.raises(HttpResponseError, match="AuthorizationFailed"):
        clients.groups.create_or_update("rg-walk", {"location": "westus2"})


def test_an_identity_is_had_for_the_token_that_its_federated_credential_trusts(local: LocalAzure) -> None:
    clients = Clients(local, "operator", "an-operator-s-secret")
    clients.groups.create_or_update("rg-walk", {"location": "westus2"})
    identity = clients.identities.create_or_update("rg-walk", "walker", {"location": "westus2"})
    trusted = {
        "issuer": "https://ci.example",
        "subject": "repo:contoso/app",
        "audiences": ["api://AzureADTokenExchange"],
    }
    clients.credentials.create_or_update("rg-walk", "walker", "ci", {"properties": trusted})

    def signed(subject: str) -> str:
        now = int(local.clock.now())
        claims = {
            "iss": trusted["issuer"],
            "sub": subject,
            "aud": trusted["audiences"][0],
            "iat": now,
            "exp": now + 600,
        }
        return local.azure.tokens.sign({**claims, "nbf": now})

    def shown(subject: str) -> ClientAssertionCredential:
        return ClientAssertionCredential(local.azure.tenant_id, identity.client_id, lambda: signed(subject))

    assert shown("repo:contoso/app").get_token("https://vault.azure.net/.default").token
    with pytest.raises(ClientAuthenticationError, match="AADSTS70021"):
        shown("repo:contoso/other").get_token("https://vault.azure.net/.default")
