"""The project's own templates, as they are committed, deploy here: and then the secret is readable by role, and not without."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.local.management.test_deployments import VERSION, body, deployed, path, put

from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import read_config
from keyless.local.azure.exchange.exported import document_of

if TYPE_CHECKING:
    from tests.local.management.conftest import Arm

INFRA = Path(__file__).parents[3] / "infra"
MAIN: dict[str, Any] = json.loads((INFRA / "main.json").read_text("utf-8"))
ROTATION: dict[str, Any] = json.loads((INFRA / "rotation.json").read_text("utf-8"))
SETTINGS = {
    "KEY_VAULT_URL",
    "SECRET_NAME",
    "PYTHON_THREADPOOL_THREAD_COUNT",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__blobServiceUri",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
}


def outputs(found: dict[str, Any]) -> dict[str, Any]:
    assert found["provisioningState"] == "Succeeded", json.dumps(found.get("error"), indent=1)
    return {name: each["value"] for name, each in found["outputs"].items()}


def test_the_project_is_deployed_and_its_identities_read_the_secret(arm: Arm) -> None:
    out = outputs(deployed(arm, MAIN, "main", environmentName="dev", secretValue="the-deployed-secret"))
    vault, site = arm.azure.vault(out["KEY_VAULT_NAME"]), out["FUNCTION_APP_NAME"]
    assert vault.settings.access == "rbac"
    assert vault.settings.purge_protection
    assert vault.get_secret(out["SECRET_NAME"]).value == "the-deployed-secret"
    assert out["KEY_VAULT_URL"] == vault.url
    assert out["FUNCTION_URL"] == f"https://{site}.azurewebsites.net/api/AcquireTokenMsi"
    user = arm.azure.identity_of(out["USER_IDENTITY_OBJECT_ID"])
    system = arm.azure.identity_of(out["SYSTEM_IDENTITY_OBJECT_ID"])
    assert user is not None
    assert system is not None
    assert (user.kind, user.client_id, user.resource_id) == (
        "user",
        out["USER_IDENTITY_CLIENT_ID"],
        out["USER_IDENTITY_RESOURCE_ID"],
    )
    assert (system.kind, system.resource_id.rpartition("/")[2]) == ("system", site)
    for identity in (user, system):
        assert arm.secret(identity.name, vault.name, out["SECRET_NAME"]) == 200
        # The role is on the one secret, and not on the vault.
        vault.set_secret("another", "x")
        assert arm.secret(identity.name, vault.name, "another") == 403
    assert arm.secret("reporting", vault.name, out["SECRET_NAME"]) == 403
    assignment = next(each for each in arm.azure.role_assignments.held_by(system.object_id))
    arm.azure.role_assignments.remove(assignment.id)
    assert arm.secret(system.name, vault.name, out["SECRET_NAME"]) == 403


def test_the_site_has_the_identities_and_the_settings_of_the_template(arm: Arm) -> None:
    out = outputs(deployed(arm, MAIN, "main", environmentName="dev"))
    here = f"{arm.group}/providers/Microsoft.Web/sites/{out['FUNCTION_APP_NAME']}"
    settings = arm.ask("POST", f"{here}/config/appsettings/list").json()["properties"]
    assert set(settings) == SETTINGS
    assert settings["KEY_VAULT_URL"] == out["KEY_VAULT_URL"]
    assert settings["AzureWebJobsStorage__clientId"] == out["USER_IDENTITY_CLIENT_ID"]
    assert settings["AzureWebJobsStorage__blobServiceUri"].endswith(".blob.core.windows.net/")
    identity = arm.ask("GET", here).json()["identity"]
    assert identity["principalId"] == out["SYSTEM_IDENTITY_OBJECT_ID"]
    assert list(identity["userAssignedIdentities"]) == [out["USER_IDENTITY_RESOURCE_ID"]]


def test_a_second_deployment_of_the_project_changes_nothing_but_the_secret(arm: Arm) -> None:
    first = outputs(deployed(arm, MAIN, "main", environmentName="dev"))
    vault = arm.azure.vault(first["KEY_VAULT_NAME"])
    value = vault.get_secret("db-password").value
    assert outputs(deployed(arm, MAIN, "main", environmentName="dev", keepSecret="true")) == first
    assert vault.get_secret("db-password").value == value
    assert outputs(deployed(arm, MAIN, "main", environmentName="dev")) == first
    assert vault.get_secret("db-password").value != value


def test_what_was_deployed_can_be_exported_and_is_the_same_again(arm: Arm) -> None:
    out = outputs(deployed(arm, MAIN, "main", environmentName="dev"))
    again = Azure(read_config("test", document_of(arm.azure, with_values=True)))
    for object_id in (out["USER_IDENTITY_OBJECT_ID"], out["SYSTEM_IDENTITY_OBJECT_ID"]):
        before, after = arm.azure.identity_of(object_id), again.identity_of(object_id)
        assert before is not None
        assert after is not None
        assert (after.kind, after.resource_id, after.assigned) == (before.kind, before.resource_id, before.assigned)
        held = {(each.role.name, each.scope) for each in again.role_assignments.held_by(object_id)}
        assert held == {(each.role.name, each.scope) for each in arm.azure.role_assignments.held_by(object_id)}
    again.close()


def test_other_services_resources_are_kept_listed_and_shown(arm: Arm) -> None:
    given = {"environmentName": "dev", "privateNetwork": "true", "alertEmail": "operator@example.com", "alwaysReady": 1}
    outputs(deployed(arm, MAIN, "main", **given))
    found = {each["type"]: each for each in arm.ask("GET", f"{arm.group}/resources").json()["value"]}
    assert set(found) >= {
        "Microsoft.Insights/actionGroups",
        "Microsoft.Insights/components",
        "Microsoft.Insights/metricAlerts",
        "Microsoft.KeyVault/vaults",
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "Microsoft.Network/privateDnsZones",
        "Microsoft.Network/privateEndpoints",
        "Microsoft.Network/virtualNetworks",
        "Microsoft.OperationalInsights/workspaces",
        "Microsoft.Storage/storageAccounts",
        "Microsoft.Web/serverfarms",
        "Microsoft.Web/sites",
    }
    account = arm.ask("GET", found["Microsoft.Storage/storageAccounts"]["id"], version="2025-06-01").json()
    assert account["properties"]["allowSharedKeyAccess"] is False
    assert account["properties"]["provisioningState"] == "Succeeded"
    assert (
        arm.ask("GET", account["id"], by="stranger", version="2025-06-01").json()["error"]["code"]
        == "AuthorizationFailed"
    )
    component = arm.ask("GET", found["Microsoft.Insights/components"]["id"], version="2020-02-02").json()["properties"]
    assert "InstrumentationKey=00000000-0000-0000-0000-000000000000" in component["ConnectionString"]
    assert arm.ask("DELETE", account["id"], version="2025-06-01").status_code == 200
    # What no deployment made is of a service that the subscription is not registered for.
    assert (
        arm.ask("GET", account["id"], version="2025-06-01").json()["error"]["code"] == "MissingSubscriptionRegistration"
    )
    assert arm.ask("PUT", account["id"], account, version="2025-06-01").status_code == 409
    assert arm.ask("GET", f"{account['id']}/blobServices/default", version="2025-06-01").status_code == 409


def test_a_part_of_a_resource_that_is_not_there_is_refused(arm: Arm) -> None:
    blobs = {
        "type": "Microsoft.Storage/storageAccounts/blobServices",
        "apiVersion": "2025-06-01",
        "name": "none/default",
    }
    raw = {"$schema": MAIN["$schema"], "contentVersion": "1.0.0.0", "resources": [blobs]}
    error = deployed(arm, raw)["error"]["details"][0]
    assert (error["code"], "none' could not be found" in error["message"]) == ("ParentResourceNotFound", True)
    nowhere = {**blobs, "type": "Microsoft.Storage/storageAccounts", "name": "none"}
    assert deployed(arm, {**raw, "resources": [nowhere]})["error"]["details"][0]["code"] == "LocationRequired"


def test_the_rotation_is_deployed_after_the_project(arm: Arm) -> None:
    given = {"vaultName": "contoso-kv", "functionAppName": "keyless", "secretName": "db-password"}
    assert deployed(arm, ROTATION, "rotation", **given)["provisioningState"] == "Succeeded"
    topic = arm.ask(
        "GET", f"{arm.group}/providers/Microsoft.EventGrid/systemTopics/evgt-contoso-kv", version="2025-02-15"
    ).json()
    assert topic["properties"]["source"] == arm.vault
    below = arm.ask("GET", f"{topic['id']}/eventSubscriptions/secret-rotated", version="2025-02-15").json()
    assert below["properties"]["destination"]["properties"]["resourceId"] == f"{arm.site}/functions/SecretRotated"


def test_a_vault_is_recovered_by_a_later_deployment(arm: Arm) -> None:
    first = outputs(deployed(arm, MAIN, "main", environmentName="dev", secretValue="before"))
    name = first["KEY_VAULT_NAME"]
    assert arm.ask("DELETE", f"{arm.group}/providers/Microsoft.KeyVault/vaults/{name}").ok
    failed = deployed(arm, MAIN, "main", environmentName="dev")
    assert "ConflictError" in json.dumps(failed["error"])
    again = outputs(deployed(arm, MAIN, "main", environmentName="dev", recoverVault="true", keepSecret="true"))
    assert again["KEY_VAULT_NAME"] == name
    assert arm.azure.vault(name).get_secret("db-password").value == "before"
    user = arm.azure.identity_of(again["USER_IDENTITY_OBJECT_ID"])
    assert user is not None
    assert arm.secret(user.name, name, "db-password") == 200


def what_if(
    arm: Arm, raw: dict[str, Any], form: str = "FullResourcePayloads", **given: Any
) -> dict[str, dict[str, Any]]:
    """Return what would change, by the last part of the resource's id."""
    sent = body(raw, **given)
    sent["properties"]["whatIfSettings"] = {"resultFormat": form}
    answer = arm.ask("POST", path(arm, "main", "/whatIf"), sent, version=VERSION)
    assert answer.status_code == 202, answer.text
    found = arm.ask("GET", answer.headers["Location"].removeprefix("https://management.azure.com"), version=None).json()
    assert found["status"] == "Succeeded"
    return {each["resourceId"].rpartition("/")[2]: each for each in found["properties"]["changes"]}


