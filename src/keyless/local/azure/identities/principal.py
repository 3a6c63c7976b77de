"""Whom a role can be given to: what identities, applications and groups have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.azure.authorization.conditions.condition import Condition

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.azure.authorization.role_assignments import RoleAssignments
    from keyless.local.azure.authorization.roles import AnyScope, HasScope, RoleAssignment


class Principal:
    """Someone who can have roles.

    Attributes:
        name: Its name.
        object_id: Its object id (``oid``), also called principal id.

    Args:
        name: Its name.
        object_id: Its object id.
        role_assignments: Where its roles are kept.
        scope: Finds the scope that a vault or a text means.
    """

    def __init__(
        self,
        name: str,
        *,
        object_id: str,
        role_assignments: RoleAssignments,
        scope: Callable[[HasScope | str], AnyScope],
    ) -> None:
        self.name = name
        self.object_id = object_id
        self._role_assignments = role_assignments
        self._scope = scope

    def grant(self, role: str, *, on: HasScope | str, condition: str | None = None) -> RoleAssignment:
        """Give it a role.

        Args:
            role: The role's name or GUID.
            on: A vault, its name, or ``VAULT/SECRET`` for one secret.
            condition: What a call must fulfil, in the language of Azure's role assignment conditions; None means nothing.

        Returns:
            The assignment; the one there was if it had the role already.

        Raises:
            ConfigurationError: If the condition cannot be read.
            LocalAzureError: If there is no such role or vault, or it has the role with another condition.
        """
        read = None if condition is None else Condition.read(condition)
        return self._role_assignments.grant(self.object_id, role, self._scope(on), condition=read)

    def revoke(self, role: str, *, on: HasScope | str) -> None:
        """Take a role away.

        Raises:
            LocalAzureError: If there is no such role or vault, or it does not have the role there.
        """
        self._role_assignments.revoke(self.object_id, self.name, role, self._scope(on))
