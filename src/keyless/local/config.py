"""keyless.toml: the vaults, identities and settings that a local Azure starts with."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field, replace
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from keyless.clouds import CLOUDS
from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local.access import BUILT_IN_ROLES, Scope, role_named
from keyless.local.identity.sources import SOURCES
from keyless.local.toml_table import Table
from keyless.secret_id import check_secret_name, check_vault_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from keyless.local.identity.sources import SourceName

SYSTEM = "system"
_RESOURCE_ID = (
    "/subscriptions/GUID/resourceGroups/GROUP/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME"
)
_ALLOWED_NAME = "1 to 127 letters, digits and hyphens"
_ROLES = ", ".join(role.name for role in BUILT_IN_ROLES)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretConfig:
    """A secret that a vault starts with; the value is in no representation."""

    name: str
    value: str = field(repr=False)
    content_type: str | None = None
    enabled: bool = True
    not_before: datetime | None = None
    expires_on: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultConfig:
    """A vault.

    Attributes:
        name: Its name, the first label of its host.
        cloud: The Azure cloud it is in, as ``keyless.clouds`` names it.
        tenant_id: The tenant it trusts; None means the tenant of the identities.
        secrets: The secrets it starts with.
    """

    name: str
    cloud: str = CLOUDS[0].name
    tenant_id: str | None = None
    secrets: tuple[SecretConfig, ...] = ()


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
    """

    tenant_id: str = str(uuid.uuid5(uuid.NAMESPACE_DNS, "tenant.keyless"))
    vaults: Mapping[str, VaultConfig] = field(default_factory=dict)
    identities: Mapping[str, IdentityConfig] = field(default_factory=dict)
    functions: FunctionsConfig = field(default_factory=FunctionsConfig)
    token_lifetimes: Mapping[SourceName, int] = field(default_factory=dict)


