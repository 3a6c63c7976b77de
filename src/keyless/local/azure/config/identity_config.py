"""The identities of a keyless.toml, and the roles that they start with."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Literal

from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local.azure.authorization.conditions.condition import Condition
from keyless.local.azure.authorization.resource_scope import ResourceScope
from keyless.local.azure.authorization.roles import BUILT_IN_ROLES, AnyScope, Scope, role_named
from keyless.local.azure.config.declaration import GrantTable
from keyless.local.azure.config.texts import texts
from keyless.local.record import Record
from keyless.secret_id import check_secret_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from keyless.local.azure.authorization.roles import Role
    from keyless.local.azure.config.declaration import Grants, IdentityTable
    from keyless.local.azure.config.declared import Wrong

SYSTEM: Final = "system"
_ROLES: Final = ", ".join(role.name for role in BUILT_IN_ROLES)


class RoleGrant(Record, frozen=True):
    """A role that an identity starts with.

    Attributes:
        role: The role's name.
        scope: Where it holds.
        condition: What a call must fulfil; None means nothing.
    """

    role: str
    scope: AnyScope
    condition: Condition | None = None


class IdentityConfig(Record, frozen=True, kw_only=True):
    """A managed identity; the one named ``system`` is the host's system-assigned one, and most others are user-assigned.

    Attributes:
        name: Its name.
        client_id: Its client id; None means one derived from the name.
        object_id: Its object id; None means one derived from the name.
        resource_id: Its ARM id; None means one derived from the name.
        assigned: Whether the host has it.
        roles: The roles it starts with.
        groups: The names of the groups that it is in.
    """

    name: str
    client_id: str | None = None
    object_id: str | None = None
    resource_id: str | None = None
    assigned: bool = True
    roles: tuple[RoleGrant, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def kind(self) -> Literal["system", "user"]:
        """Which kind of managed identity it is: one with the ARM id of a function app is the app's own."""
        is_of_app = "/providers/microsoft.web/sites/" in (self.resource_id or "").lower()
        return "system" if self.name == SYSTEM or is_of_app else "user"


def identity_of(
    table: IdentityTable, name: str, *, vaults: Collection[str], roles: tuple[Role, ...], wrong: Wrong
) -> IdentityConfig:
    """Return an identity.

    Raises:
        ConfigurationError: If it has a role that there is not, or has one where nothing is.
    """
    return IdentityConfig(
        name=name,
        client_id=table.client_id and table.client_id.lower(),
        object_id=table.object_id and table.object_id.lower(),
        resource_id=table.resource_id,
        assigned=table.assigned,
        roles=grants_of(table.roles, path=("identities", name), vaults=vaults, custom=roles, wrong=wrong),
        groups=texts(table.groups),
    )


def grants_of(
    roles: Mapping[str, Grants],
    *,
    path: tuple[str, ...],
    vaults: Collection[str],
    custom: tuple[Role, ...],
    wrong: Wrong,
) -> tuple[RoleGrant, ...]:
    """Return the roles that someone starts with.

    Raises:
        ConfigurationError: If there is no such role, or one holds where nothing is.
    """
    return tuple(
        _grant(found, scope, custom, path=at, wrong=wrong)
        for on, held in roles.items()
        for at in ((*path, "roles", on),)
        for scope in (_scope(on, vaults, path=at, wrong=wrong),)
        for found in (held if isinstance(held, list) else [held])
    )


def _grant(
    found: str | GrantTable, scope: AnyScope, custom: tuple[Role, ...], *, path: tuple[str, ...], wrong: Wrong
) -> RoleGrant:
    given = found if isinstance(found, GrantTable) else GrantTable(role=found)
    role = role_of(given.role, custom, path=path, wrong=wrong)
    if given.condition is None:
        return RoleGrant(role, scope)
    try:
        return RoleGrant(role, scope, Condition.read(given.condition))
    except ConfigurationError as error:
        problem = f"{error.what.removesuffix('.')}: {error.cause.removesuffix('.')}"
        raise wrong(path, problem, error.remedy.removesuffix(".")) from None


def role_of(name: str, custom: tuple[Role, ...], *, path: tuple[str, ...], wrong: Wrong) -> str:
    """Return the name of a role as it is spelled.

    Raises:
        ConfigurationError: If there is none.
    """
    try:
        return role_named(name, custom).name
    except LocalAzureError as error:
        raise wrong(path, f"{error.what} {error.remedy}".removesuffix("."), _ROLES) from None


def _scope(on: str, vaults: Collection[str], *, path: tuple[str, ...], wrong: Wrong) -> AnyScope:
    if on.startswith("/"):  # An ARM id, or / for all.
        return ResourceScope(on.lower().rstrip("/"))
    scope = Scope.parse(on)
    if scope.vault not in {name.lower() for name in vaults}:
        allowed = ", ".join(f"{name} or {name}/SECRET" for name in vaults) or "nothing, since the file has no vaults"
        near = get_close_matches(scope.vault, [name.lower() for name in vaults], n=1)
        hint = f", did you mean {near[0]!r}?" if near else ""
        raise wrong(path, f"there is no vault {on.partition('/')[0]!r}{hint}", allowed)
    if "/" in on:
        try:
            check_secret_name(scope.name or "")
        except ConfigurationError:
            allowed = "1 to 127 letters, digits and hyphens"
            raise wrong(path, "not a name that a secret can have", allowed) from None
    return scope


def refuse_shared_ids(identities: Mapping[str, IdentityConfig], *, wrong: Wrong) -> None:
    """Refuse an id that two identities have.

    Raises:
        ConfigurationError: If there is one.
    """
    seen: dict[tuple[str, str], str] = {}
    for name, identity in identities.items():
        ids = {"client_id": identity.client_id, "object_id": identity.object_id, "resource_id": identity.resource_id}
        for key, value in ids.items():
            if value is not None and (twin := seen.setdefault((key, value.lower()), name)) != name:
                problem = f"it is the {key} of {twin!r} too"
                raise wrong(("identities", name, key), problem, "an id that no other identity has")


def no_identity(path: tuple[str, ...], problem: str, allowed: str) -> ConfigurationError:
    """Return the error for an identity that cannot be made as it was asked for."""
    return ConfigurationError(
        f"The identity cannot be made: {'.'.join(path)}: {problem}.",
        cause="An identity must be one that a keyless.toml could describe.",
        remedy=f"Allowed: {allowed}.",
    )
