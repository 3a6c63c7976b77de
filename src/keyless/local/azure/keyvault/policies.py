"""Access policies: the older of the two ways in which a vault says who may do what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.errors import ConfigurationError
from keyless.local.azure.authorization.roles import Decision

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# https://learn.microsoft.com/en-us/azure/key-vault/general/assign-access-policy
PERMISSIONS = ("get", "list", "set", "delete", "recover", "backup", "restore", "purge")


def check_permissions(permissions: Iterable[str]) -> frozenset[str]:
    """Return secret permissions in lower case; ``all`` stands for every one.

    Raises:
        ConfigurationError: If one is none.
    """
    found = [permission.lower() for permission in permissions]
    for permission in found:
        if permission not in {*PERMISSIONS, "all"}:
            raise ConfigurationError(
                f"There is no secret permission {permission!r}.",
                cause="It is none that an access policy can give.",
                remedy=f"Use some of {', '.join(PERMISSIONS)}, or all.",
            )
    return frozenset(PERMISSIONS if "all" in found else found)


def decide_by_policy(
    policies: Mapping[str, frozenset[str]], *, object_id: str, identity: str, permission: str, vault: str
) -> Decision:
    """Decide whether an identity may do something, by the vault's access policies.

    Args:
        policies: The permissions by object id.
        object_id: The object id of the identity that asks.
        identity: Its name, for the reason.
        permission: The permission that is needed.
        vault: The vault's name, for the reason.
    """
    held = policies.get(object_id)
    if held is None:
        return Decision(False, f"{identity} is in no access policy of {vault}.")
    if permission in held:
        return Decision(True, f"{identity} has the permission {permission} by an access policy of {vault}.")
    has = ", ".join(name for name in PERMISSIONS if name in held) or "nothing"
    return Decision(False, f"The access policy of {identity} on {vault} gives {has}, and not {permission}.")
