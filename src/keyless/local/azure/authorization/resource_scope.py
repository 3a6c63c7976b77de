"""Scopes of a role outside of vaults: the root, a subscription, a group, any other resource."""

from __future__ import annotations

from typing import Final, Protocol

from keyless.local.record import Record

# How many parts the ARM ids of a vault, and of something in one, have.
_VAULT: Final = 8
_OBJECT: Final = 10


class HasArmId(Protocol):
    """A resource with an ARM id."""

    @property
    def arm_id(self) -> str:
        """The ARM id, in lower case."""


class ResourceScope(Record, frozen=True):
    """A resource, with all that is below it.

    Attributes:
        arm_id: Its ARM id, in lower case; empty for the root, which is above every subscription.
    """

    arm_id: str

    def covers(self, other: HasArmId) -> bool:
        """Return whether what holds here holds there too."""
        return other.arm_id == self.arm_id or other.arm_id.startswith(f"{self.arm_id}/")

    def __str__(self) -> str:
        return self.arm_id or "/"


def vault_path(resource_id: str) -> str | None:
    """Return what an ARM id names as ``VAULT`` or ``VAULT/secrets/SECRET``; None where it is of no vault."""
    parts = resource_id.strip("/").split("/")
    is_vault = [part.lower() for part in parts[4:7]] == ["providers", "microsoft.keyvault", "vaults"]
    return "/".join(parts[7:]) if is_vault and len(parts) in {_VAULT, _OBJECT} else None
