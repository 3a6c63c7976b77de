"""The roles: Azure's own and those that the subscription has made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.authorization.roles import Role
from keyless.local.azure.management import bodies
from keyless.local.azure.management.refusals import ArmError, invalid_content

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.azure.management.bodies import Body

TYPE: Final = "Microsoft.Authorization/roleDefinitions"
_SINCE: Final = "2020-01-01T00:00:00Z"


def definition_id(azure: Azure, role: Role) -> str:
    """Return the ARM id of a role, as role assignments name it."""
    return f"/subscriptions/{azure.subscription_id}/providers/{TYPE}/{role.id}"


def kept_id(guid: str) -> str:
    """Return under what a custom role is kept."""
    return f"/providers/{TYPE}/{guid}"


def list_definitions(azure: Azure, *, subscription: bool) -> list[Body]:
    """Return every role.

    Args:
        azure: The local Azure.
        subscription: Whether they were asked for below the subscription, which shows in their ids.
    """
    return [shown(azure, role, subscription=subscription) for role in azure.role_assignments.roles]


def find_definition(azure: Azure, guid: str) -> Role:
    """Return a role by its GUID.

    Raises:
        ArmError: If there is none.
    """
    found = next((role for role in azure.role_assignments.roles if role.id == guid.lower()), None)
    if found is None:
        message = f"The specified role definition with ID '{guid}' does not exist."
        raise ArmError(404, "RoleDefinitionDoesNotExist", message)
    return found


def put_definition(azure: Azure, guid: str, body: Body) -> Body:
    """Make a custom role, or change one: it takes effect at the next request.

    Raises:
        ArmError: If it is one of Azure's own, or another one has the name.
    """
    properties = bodies.table(body, "properties")
    name = bodies.text(properties, "roleName")
    permissions = properties.get("permissions") or []
    if not name or not isinstance(permissions, list) or not all(isinstance(each, dict) for each in permissions):
        raise invalid_content("A role definition has a roleName and permissions.")
    for role in azure.role_assignments.roles:
        if role.id == guid.lower() and not azure.role_assignments.is_custom(role):
            raise ArmError(400, "InvalidRoleDefinitionId", "A built-in role cannot be changed.")
        if role.name.lower() == name.lower() and role.id != guid.lower():
            message = "A custom role with the same name already exists in this directory. Use a different name."
            raise ArmError(409, "RoleDefinitionWithSameNameExists", message)
    kept = {
        "name": name,
        "description": bodies.text(properties, "description") or "",
        "assignableScopes": bodies.texts(properties, "assignableScopes"),
        **{
            key: [action for each in permissions for action in bodies.texts(each, key)]
            for key in ("actions", "notActions", "dataActions", "notDataActions")
        },
    }
    restore(azure, kept_id(guid), kept)
    azure.documents.put(kept_id(guid), kept)
    return shown(azure, find_definition(azure, guid), subscription=True)


def delete_definition(azure: Azure, guid: str) -> Body | None:
    """Delete a custom role, and return it; None where there is none.

    Raises:
        ArmError: If it is one of Azure's own, or someone has it.
    """
    role = next((role for role in azure.role_assignments.roles if role.id == guid.lower()), None)
    if role is None:
        return None
    if not azure.role_assignments.is_custom(role):
        raise ArmError(400, "InvalidRoleDefinitionId", "A built-in role cannot be deleted.")
    if any(held.role.id == role.id for held in azure.role_assignments.all()):
        message = "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments)."
        raise ArmError(400, "RoleDefinitionHasAssignments", message)
    gone = shown(azure, role, subscription=True)
    azure.role_assignments.remove_role(role)
    azure.documents.put(kept_id(guid), None)
    return gone


def restore(azure: Azure, resource_id: str, kept: Body | None) -> None:
    """Have a custom role as it was kept; None means that it was deleted."""
    guid = resource_id.rpartition("/")[2].lower()
    if kept is None:
        for role in azure.role_assignments.roles:
            if role.id == guid:
                azure.role_assignments.remove_role(role)
        return
    azure.role_assignments.put_role(
        Role(
            kept["name"],
            guid,
            tuple(kept["dataActions"]),
            tuple(kept["actions"]),
            tuple(kept["notActions"]),
            tuple(kept["notDataActions"]),
        )
    )


def shown(azure: Azure, role: Role, *, subscription: bool) -> Body:
    """Return a role as the management plane shows it."""
    kept = azure.documents.get(kept_id(role.id)) or {}
    is_custom = azure.role_assignments.is_custom(role)
    own_scope = [f"/subscriptions/{azure.subscription_id}"] if is_custom else ["/"]
    permissions: dict[str, Any] = {
        "actions": list(role.actions),
        "notActions": list(role.not_actions),
        "dataActions": list(role.data_actions),
        "notDataActions": list(role.not_data_actions),
    }
    return {
        "id": definition_id(azure, role) if subscription else f"/providers/{TYPE}/{role.id}",
        "name": role.id,
        "type": TYPE,
        "properties": {
            "roleName": role.name,
            "type": "CustomRole" if is_custom else "BuiltInRole",
            "description": kept.get("description", ""),
            "assignableScopes": kept.get("assignableScopes") or own_scope,
            "permissions": [permissions],
            "createdOn": _SINCE,
            "updatedOn": _SINCE,
            "createdBy": None,
            "updatedBy": None,
        },
    }
