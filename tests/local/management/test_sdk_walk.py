"""The walk of a person who sets up an identity, a vault and a role, with Microsoft's own management SDKs."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.keyvault import KeyVaultManagementClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.web import WebSiteManagementClient
from tests.local.management.conftest import Arm, Credential, Loopback

from keyless.local.azure.function_app import HostKeys


class Clients:
    """One client of each management SDK, all for one identity."""

    def __init__(self, arm: Arm, identity: str) -> None:
        credential: Any = Credential(arm, identity)
        found = arm.azure.subscription_id

        def options() -> dict[str, Any]:
            return {"transport": Loopback(arm.address), "polling_interval": 0, "retry_total": 0}

        self.resources: Any = ResourceManagementClient(credential, found, **options())
        self.vaults: Any = KeyVaultManagementClient(credential, found, **options())
        self.roles: Any = AuthorizationManagementClient(credential, found, **options())
        self.identities: Any = ManagedServiceIdentityClient(credential, found, **options())
        self.web: Any = WebSiteManagementClient(credential, found, **options())


@pytest.fixture
def clients(arm: Arm) -> Clients:
    return Clients(arm, "operator")


def make_vault(clients: Clients, arm: Arm, name: str = "walk-kv", **properties: Any) -> Any:
    wanted = {
        "location": "westus2",
        "properties": {
            "tenantId": arm.azure.tenant_id,
            "sku": {"family": "A", "name": "standard"},
            "accessPolicies": [],
            **properties,
        },
    }
    poller: Any = clients.vaults.vaults.begin_create_or_update("rg-walk", name, wanted)
    return poller.result(10)


def test_the_walk_from_nothing_to_a_secret(arm: Arm, clients: Clients) -> None:
    group = clients.resources.resource_groups.create_or_update("rg-walk", {"location": "westus2"})
    assert (group.name, group.location) == ("rg-walk", "westus2")
    vault = make_vault(clients, arm)
    assert vault.properties.enable_rbac_authorization is True
    assert vault.properties.vault_uri == "https://walk-kv.vault.azure.net/"
    arm.azure.vault("walk-kv").set_secret("db-password", "s3cr3t")
    identity = clients.identities.user_assigned_identities.create_or_update(
        "rg-walk", "walker", {"location": "westus2"}
    )
    assert identity.principal_id
    assert identity.client_id
    site = clients.web.web_apps.get("keyless", "keyless")
    assert site.identity.type == "None"
    site.identity = {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {identity.id: {}}}
    changed = clients.web.web_apps.begin_create_or_update("keyless", "keyless", site).result(10)
    assert changed.identity.principal_id == arm.azure.identity("system").object_id
    assert changed.identity.user_assigned_identities[identity.id].client_id == identity.client_id
    assert arm.azure.identity("walker").assigned
    assert arm.secret("walker", "walk-kv") == 403
    roles = list(clients.roles.role_definitions.list(vault.id, filter="roleName eq 'Key Vault Secrets User'"))
    assert [role.role_name for role in roles] == ["Key Vault Secrets User"]
    wanted = clients.roles.models("2022-04-01").RoleAssignmentCreateParameters(
        role_definition_id=roles[0].id, principal_id=identity.principal_id, principal_type="ServicePrincipal"
    )
    made = clients.roles.role_assignments.create(vault.id, str(uuid.uuid4()), wanted)
    assert arm.secret("walker", "walk-kv") == 200
    gone = clients.roles.role_assignments.delete(vault.id, made.name)
    assert gone is not None
    assert gone.id == made.id
    assert arm.secret("walker", "walk-kv") == 403


def test_a_vault_is_deleted_recovered_and_purged(arm: Arm, clients: Clients) -> None:
    clients.resources.resource_groups.create_or_update("rg-walk", {"location": "westus2"})
    make_vault(clients, arm)
    arm.azure.vault("walk-kv").set_secret("db-password", "kept")
    clients.vaults.vaults.delete("rg-walk", "walk-kv")
    with pytest.raises(ResourceNotFoundError, match="ResourceNotFound"):
        clients.vaults.vaults.get("rg-walk", "walk-kv")
    assert [each.name for each in clients.vaults.vaults.list_deleted()] == ["walk-kv"]
    deleted = clients.vaults.vaults.get_deleted("walk-kv", "westus2")
    assert (deleted.properties.scheduled_purge_date - deleted.properties.deletion_date).days == 90
    with pytest.raises(ResourceExistsError, match="exists in deleted state"):
        make_vault(clients, arm)
    make_vault(clients, arm, createMode="recover")
    assert arm.azure.vault("walk-kv").get_secret("db-password").value == "kept"
    clients.vaults.vaults.delete("rg-walk", "walk-kv")
    clients.vaults.vaults.begin_purge_deleted("walk-kv", "westus2").result(10)
    assert list(clients.vaults.vaults.list_deleted()) == []
    make_vault(clients, arm)
    assert arm.azure.vault("walk-kv").find_secret("db-password") is None


def test_access_policies_are_what_a_vault_goes_by(arm: Arm, clients: Clients) -> None:
    clients.resources.resource_groups.create_or_update("rg-walk", {"location": "westus2"})
    make_vault(clients, arm, enableRbacAuthorization=False)
    arm.azure.vault("walk-kv").set_secret("db-password", "s3cr3t")
    assert arm.secret("reporting", "walk-kv") == 403
    policy = {
        "tenantId": arm.azure.tenant_id,
        "objectId": arm.azure.identity("reporting").object_id,
        "permissions": {"secrets": ["get", "list"]},
    }
    wanted: Any = {"properties": {"accessPolicies": [policy]}}
    clients.vaults.vaults.update_access_policy("rg-walk", "walk-kv", "add", wanted)
    assert arm.secret("reporting", "walk-kv") == 200
    shown = clients.vaults.vaults.get("rg-walk", "walk-kv").properties.access_policies
    assert shown is not None
    assert [each.permissions.secrets for each in shown] == [["get", "list"]]
    clients.vaults.vaults.update_access_policy("rg-walk", "walk-kv", "remove", wanted)
    assert arm.secret("reporting", "walk-kv") == 403


def test_a_federated_credential_is_kept_with_its_identity(arm: Arm, clients: Clients) -> None:
    clients.resources.resource_groups.create_or_update("rg-walk", {"location": "westus2"})
    clients.identities.user_assigned_identities.create_or_update("rg-walk", "walker", {"location": "westus2"})
    wanted = {
        "issuer": "https://issuer.example/",
        "subject": "system:serviceaccount:default:walker",
        "audiences": ["api://AzureADTokenExchange"],
    }
    of_pods = clients.identities.federated_identity_credentials
    of_pods.create_or_update("rg-walk", "walker", "pods", {"properties": wanted})
    assert [(each.name, each.issuer, each.subject) for each in of_pods.list("rg-walk", "walker")] == [
        ("pods", wanted["issuer"], wanted["subject"])
    ]
    with pytest.raises(HttpResponseError, match="combination already exists"):
        of_pods.create_or_update("rg-walk", "walker", "twin", {"properties": wanted})
    of_pods.delete("rg-walk", "walker", "pods")
    assert list(of_pods.list("rg-walk", "walker")) == []


def test_settings_and_keys_of_the_function_app(arm: Arm, clients: Clients) -> None:
    apps = clients.web.web_apps
    settings = apps.list_application_settings("keyless", "keyless")
    wanted: Any = {"properties": {**(settings.properties or {}), "SECRET_NAME": "db-password"}}
    changed = apps.update_application_settings("keyless", "keyless", wanted)
    assert changed.properties == {"SECRET_NAME": "db-password"}
    assert dict(arm.azure.function_app.settings) == {"SECRET_NAME": "db-password"}
    apps.restart("keyless", "keyless")
    assert arm.azure.function_app.restarts == 2
    arm.azure.function_app.keys = HostKeys("m", {"default": "f"}, {})
    assert apps.list_host_keys("keyless", "keyless").function_keys == {"default": "f"}
    assert [site.name for site in apps.list()] == ["keyless"]


def test_a_group_is_deleted_with_what_is_in_it(arm: Arm, clients: Clients) -> None:
    clients.resources.resource_groups.create_or_update("rg-walk", {"location": "westus2"})
    make_vault(clients, arm)
    clients.identities.user_assigned_identities.create_or_update("rg-walk", "walker", {"location": "westus2"})
    names = {each.name for each in clients.resources.resources.list_by_resource_group("rg-walk")}
    assert names == {"walk-kv", "walker"}
    clients.resources.resource_groups.begin_delete("rg-walk").result(10)
    assert not clients.resources.resource_groups.check_existence("rg-walk")
    assert "walker" not in arm.azure.identities
    assert [each.name for each in clients.vaults.vaults.list_deleted()] == ["walk-kv"]


def test_who_has_no_role_is_refused_by_its_action(arm: Arm) -> None:
    stranger = Clients(arm, "stranger")
    with pytest.raises(HttpResponseError, match=r"AuthorizationFailed.*\n?.*Microsoft.KeyVault/vaults/read") as caught:
        stranger.vaults.vaults.get("keyless", "contoso-kv")
    assert caught.value.status_code == 403
    assert arm.azure.journal.count(service="arm", operation="getVault", code="AuthorizationFailed") == 1
    assert list(stranger.resources.resource_groups.list()) == []
