"""A managed identity of the local Azure; ``local/identity/`` is how the wire hands out its tokens."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from keyless.local.access import RoleAssignment
    from keyless.local.config import IdentityConfig
    from keyless.local.key_vault import Vault
    from keyless.local.model import Azure

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "keyless")


def derived_guid(*parts: str) -> str:
    """Return a GUID that is always the same for the same words, so that ids do not change from start to start."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts).lower()))


class Identity:
    """One managed identity.

    Attributes:
        name: Its name.
        kind: ``system`` for the host's system-assigned identity, ``user`` for a user-assigned one.
        client_id: Its client id (``appid``).
        object_id: Its object id (``oid``), also called principal id.
        resource_id: Its ARM id; for the system-assigned identity that of the host.
    """

    def __init__(self, azure: Azure, config: IdentityConfig, *, group_id: str) -> None:
        user_assigned = f"Microsoft.ManagedIdentity/userAssignedIdentities/{config.name}"
        provider = "Microsoft.Web/sites/keyless" if config.kind == "system" else user_assigned
        self.name = config.name
        self.kind: Literal["system", "user"] = config.kind
        self.client_id = config.client_id or derived_guid("client", config.name)
        self.object_id = config.object_id or derived_guid("object", config.name)
        self.resource_id = config.resource_id or f"{group_id}/providers/{provider}"
        self._azure = azure
        self._assigned = config.assigned

    def __repr__(self) -> str:
        return f"Identity({self.name!r}, client_id={self.client_id!r}, assigned={self._assigned})"

    @property
    def assigned(self) -> bool:
        """Whether the host has this identity."""
        return self._assigned

    def assign(self) -> None:
        """Give this identity to the host; for the system-assigned identity: switch it on."""
        self._assigned = True

    def unassign(self) -> None:
        """Take this identity from the host; for the system-assigned identity: switch it off. Its roles stay."""
        self._assigned = False

    def grant(self, role: str, *, on: Vault | str) -> RoleAssignment:
        """Give this identity a role.

        Args:
            role: The role's name or GUID.
            on: A vault, its name, or ``VAULT/SECRET`` for one secret.

        Returns:
            The assignment; the one there was if the identity had the role already.

        Raises:
            LocalAzureError: If there is no such role or vault.
        """
        return self._azure.grant(self, role, self._azure.scope(on))

    def revoke(self, role: str, *, on: Vault | str) -> None:
        """Take a role from this identity.

        Raises:
            LocalAzureError: If there is no such role or vault, or the identity does not have the role there.
        """
        self._azure.revoke(self, role, self._azure.scope(on))
