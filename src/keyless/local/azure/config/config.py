"""keyless.toml: the vaults, identities and settings that a local Azure starts with."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field, replace
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local.azure.authorization.roles import BUILT_IN_ROLES, Role, Scope, role_named
from keyless.local.azure.config.role_config import read_roles
from keyless.local.azure.config.toml_table import Table
from keyless.local.azure.config.vault_config import SECRET_NAMES, VaultConfig, is_secret_name, read_vault
from keyless.local.azure.keyvault.policies import PERMISSIONS, check_permissions
from keyless.local.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keyless.local.sources import SourceName

SYSTEM = "system"
_RESOURCE_ID = (
    "/subscriptions/GUID/resourceGroups/GROUP/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME"
)
_RESOURCE_ID_FORM = (
    r"/subscriptions/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/resourcegroups/[^/?#\s]+/providers/"
    r"(Microsoft\.ManagedIdentity/userAssignedIdentities/[^/?#\s]+|[^/?#\s]+/[^/?#\s]+/[^/?#\s]+)"
)
_ROLES = ", ".join(role.name for role in BUILT_IN_ROLES)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityConfig:
    """A managed identity; the one named ``system`` is system-assigned, all others are user-assigned.

    Attributes:
        name: Its name.
        client_id: Its client id; None means one derived from the name.
        object_id: Its object id; None means one derived from the name.
        resource_id: Its ARM id; None means one derived from the name.
        assigned: Whether the host has it.
        roles: The roles it starts with: the role's name and where it holds.
    """

    name: str
    client_id: str | None = None
    object_id: str | None = None
    resource_id: str | None = None
    assigned: bool = True
    roles: tuple[tuple[str, Scope], ...] = ()

    @property
    def kind(self) -> Literal["system", "user"]:
        """Which kind of managed identity it is."""
        return "system" if self.name == SYSTEM else "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionsConfig:
    """The function app: the application settings that it is started with."""

    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a local Azure starts with.

    Attributes:
        tenant_id: The tenant of its identities, and of every vault that names none.
        vaults: The vaults by name.
        identities: The identities by name.
        functions: The function app.
        token_lifetimes: The seconds for which a source's tokens are good, where it is not what Azure has.
        roles: The roles that there are beside the built-in ones.
        role_propagation_seconds: How long it takes until a role is felt that is given or taken later.
    """

    tenant_id: str = str(uuid.uuid5(uuid.NAMESPACE_DNS, "tenant.keyless"))
    vaults: Mapping[str, VaultConfig] = field(default_factory=dict)
    identities: Mapping[str, IdentityConfig] = field(default_factory=dict)
    functions: FunctionsConfig = field(default_factory=FunctionsConfig)
    token_lifetimes: Mapping[SourceName, int] = field(default_factory=dict)
    roles: tuple[Role, ...] = ()
    role_propagation_seconds: float = 0.0


