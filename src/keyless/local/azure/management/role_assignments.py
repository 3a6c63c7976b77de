"""The role assignments: those of the management plane are those that the vaults go by."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local.azure.authorization.conditions.condition import VERSION, Condition
from keyless.local.azure.authorization.resource_scope import ResourceScope
from keyless.local.azure.authorization.roles import Role, RoleAssignment
from keyless.local.azure.identities.directory import Group
from keyless.local.azure.management import bodies
from keyless.local.azure.management.groups import get_group, group_name
from keyless.local.azure.management.refusals import (
    ArmError,
    bad_request,
    invalid_content,
    no_resource,
    no_subscription,
)
from keyless.local.azure.management.role_definitions import definition_id, find_definition

if TYPE_CHECKING:
    from collections.abc import Collection

    from keyless.local.azure.authorization.resource_scope import HasArmId
    from keyless.local.azure.authorization.roles import AnyScope
    from keyless.local.azure.azure import Azure
    from keyless.local.azure.management.bodies import Body

TYPE: Final = "Microsoft.Authorization/roleAssignments"
_SINCE: Final = "2020-01-01T00:00:00Z"


def list_assignments(azure: Azure, scope: HasArmId, *, below: bool, of: Collection[str] | None = None) -> list[Body]:
    """Return the assignments that hold at a scope: those made there and above.

    Args:
        azure: The local Azure.
        scope: The scope.
        below: Whether those made below it count, too.
        of: Whose, by object ids; None means everybody's.
    """
    everyone = azure.role_assignments.all()
    held = everyone if of is None else (each for one in of for each in azure.role_assignments.held_by(one))
    return [shown(azure, each) for each in held if is_at(scope, each.scope) or (below and is_at(each.scope, scope))]


def is_at(scope: HasArmId, other: HasArmId) -> bool:
    """Return whether a scope is another one, or below it."""
    return scope.arm_id == other.arm_id or scope.arm_id.startswith(f"{other.arm_id}/")


def get_assignment(azure: Azure, guid: str) -> Body:
    """Return an assignment.

    Raises:
        ArmError: If there is none.
    """
    found = azure.role_assignments.find(guid)
    if found is None:
        raise ArmError(404, "RoleAssignmentNotFound", f"The role assignment '{guid}' is not found.")
    return shown(azure, found)


def put_assignment(azure: Azure, scope_id: str, guid: str, body: Body, *, by: str) -> tuple[bool, Body]:
    """Make an assignment, or change its condition and description; return whether it was made.

    Args:
        azure: The local Azure.
        scope_id: The ARM id of the scope, as the client spells it.
        guid: The assignment's name, which the client chooses.
        body: What it is to be.
        by: The object id of the caller.

    Raises:
        ArmError: If it cannot be so, or the same role is assigned there already.
    """
    _expect_guid(guid)
    given = bodies.table(body, "properties") or body
    principal = (bodies.text(given, "principalId") or "").lower()
    role = _role(azure, bodies.text(given, "roleDefinitionId") or "")
    if not principal:
        raise invalid_content("The principalId is missing.")
    kind = bodies.text(given, "principalType")
    known = azure.directory.principal_of(principal)
    if kind is None and known is None:
        raise _no_principal(azure, principal)
    condition = bodies.text(given, "condition")
    scope, before = scope_of(azure, scope_id), azure.role_assignments.find(guid)
    _expect_free(azure, guid, principal, role_id=role.id, scope=scope)
    if before is not None and (before.object_id, before.role.id, before.scope) != (principal, role.id, scope):
        message = "Tenant ID, application ID, principal ID, and scope are not allowed to be updated."
        raise ArmError(400, "RoleAssignmentUpdateNotPermitted", message)
    now = bodies.moment(azure.clock.now())
    made = (azure.documents.get(_id(scope_id, guid)) or {}) if before else {}
    kept: Body = {
        "scope": scope_id,
        "principalId": principal,
        "principalType": kind or made.get("principalType", "Group" if isinstance(known, Group) else "ServicePrincipal"),
        "roleDefinitionId": role.id,
        "condition": condition,
        "conditionVersion": (bodies.text(given, "conditionVersion") or VERSION) if condition else None,
        "description": bodies.text(given, "description"),
        "createdOn": made.get("createdOn", now),
        "createdBy": made.get("createdBy", by),
        "updatedOn": now,
        "updatedBy": by,
    }
    _apply(azure, guid, kept)
    azure.documents.put(_id(scope_id, guid), kept)
    return before is None, get_assignment(azure, guid)


def delete_assignment(azure: Azure, guid: str) -> Body | None:
    """Take an assignment away, and return it; None where there is none."""
    found = azure.role_assignments.find(guid)
    if found is None:
        return None
    gone = shown(azure, found)
    forget(azure, found)
    return gone


def forget(azure: Azure, found: RoleAssignment) -> None:
    """Take an assignment away for good."""
    azure.documents.put(_id(_spelled(azure, found.scope), found.id), None)
    azure.role_assignments.remove(found.id)


def restore(azure: Azure, resource_id: str, kept: Body | None) -> None:
    """Have an assignment as it was kept; None means that it was taken away."""
    guid = resource_id.rpartition("/")[2]
    if kept is None:
        azure.role_assignments.remove(guid)
    else:
        _apply(azure, guid, kept)


def shown(azure: Azure, found: RoleAssignment) -> Body:
    """Return an assignment as the management plane shows it."""
    scope = _spelled(azure, found.scope)
    kept = azure.documents.get(_id(scope, found.id)) or {}
    scope = kept.get("scope", scope)
    return {
        "id": _id(scope, found.id),
        "name": found.id,
        "type": TYPE,
        "properties": {
            "roleDefinitionId": definition_id(azure, found.role),
            "principalId": found.object_id,
            "principalType": kept.get("principalType") or _kind(azure, found.object_id),
            "scope": scope or "/",
            "condition": found.condition.text if found.condition else None,
            "conditionVersion": kept.get("conditionVersion") or (VERSION if found.condition else None),
            "description": kept.get("description"),
            "createdOn": kept.get("createdOn", _SINCE),
            "updatedOn": kept.get("updatedOn", _SINCE),
            "createdBy": kept.get("createdBy", ""),
            "updatedBy": kept.get("updatedBy", ""),
            "delegatedManagedIdentityResourceId": None,
        },
    }


def _kind(azure: Azure, object_id: str) -> str:
    return "Group" if isinstance(azure.directory.principal_of(object_id), Group) else "ServicePrincipal"


def _id(scope_id: str, guid: str) -> str:
    return f"{scope_id.rstrip('/')}/providers/{TYPE}/{guid}"


def _spelled(azure: Azure, scope: AnyScope) -> str:
    """Return the ARM id of a scope, with a vault's name in its own case."""
    if isinstance(scope, ResourceScope):
        return scope.arm_id
    vault = azure.vault_register.find(scope.vault)
    vault_id = vault.resource_id if vault else scope.arm_id
    return f"{vault_id}/{scope.kind}s/{scope.name}" if scope.name else vault_id


