"""Access policies: the older of the two ways in which a vault decides who may do what."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from keyless.errors import ConfigurationError
from keyless.local.azure.authorization.roles import KINDS, Decision

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from keyless.local.operations import Kind

    Permissions = Mapping[Kind, frozenset[str]]

# https://learn.microsoft.com/en-us/azure/key-vault/general/assign-access-policy
PERMISSIONS: Final = ("get", "list", "set", "delete", "recover", "backup", "restore", "purge")
_OF_KEYS: Final = (
    *("get", "list", "update", "create", "import", "delete", "recover", "backup", "restore", "purge"),
    *("decrypt", "encrypt", "unwrapKey", "wrapKey", "verify", "sign", "release", "rotate"),
    *("getrotationpolicy", "setrotationpolicy"),
)
_OF_CERTIFICATES: Final = (
    *("get", "list", "update", "create", "import", "delete", "recover", "backup", "restore", "purge"),
    *("managecontacts", "manageissuers", "getissuers", "listissuers", "setissuers", "deleteissuers"),
)
PERMISSIONS_OF: Final[Mapping[Kind, tuple[str, ...]]] = MappingProxyType(
    {"secret": PERMISSIONS, "key": _OF_KEYS, "certificate": _OF_CERTIFICATES}
)
# What allows all that is done to issuers.
_MANAGES_ISSUERS: Final = "manageissuers"


def check_permissions(permissions: Iterable[str]) -> dict[Kind, frozenset[str]]:
    """Return permissions by what they are on, in lower case; ``all`` stands for every one.

    Args:
        permissions: Those on secrets as they are, those on others as ``keys/sign`` or ``certificates/get``; in any case.

    Raises:
        ConfigurationError: If one is none.
    """
    found: dict[Kind, frozenset[str]] = {}
    for permission in permissions:
        collection, slash, name = permission.lower().rpartition("/")
        kind: Kind = KINDS.get(collection, "secret")
        known = PERMISSIONS_OF[kind]
        every = frozenset(each.lower() for each in known)
        if name not in {*every, "all"} or (slash and collection not in KINDS):
            raise ConfigurationError(
                f"There is no {kind} permission {permission!r}.",
                cause="It is none that an access policy can give.",
                remedy=f"Use some of {', '.join(known)}, or all; keys/sign, certificates/get and so on for others.",
            )
        found[kind] = found.get(kind, frozenset()) | (every if name == "all" else {name})
    return found


def decide_by_policy(
    policies: Mapping[str, Permissions],
    *,
    object_ids: Sequence[str],
    identity: str,
    kind: Kind,
    permission: str,
    vault: str,
) -> Decision:
    """Decide whether an identity may do something, by the vault's access policies.

    Args:
        policies: The permissions by object id.
        object_ids: The object ids of the identity that asks and of its groups, whose policies count together.
        identity: Its name, for the reason.
        kind: What the permission is on.
        permission: The permission that is needed.
        vault: The vault's name, for the reason.
    """
    held = [policies[each] for each in object_ids if each in policies]
    if not held:
        return Decision(False, f"{identity} is in no access policy of {vault}.")
    here = frozenset[str]().union(*(each.get(kind, frozenset()) for each in held))
    wanted = f"the permission {permission}" if kind == "secret" else f"the {kind} permission {permission}"
    if permission.lower() in here or (permission.endswith("issuers") and _MANAGES_ISSUERS in here):
        return Decision(True, f"{identity} has {wanted} by an access policy of {vault}.")
    has = ", ".join(name for name in PERMISSIONS_OF[kind] if name.lower() in here) or "nothing"
    on = "" if kind == "secret" else f" on {kind}s"
    return Decision(False, f"The access policy of {identity} on {vault} gives {has}{on}, and not {permission}.")
