"""Keys and certificates that code and tests make in a vault with one call."""

from __future__ import annotations

import base64
from functools import cached_property
from typing import TYPE_CHECKING, Any

from keyless.local.azure.keyvault.keys.vault_keys import Wanted
from keyless.local.azure.keyvault.objects.attributes import AttributeChange

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from keyless.local.azure.keyvault.certificates.vault_certificates import VaultCertificates
    from keyless.local.azure.keyvault.keys.vault_keys import VaultKeys
    from keyless.local.azure.keyvault.objects.stored import ObjectVersion
    from keyless.local.azure.keyvault.objects.vault_objects import Holder
    from keyless.local.azure.keyvault.secrets.vault_secrets import VaultSecrets


class Making:
    """A vault in which keys and certificates are made.

    Attributes:
        holder: What its objects are kept in.
        secrets: Its secrets, as the wire asks for them.
        keys: Its keys, likewise.
    """

    holder: Holder
    secrets: VaultSecrets
    keys: VaultKeys

    @cached_property
    def certificates(self) -> VaultCertificates:
        """Its certificates, as the wire asks for them."""
        from keyless.local.azure.keyvault.certificates.vault_certificates import VaultCertificates  # noqa: PLC0415 (few runs have a certificate, and it takes long to load)

        return VaultCertificates(self.holder, keys=self.keys, secrets=self.secrets)

    def create_key(
        self,
        name: str,
        kty: str = "RSA",
        *,
        size: int | None = None,
        curve: str | None = None,
        key_ops: Iterable[str] = (),
        enabled: bool = True,
        not_before: datetime | int | None = None,
        expires_on: datetime | int | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> ObjectVersion:
        """Make a new version of a key and make it the latest. Its private part stays in the vault.

        Args:
            name: The key's name.
            kty: Its type: RSA, RSA-HSM, EC or EC-HSM.
            size: Of an RSA key, in bits: 2048, 3072 or 4096. Such a key takes up to seconds to make.
            curve: Of an EC key: P-256, P-256K, P-384 or P-521.
            key_ops: What it may be used for, such as ``sign``; all that its type can unless given.
            enabled: Whether it may be used.
            not_before: From when on it encrypts, wraps and signs; a time with its zone, or Unix seconds.
            expires_on: Until when, likewise.
            tags: Free names and texts.

        Raises:
            ConfigurationError: If Key Vault would not make it.
            ObjectStateError: If a deleted key has the name.
        """
        change = AttributeChange.of(
            content_type=None, enabled=enabled, not_before=not_before, expires_on=expires_on, tags=tags
        )
        return self.keys.create(name, kty, Wanted(key_ops=tuple(key_ops), attributes=change), size=size, curve=curve)

    def import_key(self, name: str, jwk: Mapping[str, Any], *, hsm: bool = False) -> ObjectVersion:
        """Take a private JSON Web Key as a new version of a key.

        Raises:
            ConfigurationError: If Key Vault would not take it.
            ObjectStateError: If a deleted key has the name.
        """
        return self.keys.import_jwk(name, jwk, Wanted(key_ops=tuple(jwk.get("key_ops") or ())), hsm=hsm)

    def create_certificate(
        self,
        name: str,
        subject: str = "",
        *,
        issuer: str = "Self",
        dns_names: Iterable[str] = (),
        policy: Mapping[str, Any] | None = None,
        enabled: bool = True,
        tags: Mapping[str, str] | None = None,
    ) -> ObjectVersion:
        """Make a new version of a certificate and make it the latest, with its key and its secret. It is there at once.

        Args:
            name: The certificate's name.
            subject: Whom it is about, such as ``CN=contoso.com``.
            issuer: Who signs it: ``Self``, an issuer of the vault, or ``Unknown``, which leaves it to be merged.
            dns_names: The hosts that it is good for.
            policy: Other parts of its policy, as the REST API has them, such as ``key_props``.
            enabled: Whether it may be used.
            tags: Free names and texts.

        Returns:
            The version; without facts where it is to be merged.

        Raises:
            ConfigurationError: If Key Vault would not make it.
            ObjectStateError: If a deleted certificate has the name.
        """
        sans = {"dns_names": list(dns_names)} if dns_names else None
        said = {"subject": subject, "sans": sans, **dict((policy or {}).get("x509_props", {}))}
        given = {"issuer": {"name": issuer}, **(policy or {}), "x509_props": said}
        change = AttributeChange(enabled=enabled, tags=None if tags is None else dict(tags))
        from keyless.local.azure.keyvault.certificates.ordered import WantedCertificate  # noqa: PLC0415 (few runs have a certificate, and it takes long to load)

        return self.certificates.make(name, given, WantedCertificate(attributes=change))

    def import_certificate(
        self,
        name: str,
        content: bytes | str,
        *,
        password: str | None = None,
        policy: Mapping[str, Any] | None = None,
        enabled: bool = True,
        tags: Mapping[str, str] | None = None,
    ) -> ObjectVersion:
        """Take a certificate with its private key as a new version of a certificate.

        Args:
            name: The certificate's name.
            content: The bytes of a PFX or a PEM file, or the text of either.
            password: What it is encrypted with; None means that it is not.
            policy: What its policy is to be where it is not to be as the certificate says.
            enabled: Whether it may be used.
            tags: Free names and texts.

        Raises:
            ConfigurationError: If Key Vault would not take it.
            ObjectStateError: If a deleted certificate has the name.
        """
        value = base64.b64encode(content).decode() if isinstance(content, bytes) else content
        change = AttributeChange(enabled=enabled, tags=None if tags is None else dict(tags))
        from keyless.local.azure.keyvault.certificates.ordered import WantedCertificate  # noqa: PLC0415 (as above)

        return self.certificates.import_package(name, value, password, policy, WantedCertificate(attributes=change))