def load_config(path: Path) -> Config:
    """Read a keyless.toml.

    Raises:
        ConfigurationError: If the file cannot be read or says something wrong: the error names the file, the line, the
            key and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # Editors of Windows begin a file with a mark.
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise ConfigurationError(
            f"The file {path} cannot be read: {reason}.",
            cause="It is missing, may not be read, or is not a text file.",
            remedy="Name a keyless.toml that exists and can be read.",
        ) from None
    return _config(Table.parse(str(path), text))


def read_config(source: str, values: dict[str, Any]) -> Config:
    """Read what a keyless.toml would say, from its tables.

    Args:
        source: What to call it in an error.
        values: The tables.

    Raises:
        ConfigurationError: If it says something wrong: the error names the key and what is allowed.
    """
    return _config(Table(source, "", values))


def default_config() -> Config:
    """Return the configuration that is used when no file is named."""
    text = resources.files("keyless.local").joinpath("default.toml").read_text(encoding="utf-8")
    return _config(Table.parse("default.toml", text))


def _config(root: Table) -> Config:
    root.check_keys(
        ("tenant_id", "vaults", "identities", "roles", "functions", "token_lifetimes", "role_propagation_seconds")
    )
    roles = read_roles(root.table("roles"))
    vaults_table, identities_table = root.table("vaults"), root.table("identities")
    vaults = {name: read_vault(vaults_table, name) for name in vaults_table}
    vaults_table.refuse_twins()
    identities = {name: _identity(identities_table, name, vaults, roles) for name in identities_table}
    for vault in vaults:
        _check_policies(vaults_table.table(vault).table("policies"), identities)
    identities_table.refuse_twins()
    _refuse_shared_ids(identities_table, identities)
    functions = root.table("functions")
    functions.check_keys(("settings",))
    tenant_id = root.guid("tenant_id")
    config = Config(
        vaults=MappingProxyType(vaults),
        identities=MappingProxyType(identities),
        functions=FunctionsConfig(settings=MappingProxyType(functions.table("settings").strings())),
        token_lifetimes=MappingProxyType(_lifetimes(root.table("token_lifetimes"))),
        roles=roles,
        role_propagation_seconds=root.number("role_propagation_seconds", default=0.0, lowest=0.0),
    )
    return config if tenant_id is None else replace(config, tenant_id=tenant_id)


def _check_policies(policies: Table, identities: Mapping[str, IdentityConfig]) -> None:
    for name in policies:
        if name not in identities:
            raise policies.wrong(
                name, f"there is no identity {name!r}", ", ".join(identities) or "nothing: there is none"
            )
        try:
            check_permissions(policies.texts(name))
        except ConfigurationError as error:
            raise policies.wrong(name, error.what.removesuffix("."), ", ".join((*PERMISSIONS, "all"))) from None


def _identity(
    identities: Table, name: str, vaults: Mapping[str, VaultConfig], custom_roles: tuple[Role, ...]
) -> IdentityConfig:
    if not re.fullmatch(r"[0-9A-Za-z][\w-]{0,127}", name, re.ASCII):
        allowed = "1 to 128 letters, digits, hyphens and underscores, starting with a letter or digit"
        raise identities.wrong(name, "not a name that an identity can have", allowed)
    table = identities.table(name)
    table.check_keys(("client_id", "object_id", "resource_id", "assigned", "roles"))
    resource_id = table.text("resource_id")
    if resource_id is not None and not re.fullmatch(_RESOURCE_ID_FORM, resource_id, re.IGNORECASE):
        raise table.wrong("resource_id", "it is not an ARM resource id", _RESOURCE_ID)
    return IdentityConfig(
        name=name,
        client_id=table.guid("client_id"),
        object_id=table.guid("object_id"),
        resource_id=resource_id,
        assigned=table.flag("assigned", default=True),
        roles=_roles(table.table("roles"), vaults, custom_roles),
    )


def _roles(
    table: Table, vaults: Mapping[str, VaultConfig], custom_roles: tuple[Role, ...]
) -> tuple[tuple[str, Scope], ...]:
    known = {name.lower() for name in vaults}
    found = []
    for key in table:
        scope = Scope.parse(key)
        if scope.vault not in known:
            vault, allowed = key.partition("/")[0], ", ".join(f"{name} or {name}/SECRET" for name in vaults)
            raise table.wrong(key, f"there is no vault {vault!r}", allowed or "nothing, since the file has no vaults")
        if "/" in key and not is_secret_name(scope.name or ""):
            raise table.wrong(key, "not a name that a secret can have", SECRET_NAMES)
        for role in table.texts(key):
            try:
                found.append((role_named(role, custom_roles).name, scope))
            except LocalAzureError as error:
                raise table.wrong(key, f"{error.what} {error.remedy}".removesuffix("."), _ROLES) from None
    return tuple(found)


def _lifetimes(table: Table) -> dict[SourceName, int]:
    table.check_keys(SOURCES)
    found = {name: table.seconds(name) for name in SOURCES}
    return {name: seconds for name, seconds in found.items() if seconds is not None}


def _refuse_shared_ids(table: Table, identities: Mapping[str, IdentityConfig]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for name, identity in identities.items():
        ids = {"client_id": identity.client_id, "object_id": identity.object_id, "resource_id": identity.resource_id}
        for key, value in ids.items():
            if value is not None and (twin := seen.setdefault((key, value.lower()), name)) != name:
                raise table.table(name).wrong(
                    key, f"it is the {key} of {twin!r} too", "an id that no other identity has"
                )
