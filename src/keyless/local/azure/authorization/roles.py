"""Authorization in a vault: roles, where they are assigned, and the decision with its reason."""

from __future__ import annotations

from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol, Self

from keyless.errors import LocalAzureError
from keyless.local.azure.authorization.management_roles import MANAGEMENT_ROLES
from keyless.local.azure.authorization.resource_scope import ResourceScope
from keyless.local.azure.authorization.role import Role
from keyless.local.operations.certificates import AUTHORITIES, CERTIFICATES, READ_CERTIFICATE, WRITE_CONTACTS
from keyless.local.operations.keys import (
    BACKUP_KEY,
    DECRYPT,
    ENCRYPT,
    KEYS,
    READ_KEY,
    RELEASE,
    ROTATION_POLICIES,
    SIGN,
    UNWRAP,
    UPDATE_KEY,
    VERIFY,
    WRAP,
)
from keyless.local.operations.secrets import GET_SECRET, READ_METADATA, SECRETS
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from keyless.local.azure.authorization.conditions.condition import Condition
    from keyless.local.azure.authorization.conditions.expressions import Facts
    from keyless.local.operations import Kind


__all__ = [
    "BUILT_IN_ROLES",
    "KINDS",
    "MANAGEMENT_ROLES",
    "AnyScope",
    "Decision",
    "HasScope",
    "ResourceScope",
    "Role",
    "RoleAssignment",
    "Scope",
    "decide",
    "role_named",
]

# What most roles of Key Vault allow in the management plane.
_OPERATE: Final = (
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    "Microsoft.KeyVault/checkNameAvailability/read",
    "Microsoft.KeyVault/deletedVaults/read",
    "Microsoft.KeyVault/locations/*/read",
    "Microsoft.KeyVault/vaults/*/read",
    "Microsoft.KeyVault/operations/read",
)
_PURGE_VAULT: Final = "Microsoft.KeyVault/locations/deletedVaults/purge/action"


# https://learn.microsoft.com/en-us/azure/role-based-access-control/built-in-roles/security
BUILT_IN_ROLES = (
    Role("Key Vault Administrator", "00482a5a-887f-4fb3-b363-3b7fe8e74483", ("Microsoft.KeyVault/vaults/*",), _OPERATE),
    Role("Key Vault Secrets Officer", "b86a8fe4-44ce-4948-aee5-eccb2c155cd7", (f"{SECRETS}*",), _OPERATE),
    Role("Key Vault Secrets User", "4633458b-17de-408a-b874-0445c86b69e6", (GET_SECRET, READ_METADATA)),
    Role(
        "Key Vault Reader",
        "21090545-7ca7-4776-b22c-e363652d74d2",
        ("Microsoft.KeyVault/vaults/*/read", READ_METADATA),
        _OPERATE,
    ),
    Role(
        "Key Vault Certificate User",
        "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba",
        (READ_CERTIFICATE, GET_SECRET, READ_METADATA, READ_KEY),
    ),
    Role(
        "Key Vault Certificates Officer",
        "a4417e6f-fecd-4de8-b567-7b0420556985",
        (f"{AUTHORITIES}*", f"{CERTIFICATES}*", WRITE_CONTACTS),
        _OPERATE,
    ),
    Role(
        "Key Vault Crypto Officer",
        "14b46e9e-c2b7-41b4-b07b-48a6ebf60603",
        (f"{KEYS}*", f"{ROTATION_POLICIES}*"),
        _OPERATE,
    ),
    Role(
        "Key Vault Crypto User",
        "12338af0-0e69-4776-bea7-57ae8d297424",
        (READ_KEY, UPDATE_KEY, BACKUP_KEY, ENCRYPT, DECRYPT, WRAP, UNWRAP, SIGN, VERIFY),
    ),
    Role("Key Vault Crypto Service Encryption User", "e147488a-f6f5-4113-8e2d-b22465e65bf6", (READ_KEY, WRAP, UNWRAP)),
    Role("Key Vault Crypto Service Release User", "08bbd89e-9f13-488c-ac41-acfcb10c90ab", (RELEASE,)),
    # It purges deleted vaults, not what is in a vault.
    Role(
        "Key Vault Purge Operator",
        "a68e7c17-0ab2-4c09-9a58-125dae29748c",
        (),
        ("Microsoft.KeyVault/locations/*/read", _PURGE_VAULT, "Microsoft.KeyVault/deletedVaults/read"),
    ),
    Role(
        "Key Vault Data Access Administrator",
        "8b54135c-b56d-4d72-a534-26097cfdc8d8",
        (),
        (
            *("Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete"),
            *("Microsoft.Authorization/*/read", "Microsoft.Resources/deployments/*"),
            *("Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Resources/subscriptions/read"),
            *("Microsoft.Management/managementGroups/read", "Microsoft.KeyVault/vaults/*/read", "Microsoft.Support/*"),
        ),
    ),
    Role(
        "Key Vault Contributor",
        "f25e0fa2-a7c4-4377-a976-54943a77a395",
        (),
        (
            *("Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*", "Microsoft.KeyVault/*"),
            *("Microsoft.Resources/deployments/*", "Microsoft.Resources/subscriptions/resourceGroups/read"),
            "Microsoft.Support/*",
        ),
        (_PURGE_VAULT, "Microsoft.KeyVault/hsmPools/*", "Microsoft.KeyVault/managedHsms/*"),
    ),
)


