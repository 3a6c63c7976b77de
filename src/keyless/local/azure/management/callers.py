"""What someone may do in the management plane: by one's own roles, and by those of one's groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyless.local.azure.authorization.resource_scope import HasArmId
    from keyless.local.azure.authorization.roles import RoleAssignment
    from keyless.local.azure.azure import Azure


def holders(azure: Azure, object_id: str) -> tuple[str, ...]:
    """Return the object ids whose roles count for someone: one's own, and those of one's groups."""
    return (object_id, *azure.directory.groups_of(object_id))


def held_by(azure: Azure, object_id: str) -> list[RoleAssignment]:
    """Return what someone has been given, also by a group."""
    return [each for holder in holders(azure, object_id) for each in azure.role_assignments.held_by(holder)]


def may(azure: Azure, object_id: str, action: str, on: HasArmId) -> bool:
    """Say whether someone may do something on a resource now."""
    return any(azure.role_assignments.allows_management(each, action, on) for each in holders(azure, object_id))
