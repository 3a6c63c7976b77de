"""Deployments of templates: what they make takes effect, what fails says why, and nothing shows a secure value."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.resource.deployments import DeploymentsMgmtClient
from tests.local.management.conftest import Credential, Loopback

from keyless.local.azure.storage.database import Database

if TYPE_CHECKING:
    from requests import Response
    from tests.local.management.conftest import Arm, MakeArm

ROOT = Path(__file__).parents[3]
SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
SECRET = "the-secure-value"
VERSION = "2025-04-01"
VAULTS, SECRETS = "Microsoft.KeyVault/vaults", "Microsoft.KeyVault/vaults/secrets"
KV = "2026-02-01"


def template(*resources: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": list(resources), **parts}


def vault(name: str, **parts: Any) -> dict[str, Any]:
    properties = {
        "tenantId": "[subscription().tenantId]",
        "sku": {"family": "A", "name": "standard"},
        "accessPolicies": [],
    }
    return {
        "type": VAULTS,
        "apiVersion": KV,
        "name": name,
        "location": "[resourceGroup().location]",
        "properties": properties,
        **parts,
    }


def secret(vault_name: str, name: str, value: str) -> dict[str, Any]:
    depends = [f"[resourceId('{VAULTS}', '{vault_name}')]"]
    return {
        "type": SECRETS,
        "apiVersion": KV,
        "name": f"{vault_name}/{name}",
        "properties": {"value": value},
        "dependsOn": depends,
    }


def path(arm: Arm, name: str, rest: str = "", group: str = "") -> str:
    return f"{group or arm.group}/providers/Microsoft.Resources/deployments/{name}{rest}"


def body(raw: dict[str, Any], **given: Any) -> dict[str, Any]:
    parameters = {name: {"value": value} for name, value in given.items()}
    return {"properties": {"mode": "Incremental", "template": raw, "parameters": parameters}}


def put(
    arm: Arm, raw: dict[str, Any], name: str = "d", by: str = "operator", group: str = "", **given: Any
) -> Response:
    return arm.ask("PUT", path(arm, name, group=group), body(raw, **given), by=by, version=VERSION)


def deployed(arm: Arm, raw: dict[str, Any], name: str = "d", **given: Any) -> dict[str, Any]:
    """Deploy, and return the properties of the deployment."""
    answer = put(arm, raw, name, **given)
    assert answer.status_code in {200, 201}, answer.text
    assert answer.json()["properties"]["provisioningState"] == "Accepted"
    found: dict[str, Any] = arm.ask("GET", path(arm, name), version=VERSION).json()["properties"]
    return found


def client(arm: Arm, by: str = "operator") -> Any:  # Its overloads take no JSON, and its code does.
    return DeploymentsMgmtClient(
        Credential(arm, by), arm.azure.subscription_id, transport=Loopback(arm.address), polling_interval=0
    )


def test_a_template_makes_a_vault_with_a_secret_and_says_where(arm: Arm) -> None:
    outputs = {"url": {"type": "string", "value": f"[reference(resourceId('{VAULTS}', 'made-kv')).vaultUri]"}}
    raw = template(secret("made-kv", "password", "new"), vault("made-kv"), outputs=outputs)
    found = deployed(arm, raw)
    assert found["provisioningState"] == "Succeeded"
    assert found["outputs"] == {"url": {"type": "String", "value": "https://made-kv.vault.azure.net/"}}
    assert [each["id"].rpartition("/")[2] for each in found["outputResources"]] == ["made-kv", "password"]
    assert arm.azure.vault("made-kv").get_secret("password").value == "new"
    # The deployment gives no right to the vault's data.
    assert arm.secret("operator", "made-kv", "password") == 403
    assert [each.operation for each in arm.azure.journal.entries(service="arm")][-2:] == [
        "putDeployment",
        "getDeployment",
    ]


def test_defaults_of_parameters_give_what_is_new(arm: Arm) -> None:
    parameters = {
        "day": {"type": "string", "defaultValue": "[utcNow('yyyy-MM-dd')]"},
        "moment": {"type": "string", "defaultValue": "[utcNow()]"},
        "id": {"type": "string", "defaultValue": "[newGuid()]"},
    }
    outputs = {name: {"type": "string", "value": f"[parameters('{name}')]"} for name in parameters}
    raw = template(parameters=parameters, outputs=outputs)
    first, second = (deployed(arm, raw)["outputs"] for _ in range(2))
    now = datetime.fromtimestamp(arm.azure.clock.now(), UTC)
    assert first["day"]["value"] == f"{now:%Y-%m-%d}"
    assert datetime.strptime(first["moment"]["value"], "%Y%m%dT%H%M%SZ").date() == now.date()  # noqa: DTZ007 (its Z is UTC)
    assert uuid.UUID(first["id"]["value"]) != uuid.UUID(second["id"]["value"])
    raw["parameters"]["day"]["defaultValue"] = "[utcNow('dddd')]"
    assert "the format 'dddd' of utcNow" in put(arm, raw).json()["error"]["message"]


def test_the_second_deployment_of_a_name_replaces_the_first(arm: Arm) -> None:
    assert put(arm, template(vault("made-kv"))).status_code == 201
    assert put(arm, template(vault("made-kv", tags={"a": "b"}))).status_code == 200
    assert arm.ask("GET", f"{arm.group}/providers/{VAULTS}/made-kv").json()["tags"] == {"a": "b"}


def test_a_deployment_has_its_operations(arm: Arm) -> None:
    deployed(arm, template(vault("made-kv"), secret("made-kv", "password", "x")))
    found = arm.ask("GET", path(arm, "d", "/operations"), version=VERSION).json()["value"]
    assert [each["properties"]["targetResource"]["resourceName"] for each in found] == ["made-kv", "made-kv/password"]
    assert {each["properties"]["provisioningState"] for each in found} == {"Succeeded"}
    one = arm.ask("GET", found[0]["id"], version=VERSION)
    assert one.json() == found[0]
    assert arm.ask("GET", path(arm, "d", "/operations/none"), version=VERSION).status_code == 404


def test_a_resource_that_fails_is_told_with_its_reason_and_the_others_are_made(arm: Arm) -> None:
    taken = vault("contoso-kv", location="eastus")
    raw = template(taken, {**vault("after-kv"), "dependsOn": ["contoso-kv"]}, vault("other-kv"))
    found = deployed(arm, raw)
    assert found["provisioningState"] == "Failed"
    assert "outputs" not in found
    error = found["error"]
    assert (error["code"], [each["code"] for each in error["details"]]) == (
        "DeploymentFailed",
        ["InvalidResourceLocation"],
    )
    assert error["details"][0]["target"].endswith("/contoso-kv")
    assert set(arm.azure.vaults) >= {"contoso-kv", "other-kv"}
    assert "after-kv" not in arm.azure.vaults
    status = arm.ask("GET", path(arm, "d", "/operationStatuses/1"), version=VERSION).json()
    assert (status["status"], status["error"]["code"]) == ("Failed", "DeploymentFailed")
    operations = arm.ask("GET", path(arm, "d", "/operations"), version=VERSION).json()["value"]
    assert [each["properties"]["statusCode"] for each in operations] == ["Conflict", "OK"]


def test_no_answer_shows_a_secure_value(make_arm: MakeArm, tmp_path: Path) -> None:
    arm = make_arm(Database(tmp_path / "store"))
    nested = {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": VERSION,
        "name": "inner",
        "properties": {
            "mode": "Incremental",
            "expressionEvaluationOptions": {"scope": "inner"},
            "parameters": {"s": {"value": "[parameters('s')]"}},
            "template": template(
                vault("made-kv"),
                secret("made-kv", "password", "[parameters('s')]"),
                parameters={"s": {"type": "secureString"}},
                outputs={"s": {"type": "secureString", "value": "[parameters('s')]"}},
            ),
        },
    }
    account = {
        "type": "Microsoft.Storage/storageAccounts",
        "apiVersion": "2025-06-01",
        "name": "made",
        "location": "westus2",
        "properties": {"note": "[concat('x', parameters('s'))]"},
        "dependsOn": ["inner"],
    }
    # No vault can have this name, and the error repeats it.
    bad = vault("[concat(parameters('s'), '--')]")
    raw = template(
        nested,
        account,
        bad,
        parameters={"s": {"type": "secureString"}, "o": {"type": "secureObject", "defaultValue": {"a": "b"}}},
        outputs={"s": {"type": "secureString", "value": "[reference('inner').outputs.s.value]"}},
    )
    put(arm, raw, s=SECRET)
    good = template(nested, account, parameters=raw["parameters"], outputs=raw["outputs"])
    texts = [put(arm, good, "good", s=SECRET).text]
    for name in ("d", "good", "inner"):
        texts += [
            arm.ask("GET", path(arm, name, rest), version=VERSION).text
            for rest in ("", "/operations", "/operationStatuses/1")
        ]
        texts.append(arm.ask("POST", path(arm, name, "/exportTemplate"), version=VERSION).text)
    texts.append(arm.ask("POST", path(arm, "d", "/validate"), body(good, s=SECRET), version=VERSION).text)
    what_if = arm.ask("POST", path(arm, "d", "/whatIf"), body(good, s=SECRET), version=VERSION)
    texts.append(
        arm.ask("GET", what_if.headers["Location"].replace("https://management.azure.com", ""), None, version=None).text
    )
    texts.append(
        arm.ask("GET", f"{arm.group}/providers/Microsoft.Storage/storageAccounts/made", version="2025-06-01").text
    )
    texts += [repr(each) for each in arm.azure.journal.entries()]
    texts.append(repr(list(arm.azure.documents.all())))
    assert [each for each in texts if SECRET in each] == []
    found = arm.ask("GET", path(arm, "good"), version=VERSION).json()["properties"]
    assert found["provisioningState"] == "Succeeded", found
    assert found["outputs"] == {"s": {"type": "SecureString"}}
    assert found["parameters"] == {"s": {"type": "SecureString"}, "o": {"type": "SecureObject"}}
    assert arm.azure.vault("made-kv").get_secret("password").value == SECRET


@pytest.mark.parametrize(
    ("given", "status", "code", "words"),
    [
        ({"template": template(vault("a-kv"), x=1)}, 400, "InvalidTemplate", "Could not find member 'x'"),
        (
            {"template": template(vault("[nonsense()]"))},
            400,
            "InvalidTemplate",
            "The template function 'nonsense' is not valid",
        ),
        (
            {"template": template({**vault("vm"), "type": "Microsoft.Compute/virtualMachines"}, vault("a-kv"))},
            400,
            "InvalidTemplate",
            "'vm' of the type 'Microsoft.Compute/virtualMachines'. It makes Microsoft.KeyVault/vaults",
        ),
        (
            {"template": template({**vault("a-kv"), "apiVersion": "2001-01-01"})},
            400,
            "InvalidApiVersionParameter",
            "2001-01-01",
        ),
        ({"mode": "Complete", "template": template()}, 400, "BadRequest", "and not in 'Complete': it deletes nothing"),
        ({"templateLink": {"uri": "https://x.example"}}, 400, "BadRequest", "follows no 'templateLink'"),
        ({}, 400, "InvalidTemplate", "The template is missing"),
        (
            {"template": template(), "parameters": {"p": 5}},
            400,
            "InvalidTemplate",
            "'p' must be an object with a 'value'",
        ),
        (
            {"template": template(variables={"v": json.loads("[" * 70 + "]" * 70)})},
            400,
            "InvalidTemplate",
            "more than 64 times",
        ),
    ],
)
def test_what_cannot_be_deployed_is_refused_before_anything_is_made(
    arm: Arm, given: dict[str, Any], status: int, code: str, words: str
) -> None:
    wanted = {"properties": {"mode": "Incremental", **given}}
    for method, rest in (("PUT", ""), ("POST", "/validate"), ("POST", "/whatIf")):
        answer = arm.ask(method, path(arm, "d", rest), wanted, version=VERSION)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
        assert words in answer.json()["error"]["message"]
    assert arm.ask("HEAD", path(arm, "d"), version=VERSION).status_code == 404
    assert "a-kv" not in arm.azure.vaults


def test_a_list_of_more_deployments_than_anybody_counts_to_is_a_list_of_all(arm: Arm) -> None:
    assert put(arm, template()).ok
    answer = arm.ask("GET", f"{path(arm, '')}?$top={'9' * 5000}".replace("/?", "?"), version=VERSION)
    assert [each["name"] for each in answer.json()["value"]] == ["d"]


def test_the_roles_of_the_caller_count_for_each_resource(arm: Arm) -> None:
    stranger = arm.azure.identity("stranger")
    raw = template(vault("made-kv"), secret("made-kv", "password", "x"))
    assert put(arm, raw, by="stranger").json()["error"]["code"] == "AuthorizationFailed"
    actions = ["Microsoft.Resources/deployments/*", f"{VAULTS}/read", f"{VAULTS}/write"]
    definition = f"{arm.subscription}/providers/Microsoft.Authorization/roleDefinitions/{uuid.uuid4()}"
    properties = {
        "roleName": "Deployer",
        "assignableScopes": ["/"],
        "permissions": [{"actions": actions}],
        "type": "CustomRole",
    }
    assert arm.ask("PUT", definition, {"properties": properties}).ok
    stranger.grant("Deployer", on=arm.group)
    answer = put(arm, raw, by="stranger")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidTemplateDeployment")
    message = answer.json()["error"]["message"]
    assert (
        "Authorization failed for template resource 'made-kv/password' of type 'Microsoft.KeyVault/vaults/secrets'"
        in message
    )
    assert (
        f"with object id '{stranger.object_id}' does not have permission to perform action '{SECRETS}/write'" in message
    )
    assert "made-kv" not in arm.azure.vaults
    assert put(arm, template(vault("made-kv")), by="stranger").status_code == 201
    # A name that is known only later is decided when its turn comes.
    role = {
        "type": "Microsoft.Authorization/roleAssignments",
        "apiVersion": "2022-04-01",
        "name": f"[guid(reference(resourceId('{VAULTS}', 'made-kv'), '{KV}').vaultUri)]",
        "properties": {"principalId": stranger.object_id, "roleDefinitionId": arm.role("Owner")},
    }
    inner = {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": VERSION,
        "name": "inner",
        "properties": {
            "mode": "Incremental",
            "expressionEvaluationOptions": {"scope": "inner"},
            "parameters": {"n": {"value": f"[reference(resourceId('{VAULTS}', 'made-kv'), '{KV}').vaultUri]"}},
            "template": template({**role, "name": "[guid(parameters('n'))]"}, parameters={"n": {"type": "string"}}),
        },
    }
    assert put(arm, template(inner), by="stranger").status_code == 200
    error = arm.ask("GET", path(arm, "d"), version=VERSION).json()["properties"]["error"]
    (module,) = error["details"]
    assert (module["code"], module["details"][0]["code"]) == ("ResourceDeploymentFailure", "DeploymentFailed")
    assert module["details"][0]["details"][0]["code"] == "AuthorizationFailed"


def test_a_body_with_comments_and_a_name_without_quotes_is_read(arm: Arm) -> None:
    text = json.dumps(template(vault("made-kv"))).replace("{", "{ // where\n", 1)
    sent = '{"properties": {"parameters": {}, "mode": "Incremental", template:' + text + "}}"
    answer = arm.ask("PUT", path(arm, "d"), version=VERSION, data=sent)
    assert answer.status_code == 201, answer.text
    assert "made-kv" in arm.azure.vaults


def test_the_function_app_that_runs_gets_what_a_template_gives_it(arm: Arm) -> None:
    site = {
        "type": "Microsoft.Web/sites",
        "apiVersion": "2025-03-01",
        "name": "keyless",
        "location": "[resourceGroup().location]",
        "identity": {"type": "SystemAssigned"},
    }
    settings = {
        "type": "Microsoft.Web/sites/config",
        "apiVersion": "2025-03-01",
        "name": "keyless/appsettings",
        "properties": {"KEY_VAULT_URL": "https://contoso-kv.vault.azure.net"},
        "dependsOn": ["keyless"],
    }
    secrets_user = "4633458b-17de-408a-b874-0445c86b69e6"
    role = {
        "type": "Microsoft.Authorization/roleAssignments",
        "apiVersion": "2022-04-01",
        "name": "[guid('on-the-vault')]",
        "scope": f"{VAULTS}/contoso-kv",
        "properties": {
            "roleDefinitionId": f"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '{secrets_user}')]",
            "principalId": "[reference('keyless', '2025-03-01', 'full').identity.principalId]",
            "principalType": "ServicePrincipal",
        },
    }
    before = arm.azure.function_app.restarts
    assert deployed(arm, template(role, settings, site))["provisioningState"] == "Succeeded"
    assert arm.azure.identity("system").assigned
    assert dict(arm.azure.function_app.settings) == {"KEY_VAULT_URL": "https://contoso-kv.vault.azure.net"}
    assert arm.azure.function_app.restarts == before + 2
    assert arm.secret("system") == 200


def test_a_parameter_takes_the_secret_of_a_vault_that_allows_it(arm: Arm) -> None:
    raw = template(
        vault("made-kv"), secret("made-kv", "copied", "[parameters('s')]"), parameters={"s": {"type": "secureString"}}
    )
    sent = body(raw)
    sent["properties"]["parameters"] = {
        "s": {"reference": {"keyVault": {"id": arm.vault}, "secretName": "db-password"}}
    }
    refused = arm.ask("PUT", path(arm, "d"), sent, version=VERSION).json()["error"]
    assert refused["code"] == "KeyVaultParameterReferenceSecretRetrieveFailed"
    assert "is not enabled for template deployment" in refused["message"]
    assert arm.ask("PATCH", arm.vault, {"properties": {"enabledForTemplateDeployment": True}}).ok
    assert arm.ask("PUT", path(arm, "d"), sent, version=VERSION).status_code == 201
    assert arm.azure.vault("made-kv").get_secret("copied").value == "s3cr3t"
    sent["properties"]["parameters"]["s"]["reference"]["secretName"] = "none"
    assert "'NotFound'" in arm.ask("PUT", path(arm, "d"), sent, version=VERSION).json()["error"]["message"]


def test_no_answer_shows_the_secret_of_a_vault_whatever_its_parameter_is(arm: Arm) -> None:
    assert arm.ask("PATCH", arm.vault, {"properties": {"enabledForTemplateDeployment": True}}).ok
    reference = {"reference": {"keyVault": {"id": arm.vault}, "secretName": "db-password"}}
    inner = template(parameters={"s": {"type": "string"}})
    properties = {
        "mode": "Incremental",
        "expressionEvaluationOptions": {"scope": "inner"},
        "parameters": {"s": reference},
        "template": inner,
    }
    nested = {
        "type": "Microsoft.Resources/deployments",
        "apiVersion": VERSION,
        "name": "inner",
        "properties": properties,
    }
    sent = body({**inner, "resources": [nested]})
    sent["properties"]["parameters"] = {"s": reference}
    texts = [arm.ask("POST", path(arm, "d", "/validate"), sent, version=VERSION).text]
    texts.append(arm.ask("PUT", path(arm, "d"), sent, version=VERSION).text)
    shown = [arm.ask("GET", path(arm, name), version=VERSION).json()["properties"] for name in ("d", "inner")]
    assert [each["parameters"] for each in shown] == [{"s": {"type": "String", "value": "*******"}}] * 2
    assert [each for each in texts if "s3cr3t" in each] == []
    sent["properties"]["parameters"]["s"] = {"reference": {"keyVault": "none", "secretName": "db-password"}}
    assert arm.ask("PUT", path(arm, "d"), sent, version=VERSION).status_code == 404


def test_deployments_survive_a_restart_and_go_with_their_group(make_arm: MakeArm, tmp_path: Path) -> None:
    first = make_arm(Database(tmp_path / "store"))
    assert first.ask("PUT", f"{first.subscription}/resourceGroups/rg", {"location": "westeurope"}).ok
    group = f"{first.subscription}/resourceGroups/rg"
    site = {
        "type": "Microsoft.Web/sites",
        "apiVersion": "2025-03-01",
        "name": "app",
        "location": "westeurope",
        "identity": {"type": "SystemAssigned"},
    }
    plan = {"type": "Microsoft.Web/serverfarms", "apiVersion": "2025-03-01", "name": "plan", "location": "westeurope"}
    assert put(first, template(site, plan), group=group).status_code == 201
    identity = first.azure.identity("app").object_id
    first.azure.close()
    second = make_arm(Database(tmp_path / "store"))
    assert (
        second.ask("GET", path(second, "d", group=group), version=VERSION).json()["properties"]["provisioningState"]
        == "Succeeded"
    )
    assert second.azure.identity("app").object_id == identity
    names = {each["name"] for each in second.ask("GET", f"{group}/resources").json()["value"]}
    assert names == {"app", "plan"}
    assert second.ask("DELETE", group).status_code == 202
    assert second.ask("PUT", group, {"location": "westeurope"}).ok
    assert second.ask("GET", path(second, "d", group=group), version=VERSION).status_code == 404
    assert second.ask("GET", f"{group}/resources").json()["value"] == []
    assert "app" not in second.azure.identities


def test_the_sdk_deploys_validates_predicts_lists_and_deletes(arm: Arm) -> None:
    sdk, group = client(arm).deployments, arm.azure.resource_group
    outputs = {"n": {"type": "int", "value": "[length(parameters('names'))]"}}
    raw = template(
        vault("[parameters('names')[copyIndex()]]", copy={"name": "all", "count": "[length(parameters('names'))]"}),
        parameters={"names": {"type": "array"}},
        outputs=outputs,
    )
    wanted = body(raw, names=["one-kv", "two-kv"])
    assert sdk.begin_validate(group, "d", wanted).result().properties.provisioning_state == "Succeeded"
    changes = sdk.begin_what_if(group, "d", wanted).result().properties.changes
    assert [each.change_type for each in changes if each.change_type != "Ignore"] == ["Create", "Create"]
    done = sdk.begin_create_or_update(group, "d", wanted).result()
    assert (done.properties.provisioning_state, done.properties.outputs) == (
        "Succeeded",
        {"n": {"type": "Int", "value": 2}},
    )
    assert sdk.check_existence(group, "d")
    assert [each.name for each in sdk.list_by_resource_group(group)] == ["d"]
    assert [each.name for each in sdk.list_by_resource_group(group, filter="provisioningState eq 'Failed'")] == []
    assert sdk.export_template(group, "d").template == raw
    operations = client(arm).deployment_operations.list(group, "d")
    assert [each.properties.target_resource.resource_name for each in operations] == ["one-kv", "two-kv"]
    with pytest.raises(HttpResponseError) as caught:
        sdk.cancel(group, "d")
    assert caught.value.error is not None
    assert caught.value.error.code == "Conflict"
    sdk.begin_delete(group, "d").result()
    with pytest.raises(ResourceNotFoundError):
        sdk.get(group, "d")
    assert "one-kv" in arm.azure.vaults


def test_the_sdk_raises_what_failed(arm: Arm) -> None:
    wanted = body(template(vault("contoso-kv", location="eastus")))
    with pytest.raises(HttpResponseError) as caught:
        client(arm).deployments.begin_create_or_update(arm.azure.resource_group, "d", wanted).result()
    assert caught.value.error is not None
    assert caught.value.error.code == "DeploymentFailed"
    assert "InvalidResourceLocation" in str(caught.value)


@pytest.mark.parametrize("what", ["group", "vault"])
def test_a_client_that_waits_as_it_is_made_to_does_not_wait_for_long(arm: Arm, what: str) -> None:
    if what == "group":
        group = f"{arm.subscription}/resourceGroups/rg"
        assert arm.ask("PUT", group, {"location": "westus2"}).ok
        answer = arm.ask("DELETE", group)
    else:
        assert arm.ask("DELETE", arm.vault).ok
        deleted = f"{arm.subscription}/providers/Microsoft.KeyVault/locations/westus2/deletedVaults/contoso-kv"
        answer = arm.ask("POST", f"{deleted}/purge")
    # azure-core waits for half a minute where the number is 0.
    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "1")