def kinds(changes: dict[str, dict[str, Any]]) -> dict[str, int]:
    every = [each["changeType"] for each in changes.values()]
    return {kind: every.count(kind) for kind in set(every)}


def test_what_if_says_what_a_deployment_would_make_and_makes_nothing(arm: Arm) -> None:
    before = list(arm.azure.vaults)
    found = what_if(arm, MAIN, environmentName="dev")
    # The names of three role assignments hang on the identity that is not there yet, and one on the site's own.
    assert kinds(found) == {"Create": 16, "Unsupported": 4, "Ignore": 5}
    assert found["db-password"]["after"]["properties"]["value"] == "*******"
    assert found["contoso-kv"]["changeType"] == "Ignore"
    assert list(arm.azure.vaults) == before
    assert arm.ask("HEAD", path(arm, "main"), version=VERSION).status_code == 404


def test_what_if_after_a_deployment_names_what_differs(arm: Arm) -> None:
    outputs(deployed(arm, MAIN, "main", environmentName="dev"))
    given = {"environmentName": "dev", "keepSecret": "true"}
    found = what_if(arm, MAIN, **given)
    changed = {name: each for name, each in found.items() if each["changeType"] in {"Create", "Modify"}}
    # What is looked up on other resources is said to change, as in Azure.
    assert {name: [delta["path"] for delta in each["delta"]] for name, each in changed.items()} == {
        "appsettings": [
            "properties.AzureWebJobsStorage__clientId",
            "properties.AzureWebJobsStorage__blobServiceUri",
            "properties.APPLICATIONINSIGHTS_CONNECTION_STRING",
            "properties.APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
        ]
    }
    found = what_if(arm, MAIN, **given, privateNetwork="true")
    vault = next(each for name, each in found.items() if name.startswith("kv-") and "delta" in each)
    assert [(each["path"], each["before"], each["after"]) for each in vault["delta"]] == [
        ("properties.publicNetworkAccess", "Enabled", "Disabled"),
        ("properties.networkAcls.defaultAction", "Allow", "Deny"),
    ]
    short = what_if(arm, MAIN, "ResourceIdOnly", **given)
    assert {each["changeType"] for each in short.values()} == {"Deploy", "Ignore", "Unsupported"}
    assert all(set(each) <= {"resourceId", "changeType", "unsupportedReason"} for each in short.values())


def test_a_result_format_that_there_is_not_is_refused(arm: Arm) -> None:
    sent = body(MAIN, environmentName="dev")
    sent["properties"]["whatIfSettings"] = {"resultFormat": "Everything"}
    assert arm.ask("POST", path(arm, "main", "/whatIf"), sent, version=VERSION).status_code == 400


@pytest.mark.parametrize("by", ["operator", "stranger"])
def test_who_may_not_deploy_learns_nothing_of_a_deployment(arm: Arm, by: str) -> None:
    deployed(arm, ROTATION, "main", vaultName="contoso-kv", functionAppName="keyless", secretName="db-password")
    wanted = 200 if by == "operator" else 403
    for rest in ("", "/operations", "/operationStatuses/1"):
        assert arm.ask("GET", path(arm, "main", rest), by=by, version=VERSION).status_code == wanted
    assert arm.ask("POST", path(arm, "main", "/exportTemplate"), by=by, version=VERSION).status_code == wanted
    assert put(arm, ROTATION, by="stranger").status_code == 403
