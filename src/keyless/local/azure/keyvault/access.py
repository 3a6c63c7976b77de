"""The decision whether somebody may do something in a vault, by its access policies or by roles."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from keyless.local.azure.keyvault.policies import decide_by_policy

if TYPE_CHECKING:
    from keyless.local.azure.authorization.conditions.expressions import Facts
    from keyless.local.azure.authorization.role_assignments import RoleAssignments
    from keyless.local.azure.authorization.roles import Decision, Scope
    from keyless.local.azure.identities.directory import Directory
    from keyless.local.azure.keyvault.vault import Vault
    from keyless.local.operations import Operation


def decide(
    vault: Vault,
    *,
    object_id: str,
    operation: Operation,
    scope: Scope,
    facts: Facts,
    directory: Directory,
    role_assignments: RoleAssignments,
) -> Decision:
    """Decide whether the bearer of an object id may do something with a vault or an object in it.

    Args:
        vault: The vault; its settings name what decides.
        object_id: The object id of the identity that asks.
        operation: The operation; its permission counts where the vault goes by access policies.
        scope: The vault, or the object in it that the action is about.
        facts: The data action and what conditions can ask, which count where the vault goes by roles.
        directory: The names and the groups of object ids.
        role_assignments: The roles.
    """
    known = directory.principal_of(object_id)
    identity = known.name if known else object_id
    if vault.settings.access == "policies":
        return decide_by_policy(
            vault.policies,
            object_ids=(object_id, *directory.groups_of(object_id)),
            identity=identity,
            kind=operation.kind,
            permission=operation.permission,
            vault=vault.name,
        )
    scope = replace(scope, within=vault.group_id.lower())
    by_roles = partial(role_assignments.decide, object_id=object_id, identity=identity, scope=scope)
    decision = by_roles(facts=facts)
    if decision.allowed or operation.enough is None:
        return decision
    by_another = by_roles(facts=replace(facts, action=operation.enough))
    return by_another if by_another.allowed else decision
