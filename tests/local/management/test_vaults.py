"""Vaults as the management plane makes and changes them, and as their own requests then find them."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from keyless.local.azure.config.config import read_config
from keyless.local.azure.exchange.exported import document_of, to_toml

if TYPE_CHECKING:
    import requests
    from tests.local.management.conftest import Arm

NEW = "{group}/providers/Microsoft.KeyVault/vaults/new-kv"


def put(
    arm: Arm, name: str = "new-kv", *, version: str = "2026-02-01", location: str = "westus2", **properties: Any
) -> requests.Response:
    wanted = {"tenantId": arm.azure.tenant_id, "sku": {"family": "A", "name": "standard"}, **properties}
    path = f"{arm.group}/providers/Microsoft.KeyVault/vaults/{name}"
    return arm.ask("PUT", path, {"location": location, "properties": wanted}, version=version)


def policy(arm: Arm, *secrets: str, keys: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "tenantId": arm.azure.tenant_id,
        "objectId": arm.azure.identity("reporting").object_id,
        "permissions": {"secrets": list(secrets), "keys": list(keys), "certificates": ["get"], "storage": ["get"]},
    }


@pytest.mark.parametrize(
    ("version", "said", "access"),
    [
        ("2026-02-01", None, "rbac"),
        ("2026-05-15", None, "rbac"),
        ("2025-05-01", None, "policies"),
        ("2026-02-01", False, "policies"),
        ("2025-05-01", True, "rbac"),
    ],
)
def test_a_new_vault_goes_by_roles_unless_an_old_version_makes_it(
    arm: Arm, version: str, said: object, access: str
) -> None:
    given: dict[str, Any] = {} if said is None else {"enableRbacAuthorization": said}
    answer = put(arm, version=version, accessPolicies=[], **given)
    assert answer.status_code == 200, answer.text
    assert arm.azure.vault("new-kv").settings.access == access
    assert answer.json()["properties"]["enableRbacAuthorization"] is (access == "rbac")


def test_an_update_without_a_word_of_roles_changes_nothing(arm: Arm) -> None:
    put(arm, accessPolicies=[], enableRbacAuthorization=False)
    assert put(arm, accessPolicies=[]).json()["properties"]["enableRbacAuthorization"] is False


def test_a_vault_shows_all_that_azure_shows(arm: Arm) -> None:
    assert put(arm).json() == {
        "id": NEW.format(group=arm.group),
        "name": "new-kv",
        "type": "Microsoft.KeyVault/vaults",
        "location": "westus2",
        "tags": {},
        "properties": {
            "sku": {"family": "A", "name": "standard"},
            "tenantId": arm.azure.tenant_id,
            "accessPolicies": [],
            "enabledForDeployment": False,
            "enabledForDiskEncryption": False,
            "enabledForTemplateDeployment": False,
            "enableSoftDelete": True,
            "softDeleteRetentionInDays": 90,
            "enableRbacAuthorization": True,
            "vaultUri": "https://new-kv.vault.azure.net/",
            "provisioningState": "Succeeded",
            "publicNetworkAccess": "Enabled",
        },
    }


def test_policies_that_are_left_out_of_a_put_are_gone(arm: Arm) -> None:
    put(arm, accessPolicies=[policy(arm, "get", keys=("Get", "sign"))], enableRbacAuthorization=False)
    arm.azure.vault("new-kv").set_secret("db-password", "s3cr3t")
    assert arm.secret(vault="new-kv") == 200
    assert put(arm, accessPolicies=[]).status_code == 200
    assert arm.secret(vault="new-kv") == 403


def test_policies_come_back_as_they_were_put(arm: Arm) -> None:
    wanted = policy(arm, "List", "GET", keys=("get",))
    put(arm, accessPolicies=[wanted], enableRbacAuthorization=False)
    assert arm.ask("GET", NEW.format(group=arm.group)).json()["properties"]["accessPolicies"] == [wanted]
    arm.azure.vault("new-kv").set_policy(arm.azure.identity("reporting"), ["set"])
    (found,) = arm.ask("GET", NEW.format(group=arm.group)).json()["properties"]["accessPolicies"]
    assert found["permissions"]["secrets"] == ["set"]


def test_the_network_rules_are_felt(arm: Arm) -> None:
    arm.azure.identity("reporting").grant("Key Vault Secrets User", on="contoso-kv")
    assert arm.secret() == 200
    acls = {"defaultAction": "Deny", "bypass": "AzureServices", "ipRules": [{"value": "203.0.113.7"}]}
    found = arm.ask("PATCH", arm.vault, {"properties": {"networkAcls": acls}}).json()["properties"]
    assert found["networkAcls"]["ipRules"] == [{"value": "203.0.113.7/32"}]
    assert arm.secret() == 403
    acls["ipRules"] = [{"value": "127.0.0.1"}]
    arm.ask("PATCH", arm.vault, {"properties": {"networkAcls": acls}})
    assert arm.secret() == 200
    arm.ask("PATCH", arm.vault, {"properties": {"publicNetworkAccess": "Disabled"}})
    assert arm.secret() == 403
    assert arm.ask("GET", arm.vault).json()["properties"]["publicNetworkAccess"] == "Disabled"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"tenantId": None}, "BadRequest"),
        ({"sku": None}, "BadRequest"),
        ({"softDeleteRetentionInDays": 5}, "BadRequest"),
        ({"softDeleteRetentionInDays": "many"}, "BadRequest"),
        ({"enablePurgeProtection": False}, "BadRequest"),
        ({"publicNetworkAccess": "Perhaps"}, "BadRequest"),
        ({"networkAcls": {"defaultAction": "Perhaps"}}, "BadRequest"),
        ({"networkAcls": {"ipRules": [{"value": "here"}]}}, "BadRequest"),
        ({"networkAcls": {"ipRules": "all"}}, "InvalidRequestContent"),
        ({"networkAcls": {"ipRules": [{"value": True}]}}, "InvalidRequestContent"),
        ({"createMode": "\ud800"}, "InvalidRequestContent"),
        ({"accessPolicies": "all"}, "InvalidRequestContent"),
        ({"accessPolicies": [{"objectId": "x"}]}, "BadRequest"),
        ({"enableRbacAuthorization": False}, "BadRequest"),
        ({"enableRbacAuthorization": "yes"}, "InvalidRequestContent"),
    ],
)
def test_what_no_vault_can_be_is_refused(arm: Arm, given: dict[str, Any], code: str) -> None:
    answer = put(arm, **given)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert "new-kv" not in arm.azure.vaults


def test_a_permission_that_there_is_not_is_refused(arm: Arm) -> None:
    answer = put(arm, accessPolicies=[policy(arm, "look")])
    assert answer.status_code == 400
    assert "look" in answer.json()["error"]["message"]


def test_names_are_held_against_azures_rules(arm: Arm) -> None:
    assert put(arm, "a").json()["error"]["code"] == "VaultNameNotValid"
    arm.ask("PUT", f"{arm.subscription}/resourceGroups/rg1", {"location": "westus2"})
    elsewhere = arm.vault.replace("/keyless/", "/rg1/")
    body = {"location": "westus2", "properties": {"tenantId": arm.azure.tenant_id, "sku": {"name": "standard"}}}
    assert arm.ask("PUT", elsewhere, body).json()["error"]["code"] == "VaultAlreadyExists"
    assert put(arm, "contoso-kv", location="eastus").json()["error"]["code"] == "InvalidResourceLocation"


@pytest.mark.parametrize(
    ("name", "free", "reason"),
    [("free-kv", True, None), ("contoso-KV", False, "AlreadyExists"), ("-", False, "AccountNameInvalid")],
)
def test_a_name_is_free_or_not(arm: Arm, name: str, free: object, reason: str | None) -> None:
    path = f"{arm.subscription}/providers/Microsoft.KeyVault/checkNameAvailability"
    found = arm.ask("POST", path, {"name": name, "type": "Microsoft.KeyVault/vaults"}).json()
    assert (found["nameAvailable"], found.get("reason")) == (free, reason)


def test_purge_protection_is_for_good(arm: Arm) -> None:
    put(arm, enablePurgeProtection=True, softDeleteRetentionInDays=7)
    path = NEW.format(group=arm.group)
    answer = arm.ask("PATCH", path, {"properties": {"enablePurgeProtection": False}})
    assert "irreversible" in answer.json()["error"]["message"]
    answer = arm.ask("PATCH", path, {"properties": {"softDeleteRetentionInDays": 8}})
    assert "already" in answer.json()["error"]["message"]
    assert arm.ask("DELETE", path).status_code == 200
    gone = f"{arm.subscription}/providers/Microsoft.KeyVault/locations/westus2/deletedVaults/new-kv"
    assert arm.ask("GET", gone).json()["properties"]["purgeProtectionEnabled"] is True
    assert arm.ask("POST", f"{gone}/purge").json()["error"]["code"] == "MethodNotAllowed"
    arm.azure.clock.advance(days=8)
    assert arm.ask("GET", gone).json()["error"]["code"] == "DeletedVaultNotFound"


def test_a_deleted_vault_takes_its_role_assignments_along(arm: Arm) -> None:
    arm.azure.identity("reporting").grant("Key Vault Secrets User", on="contoso-kv")
    assert arm.secret() == 200
    assert arm.ask("DELETE", arm.vault).status_code == 200
    assert arm.ask("DELETE", arm.vault).status_code == 204
    assert arm.secret() == 421
    put(arm, "contoso-kv", createMode="recover")
    assert arm.secret() == 403


def test_the_management_plane_sets_secrets_and_shows_no_value(arm: Arm) -> None:
    path = f"{arm.vault}/secrets/api-key"
    body = {
        "properties": {"value": "canary", "contentType": "text/plain", "attributes": {"enabled": True}},
        "tags": {"a": "b"},
    }
    made = arm.ask("PUT", path, body)
    assert made.status_code == 201
    assert "canary" not in made.text
    assert made.json()["properties"]["secretUri"] == "https://contoso-kv.vault.azure.net/secrets/api-key"
    assert arm.azure.vault("contoso-kv").get_secret("api-key").value == "canary"
    arm.ask("PATCH", path, {"properties": {"attributes": {"enabled": False}}})
    assert arm.azure.vault("contoso-kv").get_secret("api-key").attributes.enabled is False
    found = arm.ask("GET", f"{arm.vault}/secrets").json()["value"]
    assert {each["name"] for each in found} == {"api-key", "db-password"}
    assert arm.ask("GET", f"{arm.vault}/secrets/none").status_code == 404
    assert arm.ask("PUT", f"{arm.vault}/secrets/a.b", body).status_code in {400, 409}


def test_az_finds_no_managed_hsm(arm: Arm) -> None:
    for kind in ("managedHSMs", "deletedManagedHSMs"):
        assert arm.ask("GET", f"{arm.subscription}/providers/Microsoft.KeyVault/{kind}").json() == {"value": []}


def test_an_export_makes_the_same_vaults_and_roles(arm: Arm) -> None:
    put(arm, enableRbacAuthorization=False, accessPolicies=[policy(arm, "get")])
    found = read_config("export", tomllib.loads(to_toml(document_of(arm.azure, with_values=True))))
    assert found.vaults["new-kv"].settings.access == "policies"
    (role,) = found.identities["operator"].roles
    assert (role.role, str(role.scope)) == ("Owner", "/")