def role_named(name: str, custom: Iterable[Role] = ()) -> Role:
    """Return a built-in or custom role by its name or its GUID, in any case.

    Raises:
        LocalAzureError: If there is none; the nearest name is suggested.
    """
    roles = (*custom, *BUILT_IN_ROLES, *MANAGEMENT_ROLES)
    for role in roles:
        if name.lower() in {role.name.lower(), role.id}:
            return role
    names = {role.name.lower(): role.name for role in roles}
    near = get_close_matches(name.lower(), names, n=1)
    raise LocalAzureError(
        f"There is no role {name!r}.",
        cause="It is not one of Azure's built-in roles that the local Azure knows, nor a role of keyless.toml.",
        remedy=f"Did you mean {names[near[0]]!r}?" if near else f"Use one of: {', '.join(names.values())}.",
    )


# The collection of each kind in a vault's URLs and ARM ids.
KINDS: Final[Mapping[str, Kind]] = MappingProxyType({"secrets": "secret", "keys": "key", "certificates": "certificate"})


class Scope(Record, frozen=True, eq=False):
    """The scope of a role: a vault with all that is in it, or one object. Names are kept in lower case.

    Attributes:
        vault: The vault's name.
        kind: What the object is; None means the whole vault.
        name: The object's name; None means the whole vault.
        within: The ARM id of the vault's resource group, in lower case; empty where it does not matter.
    """

    vault: str
    kind: Kind | None = None
    name: str | None = None
    within: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scope) and self._place == other._place

    def __hash__(self) -> int:
        return hash(self._place)

    @property
    def _place(self) -> tuple[str, Kind | None, str | None]:
        return self.vault, self.kind, self.name

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a scope as people write it: ``contoso-kv``, ``contoso-kv/db-password`` or ``contoso-kv/keys/signing``.

        A name alone is a secret's.
        """
        vault, _, rest = text.lower().partition("/")
        collection, slash, name = rest.partition("/")
        if not rest:
            return cls(vault)
        return cls(vault, KINDS.get(collection), name) if slash and collection in KINDS else cls(vault, "secret", rest)

    @classmethod
    def of(cls, vault: str, kind: Kind, name: str | None) -> Self:
        """Return the scope of an object; without a name, that of its vault."""
        return cls(vault.lower(), kind, name.lower()) if name else cls(vault.lower())

    @property
    def arm_id(self) -> str:
        """The ARM id, in lower case."""
        vault = f"{self.within}/providers/microsoft.keyvault/vaults/{self.vault}"
        return f"{vault}/{self.kind}s/{self.name}" if self.name else vault

    def covers(self, other: AnyScope) -> bool:
        """Return whether what holds here holds there too."""
        if isinstance(other, ResourceScope):
            return False
        return self.vault == other.vault and (self.name is None or (self.kind, self.name) == (other.kind, other.name))

    def __str__(self) -> str:
        if self.name is None:
            return self.vault
        return f"{self.vault}/{self.name}" if self.kind == "secret" else f"{self.vault}/{self.kind}s/{self.name}"


AnyScope = Scope | ResourceScope


class HasScope(Protocol):
    """An object on which a role can be assigned."""

    @property
    def scope(self) -> Scope:
        """Its scope."""


class RoleAssignment(Record, frozen=True):
    """A role given to an identity at a scope.

    Attributes:
        id: The assignment's GUID, as ``x-ms-keyvault-rbac-assignment-id`` shows it.
        object_id: The object id (``oid``) of the identity that has the role.
        role: The role.
        scope: Where it holds.
        since: From when on it takes effect, in Unix seconds.
        until: Until when it has effect, in Unix seconds.
        condition: What a call must fulfil for it to take effect; None means nothing.
    """

    id: str
    object_id: str
    role: Role
    scope: AnyScope
    since: float = 0.0
    until: float = float("inf")
    condition: Condition | None = None

    def __str__(self) -> str:
        return f"{self.role.name} on {self.scope}{' with a condition' if self.condition else ''}"


class Decision(Record, frozen=True):
    """A decision whether something is allowed, and why.

    Attributes:
        allowed: Whether it is.
        reason: Why, in one sentence, for the journal.
        assignment: The assignment that allows it; None where it is denied.
    """

    allowed: bool
    reason: str
    assignment: RoleAssignment | None = None


def decide(held: Sequence[RoleAssignment], *, identity: str, scope: Scope, facts: Facts) -> Decision:
    """Decide whether an identity may perform a data action, as Azure RBAC does: one role that allows it is enough.

    A condition only narrows its own assignment: another one without it lets the call through.

    Args:
        held: The role assignments of the identity.
        identity: The identity's name, for the reason.
        scope: What the action is performed on.
        facts: The action, and what conditions can ask about the call.
    """
    action = facts.action
    here = [assignment for assignment in held if assignment.scope.covers(scope)]
    allowing = [assignment for assignment in here if assignment.role.allows(action)]
    for assignment in allowing:
        if assignment.condition is None or assignment.condition.allows(facts):
            return Decision(True, f"{identity} has {assignment}.", assignment)
    if allowing:
        refused = " and ".join(f"{found}: {found.condition.reason(facts)}" for found in allowing if found.condition)
        return Decision(False, f"{identity} is refused by the condition of {refused}.")
    if here:
        roles = " and ".join(str(assignment) for assignment in here)
        return Decision(False, f"{identity} has {roles}, which does not include {action}.")
    elsewhere = ", ".join(str(assignment) for assignment in held)
    return Decision(False, f"{identity} has no role on {scope}" + (f", only {elsewhere}." if elsewhere else "."))
