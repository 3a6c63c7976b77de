"""User-assigned identities and the function app's own: what is assigned is what the host then has."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.local.management.conftest import Arm


def identity_path(arm: Arm, name: str) -> str:
    return f"{arm.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"


def assigned(arm: Arm) -> set[str]:
    return {name for name, found in arm.azure.identities.items() if found.assigned}


def put_site(arm: Arm, identity: dict[str, Any] | None, *, method: str = "PUT", by: str = "operator") -> dict[str, Any]:
    body = {"location": "West US 2", **({} if identity is None else {"identity": identity})}
    found: dict[str, Any] = arm.ask(method, arm.site, body, by=by).json()
    return found


def test_an_identity_is_made_once_and_has_ids_of_its_own(arm: Arm) -> None:
    path = identity_path(arm, "walker")
    made = arm.ask("PUT", path, {"location": "westus2", "tags": {"a": "b"}})
    again = arm.ask("PUT", path, {"location": "westus2"})
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json()["properties"] == again.json()["properties"]
    assert (made.json()["tags"], again.json()["tags"]) == ({"a": "b"}, {})
    assert not arm.azure.identity("walker").assigned
    assert arm.ask("DELETE", path).status_code == 200
    assert arm.ask("DELETE", path).status_code == 204
    anew = arm.ask("PUT", path, {"location": "westus2"})
    assert anew.json()["properties"]["principalId"] != made.json()["properties"]["principalId"]


def test_two_groups_may_each_have_an_identity_of_a_name(arm: Arm) -> None:
    arm.ask("PUT", f"{arm.subscription}/resourceGroups/rg1", {"location": "westus2"})
    elsewhere = identity_path(arm, "reporting").replace("/keyless/", "/rg1/")
    made = arm.ask("PUT", elsewhere, {"location": "westus2"}).json()
    assert made["name"] == "reporting"
    assert made["properties"]["principalId"] != arm.azure.identity("reporting").object_id
    found = arm.ask("GET", f"{arm.subscription}/providers/Microsoft.ManagedIdentity/userAssignedIdentities").json()[
        "value"
    ]
    assert sorted(each["name"] for each in found) == ["operator", "reporting", "reporting", "stranger"]


def test_a_name_that_no_identity_can_have_is_refused(arm: Arm) -> None:
    assert arm.ask("PUT", identity_path(arm, "a b"), {"location": "westus2"}).status_code == 400


def test_the_function_app_gets_and_loses_identities(arm: Arm) -> None:
    reporting = arm.azure.identity("reporting")
    assert (
        put_site(arm, {"type": "SystemAssigned"})["identity"]["principalId"] == arm.azure.identity("system").object_id
    )
    assert assigned(arm) == {"system"}
    both = {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {reporting.resource_id: {}}}
    found = put_site(arm, both)["identity"]
    assert found["userAssignedIdentities"] == {
        reporting.resource_id: {"principalId": reporting.object_id, "clientId": reporting.client_id}
    }
    assert assigned(arm) == {"system", "reporting"}
    put_site(arm, None)
    assert assigned(arm) == {"system", "reporting"}
    put_site(arm, {"type": "UserAssigned", "userAssignedIdentities": {reporting.resource_id.lower(): {}}})
    assert assigned(arm) == {"reporting"}
    removed = {"type": "UserAssigned", "userAssignedIdentities": {reporting.resource_id: None}}
    assert put_site(arm, removed, method="PATCH")["identity"] == {"type": "None"}
    assert assigned(arm) == set()


def test_the_app_is_started_once_more_for_each_change(arm: Arm) -> None:
    seen = []
    arm.azure.function_app.on_restart(lambda: seen.append(dict(arm.azure.function_app.settings)))
    put_site(arm, {"type": "SystemAssigned"})
    arm.ask("PUT", f"{arm.site}/config/appsettings", {"properties": {"A": "b"}})
    arm.ask("POST", f"{arm.site}/restart")
    assert seen == [{}, {"A": "b"}, {"A": "b"}]


def test_an_identity_is_assigned_by_who_may_assign_it(arm: Arm) -> None:
    arm.azure.identity("stranger").grant("Website Contributor", on=arm.site)
    reporting = arm.azure.identity("reporting").resource_id
    wanted = {"type": "UserAssigned", "userAssignedIdentities": {reporting: {}}}
    assert put_site(arm, wanted, by="stranger")["error"]["code"] == "LinkedAuthorizationFailed"
    assert assigned(arm) == set()
    arm.azure.identity("stranger").grant("Managed Identity Operator", on=reporting)
    assert "error" not in put_site(arm, wanted, by="stranger")
    assert assigned(arm) == {"reporting"}


@pytest.mark.parametrize(
    ("identity", "code"),
    [
        ({"type": "Everything"}, "BadRequest"),
        ({"type": "UserAssigned", "userAssignedIdentities": {"/subscriptions/x": {}}}, "ResourceNotFound"),
        ({"type": "UserAssigned", "userAssignedIdentities": ["x"]}, "InvalidRequestContent"),
    ],
)
def test_identities_that_cannot_be_assigned_change_nothing(arm: Arm, identity: dict[str, Any], code: str) -> None:
    put_site(arm, {"type": "SystemAssigned"})
    assert put_site(arm, identity)["error"]["code"] == code
    assert assigned(arm) == {"system"}


def test_another_function_app_is_kept_and_does_not_run(arm: Arm) -> None:
    other = arm.site.replace("/sites/keyless", "/sites/other")
    assert arm.ask("GET", other).json()["error"]["code"] == "ResourceNotFound"
    assert arm.ask("PATCH", other, {"tags": {}}).json()["error"]["code"] == "ResourceNotFound"
    identities = f"{arm.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
    wanted = {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {f"{identities}/reporting": {}}}
    settings = {"siteConfig": {"appSettings": [{"name": "A", "value": "1"}]}, "httpsOnly": True}
    body = {"location": "westeurope", "identity": wanted, "properties": settings, "tags": {"a": "b"}}
    made = arm.ask("PUT", other, body).json()
    assert (made["location"], made["tags"], made["identity"]["type"]) == ("West Europe", {"a": "b"}, wanted["type"])
    assert arm.ask("POST", f"{other}/config/appsettings/list").json()["properties"] == {"A": "1"}
    assert arm.ask("PUT", f"{other}/config/appsettings", {"properties": {"B": "2"}}).ok
    assert arm.ask("POST", f"{other}/config/appsettings/list").json()["properties"] == {"B": "2"}
    assert {each["name"] for each in arm.ask("GET", arm.site.rpartition("/")[0]).json()["value"]} == {
        "keyless",
        "other",
    }
    # The host of the app that runs has none of it.
    assert assigned(arm) == set()
    assert dict(arm.azure.function_app.settings) == {}
    found = arm.ask("GET", f"{other}/providers/Microsoft.ManagedIdentity/identities/default").json()
    assert found["properties"]["principalId"] == made["identity"]["principalId"]
    # An update changes what it names, and the system-assigned identity stays the same one.
    changed = arm.ask("PATCH", other, {"identity": {"type": "SystemAssigned"}}).json()
    assert changed["identity"] == {key: made["identity"][key] for key in ("tenantId", "principalId")} | {
        "type": "SystemAssigned"
    }
    assert "not served" in arm.ask("POST", f"{other}/host/default/listkeys").json()["error"]["message"]
    assert arm.ask("POST", f"{other}/restart").status_code == 200
    assert arm.ask("GET", f"{other}/config/web").json()["name"] == "other"
    assert arm.ask("DELETE", other).status_code == 200
    assert arm.ask("DELETE", other).status_code == 204
    assert "other" not in arm.azure.identities
    assert arm.ask("DELETE", arm.site).status_code == 405


def test_another_function_app_gets_no_identity_that_the_caller_may_not_assign(arm: Arm) -> None:
    other = arm.site.replace("/sites/keyless", "/sites/other")
    actions = ["Microsoft.Web/sites/*"]
    definition = f"{arm.subscription}/providers/Microsoft.Authorization/roleDefinitions/{uuid.uuid4()}"
    properties = {
        "roleName": "Sites",
        "assignableScopes": ["/"],
        "permissions": [{"actions": actions}],
        "type": "CustomRole",
    }
    assert arm.ask("PUT", definition, {"properties": properties}).ok
    arm.azure.identity("stranger").grant("Sites", on=arm.group)
    named: dict[str, Any] = {f"{arm.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reporting": {}}
    body = {"location": "westus2", "identity": {"type": "UserAssigned", "userAssignedIdentities": named}}
    refused = arm.ask("PUT", other, body, by="stranger").json()["error"]
    assert (refused["code"], "/sites/other'" in refused["message"]) == ("LinkedAuthorizationFailed", True)
    assert arm.ask("GET", other).status_code == 404


def test_the_system_assigned_identity_is_found_by_its_resource(arm: Arm) -> None:
    path = f"{arm.site}/providers/Microsoft.ManagedIdentity/identities/default"
    assert arm.ask("GET", path).status_code == 404
    put_site(arm, {"type": "SystemAssigned"})
    assert arm.ask("GET", path).json()["properties"]["clientId"] == arm.azure.identity("system").client_id


def test_settings_need_more_than_a_reader(arm: Arm) -> None:
    arm.ask("PUT", f"{arm.site}/config/appsettings", {"properties": {"PASSWORD": "canary"}})
    arm.azure.identity("stranger").grant("Reader", on=arm.subscription)
    assert "canary" not in arm.ask("GET", arm.site, by="stranger").text
    assert arm.ask("POST", f"{arm.site}/config/appsettings/list", by="stranger").status_code == 403
    assert arm.ask("POST", f"{arm.site}/host/default/listkeys", by="stranger").status_code == 403
    assert arm.ask("POST", f"{arm.site}/config/appsettings/list").json()["properties"] == {"PASSWORD": "canary"}
    refused = arm.ask("PUT", f"{arm.site}/config/appsettings", {"properties": {"A": 1}})
    assert refused.json()["error"]["code"] == "BadRequest"


def test_a_federated_credential_must_be_whole(arm: Arm) -> None:
    path = f"{identity_path(arm, 'reporting')}/federatedIdentityCredentials/pods"
    assert arm.ask("PUT", path, {"properties": {"issuer": "https://x/"}}).json()["error"]["code"] == "BadRequest"
    assert arm.ask("GET", path).json()["error"]["code"] == "NotFound"
    whole = {"issuer": "https://x/", "subject": "s", "audiences": ["api://AzureADTokenExchange"]}
    assert arm.ask("PUT", path, {"properties": whole}).status_code == 201
    assert arm.ask("PUT", path, {"properties": whole}).status_code == 200
    assert arm.ask("DELETE", path).status_code == 200
    assert arm.ask("DELETE", path).status_code == 204