def scope_of(azure: Azure, scope_id: str) -> AnyScope:
    """Return the scope that an ARM id means.

    Raises:
        ArmError: If its subscription, its resource group or its vault does not exist.
    """
    parts = scope_id.strip("/").split("/")
    if parts[0].lower() == "subscriptions" and parts[1:2] != [azure.subscription_id]:
        raise no_subscription("".join(parts[1:2]))
    group = group_name(scope_id)
    if group:
        get_group(azure, group)
    try:
        scope = azure.any_scope(scope_id or "/")
    except (ConfigurationError, LocalAzureError):
        raise no_resource("/".join(parts[5:8]), group) from None
    if not isinstance(scope, ResourceScope) and group_name(scope.within).lower() != group.lower():
        raise no_resource("/".join(parts[5:8]), group)
    return scope


def _apply(azure: Azure, guid: str, kept: Body) -> None:
    try:
        condition = None if kept["condition"] is None else Condition.read(kept["condition"])
    except ConfigurationError as error:
        raise bad_request(f"{error.what} {error.cause}") from None
    scope, role = scope_of(azure, kept["scope"]), find_definition(azure, kept["roleDefinitionId"])
    azure.role_assignments.put(RoleAssignment(guid.lower(), kept["principalId"], role, scope, condition=condition))


def _role(azure: Azure, named: str) -> Role:
    guid = named.rpartition("/")[2]
    if "/microsoft.authorization/roledefinitions/" not in named.lower():
        raise ArmError(400, "InvalidRoleDefinitionId", f"The role definition ID '{named}' is not valid.")
    try:
        return find_definition(azure, guid)
    except ArmError as error:
        raise ArmError(400, error.code, error.message) from None


def _expect_guid(guid: str) -> None:
    try:
        uuid.UUID(guid)
    except ValueError:
        raise bad_request(
            f"The role assignment ID '{guid}' is not valid. The role assignment ID must be a GUID."
        ) from None


def _expect_free(azure: Azure, guid: str, principal: str, *, role_id: str, scope: AnyScope) -> None:
    for held in azure.role_assignments.held_by(principal):
        if held.role.id == role_id and held.scope == scope and held.id != guid.lower():
            conflicting = held.id.replace("-", "")
            message = f"The role assignment already exists. The ID of the conflicting role assignment is {conflicting}."
            raise ArmError(409, "RoleAssignmentExists", message)


def _no_principal(azure: Azure, principal: str) -> ArmError:
    return ArmError(
        400,
        "PrincipalNotFound",
        f"Principal {principal.replace('-', '')} does not exist in the directory {azure.tenant_id}. Check that you have the "
        "correct principal ID. If you are creating this principal and then immediately assigning a role, this error might be "
        "related to a replication delay. In this case, set the role assignment principalType property to a value, such as "
        "ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
    )
