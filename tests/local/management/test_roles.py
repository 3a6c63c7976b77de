"""Roles and who has them: what the management plane is told is what a vault goes by at the next request."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import requests
    from tests.local.management.conftest import Arm

USER = "Key Vault Secrets User"


def assign(
    arm: Arm, scope: str, role: str = USER, *, to: str = "reporting", guid: str | None = None, **more: Any
) -> requests.Response:
    path = f"{scope.rstrip('/')}/providers/Microsoft.Authorization/roleAssignments/{guid or uuid.uuid4()}"
    properties = {
        "roleDefinitionId": arm.role(role),
        "principalId": arm.azure.identity(to).object_id,
        "principalType": "ServicePrincipal",
        **more,
    }
    return arm.ask("PUT", path, {"properties": properties})


def held(arm: Arm, scope: str, filtered: str | None = None) -> list[str]:
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments"
    found = arm.ask("GET", path, filtered=filtered).json()["value"]
    roles = arm.ask("GET", f"{scope}/providers/Microsoft.Authorization/roleDefinitions", version="2022-04-01").json()[
        "value"
    ]
    names = {each["id"]: each["properties"]["roleName"] for each in roles}
    return sorted(names[each["properties"]["roleDefinitionId"]] for each in found)


@pytest.mark.parametrize("scope", ["/", "{subscription}", "{group}", "{vault}", "{vault}/secrets/db-password"])
def test_a_role_holds_below_where_it_is_assigned(arm: Arm, scope: str) -> None:
    assert arm.secret() == 403
    at = scope.format(subscription=arm.subscription, group=arm.group, vault=arm.vault)
    made = assign(arm, at)
    assert made.status_code == 201, made.text
    assert arm.secret() == 200
    assert arm.ask("DELETE", made.json()["id"]).status_code == 200
    assert arm.secret() == 403


@pytest.mark.parametrize("scope", ["{group}", "{vault}"])
def test_a_role_does_not_hold_beside_where_it_is_assigned(arm: Arm, scope: str) -> None:
    arm.ask("PUT", f"{arm.subscription}/resourceGroups/rg1", {"location": "westus2"})
    where = f"{arm.subscription}/resourceGroups/rg1/providers/Microsoft.KeyVault/vaults/other-kv"
    properties = {"tenantId": arm.azure.tenant_id, "sku": {"family": "A", "name": "standard"}}
    assert arm.ask("PUT", where, {"location": "westus2", "properties": properties}).status_code == 200
    arm.azure.vault("other-kv").set_secret("db-password", "s3cr3t")
    assert assign(arm, scope.format(group=arm.group, vault=arm.vault)).status_code == 201
    assert (arm.secret(), arm.secret(vault="other-kv")) == (200, 403)


@pytest.mark.parametrize("role", ["Owner", "Contributor", "Reader", "User Access Administrator"])
def test_a_role_of_the_management_plane_opens_no_vault(arm: Arm, role: str) -> None:
    assert assign(arm, arm.subscription, role).status_code == 201
    assert arm.secret() == 403
    assert arm.ask("GET", arm.vault, by="reporting").status_code == 200


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("Owner", {"assign", "change", "read"}),
        ("Contributor", {"change", "read"}),
        ("Reader", {"read"}),
        ("User Access Administrator", {"assign", "read"}),
        ("Role Based Access Control Administrator", {"assign", "read"}),
        ("Key Vault Contributor", {"change", "read"}),
        (USER, set()),
    ],
)
def test_what_each_role_may_do_in_the_management_plane(arm: Arm, role: str, may: set[str]) -> None:
    arm.azure.identity("stranger").grant(role, on=arm.vault)
    path = f"{arm.vault}/providers/Microsoft.Authorization/roleAssignments/{uuid.uuid4()}"
    wanted = {"roleDefinitionId": arm.role(USER), "principalId": arm.azure.identity("reporting").object_id}
    answers = {
        "assign": arm.ask("PUT", path, {"properties": wanted}, by="stranger"),
        "change": arm.ask("PATCH", arm.vault, {"tags": {"a": "b"}}, by="stranger"),
        "read": arm.ask("GET", arm.vault, by="stranger"),
    }
    assert {name for name, answer in answers.items() if answer.ok} == may
    assert {answer.status_code for answer in answers.values() if not answer.ok} <= {403}


def test_a_refusal_names_caller_action_and_scope(arm: Arm) -> None:
    answer = arm.ask("GET", arm.vault, by="stranger")
    stranger = arm.azure.identity("stranger")
    assert answer.status_code == 403
    assert answer.json()["error"] == {
        "code": "AuthorizationFailed",
        "message": f"The client '{stranger.client_id}' with object id '{stranger.object_id}' does not have authorization to "
        f"perform action 'Microsoft.KeyVault/vaults/read' over scope '{arm.vault}' or the scope is invalid. If access was "
        "recently granted, please refresh your credentials.",
    }


def test_lists_show_what_is_inherited_and_what_is_below(arm: Arm) -> None:
    assign(arm, arm.subscription, "Reader")
    assign(arm, arm.vault, USER)
    assign(arm, f"{arm.vault}/secrets/db-password", "Key Vault Secrets Officer")
    assert held(arm, arm.vault, "atScope()") == [USER, "Owner", "Reader"]
    assert held(arm, arm.vault) == ["Key Vault Secrets Officer", USER, "Owner", "Reader"]
    assert held(arm, arm.subscription, "atScope()") == ["Owner", "Reader"]
    reporting = arm.azure.identity("reporting").object_id
    assert held(arm, arm.subscription, f"principalId eq '{reporting}'") == ["Key Vault Secrets Officer", USER, "Reader"]
    assert held(arm, arm.vault, f"atScope() and assignedTo('{reporting}')") == [USER, "Reader"]


def test_the_same_role_is_assigned_once(arm: Arm) -> None:
    guid = str(uuid.uuid4())
    assert assign(arm, arm.vault, guid=guid).status_code == 201
    assert assign(arm, arm.vault, guid=guid).status_code == 200
    again = assign(arm, arm.vault)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "RoleAssignmentExists")
    assert guid.replace("-", "") in again.json()["error"]["message"]
    other = assign(arm, arm.vault, "Reader", guid=guid)
    assert (other.status_code, other.json()["error"]["code"]) == (400, "RoleAssignmentUpdateNotPermitted")


def test_what_cannot_be_assigned_is_named(arm: Arm) -> None:
    unknown = str(uuid.uuid4())
    answer = assign(arm, arm.vault, principalId=unknown, principalType=None)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "PrincipalNotFound")
    assert assign(arm, arm.vault, principalId=unknown).status_code == 201  # Its type says that it is to come.
    role = arm.role(USER).rpartition("/")[0] + f"/{unknown}"
    answer = assign(arm, arm.vault, roleDefinitionId=role)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "RoleDefinitionDoesNotExist")
    answer = assign(arm, arm.vault.replace("contoso-kv", "none-kv"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ResourceNotFound")
    answer = assign(arm, arm.vault, condition="no condition")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    path = f"{arm.vault}/providers/Microsoft.Authorization/roleAssignments/{unknown}"
    assert arm.ask("GET", path).json()["error"]["code"] == "RoleAssignmentNotFound"
    assert arm.ask("DELETE", path).status_code == 204


def test_a_condition_of_an_assignment_is_felt(arm: Arm) -> None:
    condition = "@Resource[Microsoft.KeyVault/vaults/secrets:name] StringEquals 'db-password'"
    arm.azure.vault("contoso-kv").set_secret("api-key", "k")
    made = assign(arm, arm.vault, condition=condition, conditionVersion="2.0", description="for one secret")
    assert made.json()["properties"]["condition"] == condition
    assert made.json()["properties"]["description"] == "for one secret"
    assert (arm.secret(), arm.secret(name="api-key")) == (200, 403)


def test_a_new_role_is_felt_after_the_propagation_delay(arm: Arm) -> None:
    arm.azure.role_assignments.propagation_seconds = 300
    made = assign(arm, arm.vault)
    assert arm.secret() == 403
    arm.azure.clock.advance(seconds=301)
    assert arm.secret() == 200
    arm.ask("DELETE", made.json()["id"])
    assert arm.secret() == 200
    arm.azure.clock.advance(seconds=301)
    assert arm.secret() == 403


def test_what_was_granted_in_python_is_shown_and_taken_away(arm: Arm) -> None:
    arm.azure.identity("reporting").grant(USER, on="contoso-kv/db-password")
    path = f"{arm.vault}/secrets/db-password/providers/Microsoft.Authorization/roleAssignments"
    (found,) = (
        each
        for each in arm.ask("GET", path, filtered="atScope()").json()["value"]
        if each["properties"]["roleDefinitionId"] == arm.role(USER)
    )
    assert found["properties"]["scope"] == f"{arm.vault}/secrets/db-password"
    assert arm.ask("DELETE", found["id"]).status_code == 200
    assert arm.secret() == 403


def test_roles_are_found_by_name_and_by_type(arm: Arm) -> None:
    path = f"{arm.vault}/providers/Microsoft.Authorization/roleDefinitions"
    found = arm.ask("GET", path, filtered=f"roleName eq '{USER}'", version="2022-05-01-preview").json()["value"]
    assert [(each["name"], each["id"]) for each in found] == [(arm.role(USER).rpartition("/")[2], arm.role(USER))]
    assert found[0]["properties"]["permissions"][0]["actions"] == []
    assert arm.ask("GET", path, filtered="roleName eq 'No Such Role'").json() == {"value": []}
    assert arm.ask("GET", path, filtered="type eq 'CustomRole'").json() == {"value": []}


def test_a_custom_role_is_made_felt_and_deleted(arm: Arm) -> None:
    guid = str(uuid.uuid4())
    path = f"{arm.subscription}/providers/Microsoft.Authorization/roleDefinitions/{guid}"

    def wanted(*actions: str) -> dict[str, Any]:
        permissions = [{"actions": [], "notActions": [], "dataActions": list(actions), "notDataActions": []}]
        properties = {"roleName": "Value Reader", "permissions": permissions, "assignableScopes": [arm.subscription]}
        return {"properties": properties}

    assert arm.ask("PUT", path, wanted("Microsoft.KeyVault/vaults/secrets/getSecret/action")).status_code == 201
    made = assign(arm, arm.vault, "Value Reader")
    assert arm.secret() == 200
    arm.ask("PUT", path, wanted("Microsoft.KeyVault/vaults/secrets/readMetadata/action"))
    assert arm.secret() == 403
    assert arm.ask("DELETE", path).json()["error"]["code"] == "RoleDefinitionHasAssignments"
    arm.ask("DELETE", made.json()["id"])
    assert arm.ask("DELETE", path).status_code == 200
    assert arm.ask("GET", path).status_code == 404
    twin = arm.ask("PUT", path, {"properties": {"roleName": "Owner", "permissions": []}})
    assert twin.json()["error"]["code"] == "RoleDefinitionWithSameNameExists"


def test_callers_see_their_own_permissions(arm: Arm) -> None:
    found = arm.ask("GET", f"{arm.group}/providers/Microsoft.Authorization/permissions").json()["value"]
    assert [each["actions"] for each in found] == [["*"]]


def test_ten_thousand_role_assignments_are_all_listed(arm: Arm) -> None:
    vault = arm.azure.vault("contoso-kv")
    before = len(held(arm, arm.vault))
    for number in range(10_000):
        arm.azure.role_assignments.grant(str(uuid.UUID(int=number)), USER, vault.scope)
    assert len(held(arm, arm.vault)) == before + 10_000