def load_config(path: Path) -> Config:
    """Read a keyless.toml.

    Raises:
        ConfigurationError: If the file cannot be read or says something wrong: the error names the file, the line, the
            key and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise ConfigurationError(
            f"The file {path} cannot be read: {reason}.",
            cause="It is missing, may not be read, or is not a text file.",
            remedy="Name a keyless.toml that exists and can be read.",
        ) from None
    return _config(Table.parse(str(path), text))


def default_config() -> Config:
    """Return the configuration that is used when no file is named."""
    text = resources.files("keyless.local").joinpath("default.toml").read_text(encoding="utf-8")
    return _config(Table.parse("default.toml", text))


def _config(root: Table) -> Config:
    root.check_keys(("tenant_id", "vaults", "identities", "functions", "token_lifetimes"))
    vaults_table, identities_table = root.table("vaults"), root.table("identities")
    vaults = {name: _vault(vaults_table, name) for name in vaults_table}
    _refuse_twins(vaults_table)
    identities = {name: _identity(identities_table, name, vaults) for name in identities_table}
    _refuse_twins(identities_table)
    _refuse_shared_ids(identities_table, identities)
    functions = root.table("functions")
    functions.check_keys(("settings",))
    tenant_id = _guid(root, "tenant_id")
    config = Config(
        vaults=MappingProxyType(vaults),
        identities=MappingProxyType(identities),
        functions=FunctionsConfig(settings=MappingProxyType(_strings(functions.table("settings")))),
        token_lifetimes=MappingProxyType(_lifetimes(root.table("token_lifetimes"))),
    )
    return config if tenant_id is None else replace(config, tenant_id=tenant_id)


def _vault(vaults: Table, name: str) -> VaultConfig:
    try:
        check_vault_url(f"https://{name}.{CLOUDS[0].vault_suffix}")
    except ConfigurationError:
        allowed = "3 to 24 letters, digits and single hyphens, starting with a letter"
        raise vaults.wrong(name, "not a name that a vault can have", allowed) from None
    table = vaults.table(name)
    table.check_keys(("cloud", "tenant_id", "secrets"))
    names = [cloud.name for cloud in CLOUDS]
    cloud = table.text("cloud") or names[0]
    if cloud not in names:
        raise table.wrong("cloud", f"there is no cloud {cloud!r}", ", ".join(names))
    secrets = table.table("secrets")
    found = tuple(_secret(secrets, key) for key in secrets)
    _refuse_twins(secrets)
    return VaultConfig(name=name, cloud=cloud, tenant_id=_guid(table, "tenant_id"), secrets=found)


def _secret(secrets: Table, name: str) -> SecretConfig:
    if not _is_secret_name(name):
        raise secrets.wrong(name, "not a name that a secret can have", _ALLOWED_NAME)
    if secrets.is_text(name):
        return SecretConfig(name=name, value=secrets.text(name) or "")
    table = secrets.table(name)
    table.check_keys(("value", "content_type", "enabled", "not_before", "expires_on", "tags"))
    value = table.text("value")
    if value is None:
        raise secrets.wrong(
            name, "the secret has no value", 'a string, or a table such as { value = "...", enabled = true }'
        )
    return SecretConfig(
        name=name,
        value=value,
        content_type=table.text("content_type"),
        enabled=table.flag("enabled", default=True),
        not_before=table.moment("not_before"),
        expires_on=table.moment("expires_on"),
        tags=MappingProxyType(_strings(table.table("tags"))),
    )


def _identity(identities: Table, name: str, vaults: Mapping[str, VaultConfig]) -> IdentityConfig:
    if not re.fullmatch(r"[0-9A-Za-z][\w-]{0,127}", name, re.ASCII):
        allowed = "1 to 128 letters, digits, hyphens and underscores, starting with a letter or digit"
        raise identities.wrong(name, "not a name that an identity can have", allowed)
    table = identities.table(name)
    table.check_keys(("client_id", "object_id", "resource_id", "assigned", "roles"))
    resource_id = table.text("resource_id")
    if resource_id is not None and not re.match(r"/subscriptions/[^/]+/.+/.+", resource_id, re.IGNORECASE):
        raise table.wrong("resource_id", "it is not an ARM resource id", _RESOURCE_ID)
    return IdentityConfig(
        name=name,
        client_id=_guid(table, "client_id"),
        object_id=_guid(table, "object_id"),
        resource_id=resource_id,
        assigned=table.flag("assigned", default=True),
        roles=_roles(table.table("roles"), vaults),
    )


def _roles(table: Table, vaults: Mapping[str, VaultConfig]) -> tuple[tuple[str, Scope], ...]:
    known = {name.lower() for name in vaults}
    found = []
    for key in table:
        scope = Scope.parse(key)
        if scope.vault not in known:
            vault, allowed = key.partition("/")[0], ", ".join(f"{name} or {name}/SECRET" for name in vaults)
            raise table.wrong(key, f"there is no vault {vault!r}", allowed or "nothing, since the file has no vaults")
        if "/" in key and not _is_secret_name(key.partition("/")[2]):
            raise table.wrong(key, "not a name that a secret can have", _ALLOWED_NAME)
        for role in table.texts(key):
            try:
                found.append((role_named(role).name, scope))
            except LocalAzureError as error:
                raise table.wrong(key, f"{error.what} {error.remedy}".removesuffix("."), _ROLES) from None
    return tuple(found)


def _is_secret_name(name: str) -> bool:
    try:
        check_secret_name(name)
    except ConfigurationError:
        return False
    return True


def _guid(table: Table, key: str) -> str | None:
    found = table.text(key)
    if found is None:
        return None
    try:
        guid = str(uuid.UUID(found))
    except ValueError:
        guid = ""
    if guid != found.lower():
        raise table.wrong(key, "it is not a GUID", "a GUID such as 00001111-aaaa-2222-bbbb-3333cccc4444")
    return guid


def _lifetimes(table: Table) -> dict[SourceName, int]:
    table.check_keys(SOURCES)
    found = {name: table.seconds(name) for name in SOURCES}
    return {name: seconds for name, seconds in found.items() if seconds is not None}


def _strings(table: Table) -> dict[str, str]:
    return {key: table.text(key) or "" for key in table}


def _refuse_twins(table: Table) -> None:
    """Refuse names that differ only in case, since Azure takes them for one."""
    seen: dict[str, str] = {}
    for name in table:
        twin = seen.setdefault(name.lower(), name)
        if twin != name:
            raise table.wrong(name, f"it is the same name as {twin!r}", "names that differ in more than case")


def _refuse_shared_ids(table: Table, identities: Mapping[str, IdentityConfig]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for name, identity in identities.items():
        ids = {"client_id": identity.client_id, "object_id": identity.object_id, "resource_id": identity.resource_id}
        for key, value in ids.items():
            if value is not None and (twin := seen.setdefault((key, value.lower()), name)) != name:
                raise table.table(name).wrong(
                    key, f"it is the {key} of {twin!r} too", "an id that no other identity has"
                )
