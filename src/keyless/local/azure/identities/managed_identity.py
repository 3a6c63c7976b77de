"""A managed identity of the local Azure; ``local/identity/`` is how the wire hands out its tokens."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from keyless.errors import LocalAzureError
from keyless.local.azure.identities.principal import Principal
from keyless.local.azure.names import taken

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.azure.authorization.role_assignments import RoleAssignments
    from keyless.local.azure.authorization.roles import AnyScope, HasScope

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "keyless")


@lru_cache(maxsize=1024)  # The same few are wanted at each reset.
def derived_guid(*parts: str) -> str:
    """Return a GUID that is always the same for the same words, so that ids do not change from start to start."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts).lower()))


class Identity(Principal):
    """One managed identity.

    Attributes:
        name: Its name.
        kind: ``system`` for the host's system-assigned identity, ``user`` for a user-assigned one.
        client_id: Its client id (``appid``).
        object_id: Its object id (``oid``), also called principal id.
        resource_id: Its ARM id; for the system-assigned identity that of the host.
    """

    def __init__(
        self,
        name: str,
        *,
        kind: Literal["system", "user"],
        client_id: str | None,
        object_id: str | None,
        resource_id: str | None,
        assigned: bool,
        group_id: str,
        role_assignments: RoleAssignments,
        scope: Callable[[HasScope | str], AnyScope],
    ) -> None:
        user_assigned = f"Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
        provider = "Microsoft.Web/sites/keyless" if kind == "system" else user_assigned
        super().__init__(
            name,
            object_id=object_id or derived_guid("object", name),
            role_assignments=role_assignments,
            scope=scope,
        )
        self.kind: Literal["system", "user"] = kind
        self.client_id = client_id or derived_guid("client", name)
        self.resource_id = resource_id or f"{group_id}/providers/{provider}"
        self._assigned = assigned

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


def refuse_same_ids(identity: Identity, other: Identity) -> None:
    """Refuse a name or an id that another identity has.

    Raises:
        LocalAzureError: If it has one.
    """
    if identity.name == other.name:
        raise taken("identity", identity.name)
    for field in ("client_id", "object_id", "resource_id"):
        value: str = getattr(identity, field)
        if value.lower() == getattr(other, field).lower():
            raise LocalAzureError(
                f"The identity {identity.name!r} cannot have the {field} {value}.",
                cause=f"The identity {other.name!r} has it.",
                remedy="Give each identity ids of its own, or none.",
            )
