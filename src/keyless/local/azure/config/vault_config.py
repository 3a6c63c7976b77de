"""The vaults of a keyless.toml, and the secrets in them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from msgspec import field

from keyless.errors import ConfigurationError
from keyless.local.azure.config.certificate_config import CertificateConfig, certificate_of
from keyless.local.azure.config.declaration import SecretTable
from keyless.local.azure.config.key_config import KeyConfig, key_of
from keyless.local.azure.config.texts import texts
from keyless.local.azure.config.value_kinds import NETWORKS
from keyless.local.azure.keyvault.firewall import Firewall, Perimeter
from keyless.local.azure.keyvault.objects.attributes import AttributeChange, Attributes
from keyless.local.azure.keyvault.policies import PERMISSIONS, check_permissions
from keyless.local.azure.keyvault.secrets.limits import check_secret
from keyless.local.azure.keyvault.settings import VaultSettings
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from keyless.local.azure.config.declaration import PerimeterTable, VaultTable
    from keyless.local.azure.config.declared import Wrong


class SecretConfig(Record, frozen=True, kw_only=True):
    """A secret that a vault starts with; the value is in no representation."""

    hidden: ClassVar[frozenset[str]] = frozenset({"value"})

    name: str
    value: str
    attributes: Attributes = field(default_factory=Attributes)


class VaultConfig(Record, frozen=True, kw_only=True):
    """A vault.

    Attributes:
        name: Its name, the first label of its host.
        settings: Its settings.
        secrets: The secrets it starts with.
        keys: The keys that it makes at the start.
        certificates: The certificates that it makes or imports at the start.
        policies: The permissions by the name of the identity.
    """

    name: str
    settings: VaultSettings = field(default_factory=VaultSettings)
    secrets: tuple[SecretConfig, ...] = ()
    keys: tuple[KeyConfig, ...] = ()
    certificates: tuple[CertificateConfig, ...] = ()
    policies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def vault_of(table: VaultTable, name: str, *, wrong: Wrong) -> VaultConfig:
    """Return a vault.

    Raises:
        ConfigurationError: If it has settings that do not go together, or a secret that is too large.
    """
    path = ("vaults", name)
    if table.purge_protection and not table.soft_delete_days:
        allowed = "soft_delete_days of 7 to 90 with it"
        raise wrong((*path, "purge_protection"), "there is no soft delete", allowed)
    settings = VaultSettings(
        cloud=table.cloud,
        tenant_id=table.tenant_id and table.tenant_id.lower(),
        soft_delete_days=table.soft_delete_days,
        purge_protection=table.purge_protection,
        deletion_seconds=table.deletion_seconds,
        recovery_seconds=table.recovery_seconds,
        issuance_seconds=table.issuance_seconds,
        access=table.access or ("rbac" if table.policies is None else "policies"),
        firewall=_firewall(table, path=path, wrong=wrong),
        limits=table.limits,
    )
    return VaultConfig(
        name=name,
        settings=settings,
        secrets=tuple(
            _secret(key, said, path=(*path, "secrets", key), wrong=wrong) for key, said in table.secrets.items()
        ),
        certificates=tuple(
            certificate_of(key, said, path=(*path, "certificates", key), wrong=wrong)
            for key, said in table.certificates.items()
        ),
        keys=tuple(key_of(key, said, path=(*path, "keys", key), wrong=wrong) for key, said in table.keys.items()),
        policies=MappingProxyType({key: texts(held) for key, held in (table.policies or {}).items()}),
    )


def attributes_of(table: SecretTable) -> Attributes:
    """Return what is known of a secret besides its value."""
    change = AttributeChange.of(
        content_type=table.content_type,
        enabled=table.enabled,
        not_before=table.not_before,
        expires_on=table.expires_on,
        tags=table.tags,
    )
    return Attributes().changed(change)


def check_policies(vault: VaultConfig, identities: Collection[str], *, wrong: Wrong) -> None:
    """Refuse the access policies of identities that there are not, and permissions that there are not.

    Raises:
        ConfigurationError: If there is one.
    """
    for name, permissions in vault.policies.items():
        path = ("vaults", vault.name, "policies", name)
        if name not in identities:
            raise wrong(path, f"there is no identity {name!r}", ", ".join(identities) or "nothing: there is none")
        try:
            check_permissions(permissions)
        except ConfigurationError as error:
            raise wrong(path, error.what.removesuffix("."), ", ".join((*PERMISSIONS, "all"))) from None


def _firewall(table: VaultTable, *, path: tuple[str, ...], wrong: Wrong) -> Firewall:
    networks = None if table.firewall is None else texts(table.firewall)
    around, allowed = table.perimeter, (*path, "perimeter", "allowed")
    perimeter = None if around is None else _perimeter(around, path=allowed, wrong=wrong)
    try:
        return Firewall.of(networks, public_network_access=table.public_network_access, perimeter=perimeter)
    except ConfigurationError as error:
        raise wrong((*path, "firewall"), error.what.removesuffix("."), NETWORKS) from None


def _perimeter(table: PerimeterTable, *, path: tuple[str, ...], wrong: Wrong) -> Perimeter:
    try:
        return Perimeter.of(texts(table.allowed), subscriptions=texts(table.subscriptions), enforced=table.enforced)
    except ConfigurationError as error:
        raise wrong(path, error.what.removesuffix("."), NETWORKS) from None


def _secret(name: str, said: str | SecretTable, *, path: tuple[str, ...], wrong: Wrong) -> SecretConfig:
    table = SecretTable(value=said) if isinstance(said, str) else said
    secret = SecretConfig(name=name, value=table.value, attributes=attributes_of(table))
    try:
        check_secret(secret.value, secret.attributes)
    except ConfigurationError as error:
        raise wrong(path, error.what.removesuffix("."), error.cause.removesuffix(".")) from None
    return secret
