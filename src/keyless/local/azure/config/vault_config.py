"""The vaults of a keyless.toml."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from keyless.clouds import CLOUDS
from keyless.errors import ConfigurationError
from keyless.local.azure.keyvault.firewall import SECURED_BY_PERIMETER, Firewall, Perimeter
from keyless.local.azure.keyvault.objects.attributes import Attributes, seconds
from keyless.local.azure.keyvault.secrets.limits import check_secret
from keyless.local.azure.keyvault.settings import VaultSettings
from keyless.secret_id import check_secret_name, check_vault_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.config.toml_table import Table

SECRET_NAMES = "1 to 127 letters, digits and hyphens"  # noqa: S105 (what names may be)
_NETWORKS = "addresses and ranges, such as 203.0.113.0/24"
_VAULT_KEYS = (
    *("cloud", "tenant_id", "secrets", "access", "policies", "firewall", "public_network_access", "perimeter"),
    "limits",
    *("soft_delete_days", "purge_protection", "deletion_seconds", "recovery_seconds"),
)


_DEFAULTS = VaultSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretConfig:
    """A secret that a vault starts with; the value is in no representation."""

    name: str
    value: str = field(repr=False)
    attributes: Attributes = field(default_factory=Attributes)


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultConfig:
    """A vault.

    Attributes:
        name: Its name, the first label of its host.
        settings: Its settings.
        secrets: The secrets it starts with.
        policies: The secret permissions by the name of the identity.
    """

    name: str
    settings: VaultSettings = field(default_factory=VaultSettings)
    secrets: tuple[SecretConfig, ...] = ()
    policies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_vault(vaults: Table, name: str) -> VaultConfig:
    """Read one vault of a keyless.toml.

    Raises:
        ConfigurationError: If something in it is wrong.
    """
    try:
        check_vault_url(f"https://{name}.{CLOUDS[0].vault_suffix}")
    except ConfigurationError:
        allowed = "3 to 24 letters, digits and single hyphens, starting with a letter"
        raise vaults.wrong(name, "not a name that a vault can have", allowed) from None
    table = vaults.table(name)
    table.check_keys(_VAULT_KEYS)
    names = [cloud.name for cloud in CLOUDS]
    cloud = table.text("cloud") or names[0]
    if cloud not in names:
        raise table.wrong("cloud", f"there is no cloud {cloud!r}", ", ".join(names))
    secrets = table.table("secrets")
    found = tuple(_secret(secrets, key) for key in secrets)
    secrets.refuse_twins()
    access = table.text("access") or ("policies" if "policies" in table else "rbac")
    if access not in {"rbac", "policies"}:
        raise table.wrong("access", f"there is no access {access!r}", "rbac, policies")
    policies = table.table("policies")
    return VaultConfig(
        name=name,
        settings=VaultSettings(
            cloud=cloud,
            tenant_id=table.guid("tenant_id"),
            soft_delete_days=_soft_delete_days(table),
            purge_protection=table.flag("purge_protection", default=False),
            deletion_seconds=table.number("deletion_seconds", default=_DEFAULTS.deletion_seconds, lowest=0.0),
            recovery_seconds=table.number("recovery_seconds", default=_DEFAULTS.recovery_seconds, lowest=0.0),
            access="policies" if access == "policies" else "rbac",
            firewall=_firewall(table),
            limits=table.flag("limits", default=False),
        ),
        secrets=found,
        policies=MappingProxyType({key: policies.texts(key) for key in policies}),
    )


def _soft_delete_days(table: Table) -> int:
    days = table.number("soft_delete_days", default=90.0, lowest=0.0)
    if days and (not 7 <= days <= 90 or days != int(days)):  # noqa: PLR2004 (Azure's own bounds)
        raise table.wrong("soft_delete_days", f"it is {days:g}", "a whole number from 7 to 90, or 0 for no soft delete")
    if not days and table.flag("purge_protection", default=False):
        raise table.wrong("purge_protection", "there is no soft delete", "soft_delete_days of 7 to 90 with it")
    return int(days)


def _firewall(table: Table) -> Firewall:
    networks = table.texts("firewall") if "firewall" in table else None
    access, perimeter = _public_network_access(table), _perimeter(table) if "perimeter" in table else None
    try:
        return Firewall.of(networks, public_network_access=access, perimeter=perimeter)
    except ConfigurationError as error:
        raise table.wrong("firewall", error.what.removesuffix("."), _NETWORKS) from None


def _public_network_access(table: Table) -> bool | Literal["perimeter"]:
    key = "public_network_access"
    if not table.is_text(key):
        return table.flag(key, default=True)
    if (text := table.text(key)) != SECURED_BY_PERIMETER:
        raise table.wrong(key, f"it is {text!r}", f'true, false or "{SECURED_BY_PERIMETER}"')
    return SECURED_BY_PERIMETER


def _perimeter(vault: Table) -> Perimeter:
    table = vault.table("perimeter")
    table.check_keys(("allowed", "subscriptions", "enforced"))
    try:
        return Perimeter.of(
            table.texts("allowed"),
            subscriptions=table.texts("subscriptions"),
            enforced=table.flag("enforced", default=True),
        )
    except ConfigurationError as error:
        raise table.wrong("allowed", error.what.removesuffix("."), _NETWORKS) from None


def _secret(secrets: Table, name: str) -> SecretConfig:
    if not is_secret_name(name):
        raise secrets.wrong(name, "not a name that a secret can have", SECRET_NAMES)
    secret = _plain_secret(secrets, name) if secrets.is_text(name) else _full_secret(secrets, name)
    try:
        check_secret(secret.value, secret.attributes)
    except ConfigurationError as error:
        raise secrets.wrong(name, error.what.removesuffix("."), error.cause.removesuffix(".")) from None
    return secret


def _plain_secret(secrets: Table, name: str) -> SecretConfig:
    return SecretConfig(name=name, value=secrets.text(name) or "")


def _full_secret(secrets: Table, name: str) -> SecretConfig:
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
        attributes=Attributes(
            content_type=table.text("content_type"),
            enabled=table.flag("enabled", default=True),
            not_before=seconds("not_before", table.moment("not_before")),
            expires_on=seconds("expires_on", table.moment("expires_on")),
            tags=MappingProxyType(table.table("tags").strings()),
        ),
    )


def is_secret_name(name: str) -> bool:
    """Say whether a secret can have a name."""
    try:
        check_secret_name(name)
    except ConfigurationError:
        return False
    return True
