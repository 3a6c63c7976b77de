"""Makes in a vault what a keyless.toml lists, unless something of that name is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.azure.keyvault.keys.vault_keys import Wanted
from keyless.local.azure.keyvault.objects.life import ObjectState

if TYPE_CHECKING:
    from keyless.local.azure.config.certificate_config import CertificateConfig
    from keyless.local.azure.config.key_config import KeyConfig
    from keyless.local.azure.config.vault_config import VaultConfig
    from keyless.local.azure.keyvault.objects.stored import ObjectVersion
    from keyless.local.azure.keyvault.vault import Vault

_PROVIDER = "Test"


def seed_vault(vault: Vault, config: VaultConfig) -> None:
    """Make the secrets, keys and certificates of a vault that its store does not have."""
    for secret in config.secrets:
        # A store that was kept holds what was set since.
        if vault.secrets.state_of(secret.name) is ObjectState.ABSENT:
            vault.secrets.set(secret.name, secret.value, secret.attributes)
    for key in config.keys:
        seed_key(vault, key)
    for certificate in config.certificates:
        seed_certificate(vault, certificate)


def seed_key(vault: Vault, key: KeyConfig) -> bool:
    """Make a key unless the vault has one of its name, deleted or not; return whether it was made."""
    if vault.keys.state_of(key.name) is not ObjectState.ABSENT:
        return False
    wanted = Wanted(key_ops=key.key_ops, attributes=key.attributes)
    vault.keys.create(key.name, key.kty, wanted, size=key.size, curve=key.curve)
    return True


def seed_certificate(vault: Vault, certificate: CertificateConfig) -> bool:
    """Make or import a certificate unless the vault has one of its name, deleted or not; return whether it was made."""
    if vault.certificates.state_of(certificate.name) is not ObjectState.ABSENT:
        return False
    keep_certificate(vault, certificate)
    return True


def keep_certificate(vault: Vault, certificate: CertificateConfig) -> ObjectVersion:
    """Make or import a new version of a certificate; an issuer that the vault does not know is made for it."""
    from keyless.local.azure.keyvault.certificates.ordered import WantedCertificate  # noqa: PLC0415 (few runs have a certificate, and it takes long to load)

    wanted = WantedCertificate(attributes=certificate.attributes)
    if certificate.value is not None:
        return vault.certificates.import_package(
            certificate.name, certificate.value, certificate.password, certificate.policy, wanted
        )
    issuer = str(certificate.policy["issuer"]["name"])
    records = vault.certificates.records
    if issuer.lower() not in {"self", "unknown"} and records.issuer(issuer) is None:
        records.set_issuer(issuer, {"provider": _PROVIDER}, now=vault.certificates.now())
    return vault.certificates.make(certificate.name, certificate.policy, wanted)
