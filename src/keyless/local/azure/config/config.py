"""keyless.toml: the vaults, identities and settings that a local Azure starts with."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping  # noqa: TC003 (help() evaluates the types of a record)
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, get_args

from msgspec import field

from keyless.errors import ConfigurationError
from keyless.local.azure.authorization.roles import ResourceScope, Role, Scope
from keyless.local.azure.config.application_config import (
    ApplicationConfig,
    GroupConfig,
    application_of,
    check_groups,
    check_names,
    group_of,
)
from keyless.local.azure.config.declaration import KeylessToml
from keyless.local.azure.config.declared import read_declared
from keyless.local.azure.config.document import Document
from keyless.local.azure.config.from_environment import with_values
from keyless.local.azure.config.identity_config import IdentityConfig, identity_of, refuse_shared_ids
from keyless.local.azure.config.role_config import roles_of
from keyless.local.azure.config.vault_config import VaultConfig, check_policies, vault_of
from keyless.local.record import Record
from keyless.local.sources import Real, SourceName

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


_TENANT_ID: Final = str(uuid.uuid5(uuid.NAMESPACE_DNS, "tenant.keyless"))


class FunctionsConfig(Record, frozen=True, kw_only=True):
    """The function app: the application settings that it is started with."""

    settings: Mapping[str, str] = field(default_factory=dict)


class Config(Record, frozen=True, kw_only=True):
    """The configuration with which a local Azure starts.

    Attributes:
        tenant_id: The tenant of its identities, and of every vault that names none.
        vaults: The vaults by name.
        identities: The identities by name.
        applications: The applications by name.
        groups: The groups by name.
        functions: The function app.
        token_lifetimes: The seconds for which a source's tokens are good, where it is not what Azure has.
        roles: The roles that there are beside the built-in ones.
        role_propagation_seconds: How long it takes until a role that is given or taken later takes effect.
        real: What of Azure is left alone; ``arm`` is its management plane.
        warnings: What is allowed and probably not meant, each with the place in the file.
    """

    tenant_id: str = _TENANT_ID
    vaults: Mapping[str, VaultConfig] = field(default_factory=dict)
    identities: Mapping[str, IdentityConfig] = field(default_factory=dict)
    applications: Mapping[str, ApplicationConfig] = field(default_factory=dict)
    groups: Mapping[str, GroupConfig] = field(default_factory=dict)
    functions: FunctionsConfig = field(default_factory=FunctionsConfig)
    token_lifetimes: Mapping[SourceName, int] = field(default_factory=dict)
    roles: tuple[Role, ...] = ()
    role_propagation_seconds: float = 0.0
    real: frozenset[Real] = frozenset()
    warnings: tuple[str, ...] = ()


def check_real(names: Collection[Real]) -> frozenset[Real]:
    """Return what is to be left alone of Azure.

    Raises:
        ConfigurationError: If a name means nothing.
    """
    known = get_args(Real)
    for name in names:
        if name not in known:
            raise ConfigurationError(
                f"Nothing of Azure is called {name!r} here.",
                cause="Only some parts can stay real, and each has a name.",
                remedy=f"Give one of: {', '.join(known)}.",
            )
    return frozenset(names)


def load_config(path: Path) -> Config:
    """Read a keyless.toml.

    Raises:
        ConfigurationError: If the file cannot be read or has something wrong: the error names the file, the line, the
            key and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # Editors of Windows begin a file with a mark.
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"The file {path} is not UTF-8: byte {error.start + 1} belongs to no character.",
            cause="It was saved in another encoding, or it is not a text file.",
            remedy="Save it as UTF-8 in your editor.",
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"The file {path} cannot be read: {error.strerror}.",
            cause="It does not exist, or you may not read it.",
            remedy="Name a file that exists with --config, or write one: keyless init toml.",
        ) from None
    return _config(Document.parse(str(path), text), os.environ, folder=path.parent)


def read_config(source: str, values: dict[str, Any], *, environment: Mapping[str, str] | None = None) -> Config:
    """Read what a keyless.toml would say, from its tables.

    Args:
        source: What to call it in an error.
        values: The tables.
        environment: What ``{ env = "NAME" }`` reads; None means the variables of this process.

    Raises:
        ConfigurationError: If something in it is wrong: the error names the key and what is allowed.
    """
    return _config(Document(source, values), os.environ if environment is None else environment)


def default_config() -> Config:
    """Return the configuration that is used when no file is named."""
    text = resources.files("keyless.local").joinpath("default.toml").read_text(encoding="utf-8")
    return _config(Document.parse("default.toml", text), {})


def _config(document: Document, environment: Mapping[str, str], *, folder: Path | None = None) -> Config:
    """Hold a document against the declaration, and then its parts against each other."""
    wrong = document.wrong
    values = with_values(document.values, environment=environment, wrong=wrong)
    found = read_declared(KeylessToml, values, wrong=wrong)
    roles = roles_of(found.roles, wrong=wrong)
    vaults = {name: vault_of(table, name, wrong=wrong) for name, table in found.vaults.items()}
    identities = {
        name: identity_of(table, name, vaults=vaults, roles=roles, wrong=wrong)
        for name, table in found.identities.items()
    }
    applications = {
        name: application_of(table, name, vaults=vaults, roles=roles, folder=folder or Path(), wrong=wrong)
        for name, table in found.applications.items()
    }
    groups = {
        name: group_of(table, name, vaults=vaults, roles=roles, wrong=wrong) for name, table in found.groups.items()
    }
    check_names({"identities": identities, "applications": applications, "groups": groups}, wrong=wrong)
    for kind, members in (("identities", identities), ("applications", applications)):
        for name, member in members.items():
            check_groups(name, kind, member.groups, groups, wrong=wrong)
    for vault in vaults.values():
        check_policies(vault, identities, wrong=wrong)
    refuse_shared_ids(identities, wrong=wrong)
    return Config(
        tenant_id=found.tenant_id.lower() if found.tenant_id else _TENANT_ID,
        vaults=MappingProxyType(vaults),
        identities=MappingProxyType(identities),
        applications=MappingProxyType(applications),
        groups=MappingProxyType(groups),
        functions=FunctionsConfig(settings=MappingProxyType(found.functions.settings)),
        token_lifetimes=MappingProxyType(found.token_lifetimes),
        roles=roles,
        role_propagation_seconds=found.role_propagation_seconds,
        real=frozenset(found.real),
        warnings=tuple(_warnings(document, vaults, identities)),
    )


def config_of(given: Config | Path | str | None) -> Config:
    """Return what exists at the start: what is given, the contents of a file, or the example that comes with Keyless."""
    if given is None:
        return default_config()
    return load_config(Path(given)) if isinstance(given, (str, Path)) else given


def _warnings(
    document: Document, vaults: Mapping[str, VaultConfig], identities: Mapping[str, IdentityConfig]
) -> Iterator[str]:
    """Tell an empty file, and roles on secrets and keys that no vault starts with."""
    if not document.values:
        yield f"{document.source} is empty: the local Azure has no vault and no identity."
    there = {Scope.of(vault.name, "secret", each.name) for vault in vaults.values() for each in vault.secrets}
    there |= {Scope.of(vault.name, "key", each.name) for vault in vaults.values() for each in vault.keys}
    for name, identity in identities.items():
        for grant in identity.roles:
            if isinstance(grant.scope, ResourceScope) or grant.scope.name is None or grant.scope.kind == "certificate":
                continue
            if grant.scope not in there:
                place = document.place(("identities", name, "roles", str(grant.scope)))
                yield f"{place}: {name} has {grant.role} on {grant.scope}, and there is no such {grant.scope.kind} yet."
