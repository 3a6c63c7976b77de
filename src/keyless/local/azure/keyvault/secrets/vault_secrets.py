"""The secrets of a vault."""

from __future__ import annotations

import uuid
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet
from msgspec.structs import replace

from keyless.local.azure.keyvault.keys.facts import new_cipher_key
from keyless.local.azure.keyvault.objects.attributes import Attributes
from keyless.local.azure.keyvault.objects.stored import ObjectVersion
from keyless.local.azure.keyvault.objects.vault_objects import VaultObjects
from keyless.local.azure.keyvault.secrets.limits import check_secret
from keyless.secret_id import check_secret_name

if TYPE_CHECKING:
    from keyless.local.azure.keyvault.objects.attributes import AttributeChange


class VaultSecrets(VaultObjects):
    """The secrets of a vault."""

    def find(self, name: str, version: str | None = None) -> ObjectVersion | None:
        """Return a version, the latest unless one is named; None where there is none."""
        found = super().find(name, version)
        if found is None or not found.facts.get("managed"):
            return found
        return replace(found, value=Fernet(self._cipher_key).decrypt(found.value).decode())

    def keep_managed(self, version: ObjectVersion, value: str, *, content_type: str) -> ObjectVersion:
        """Keep the secret of a certificate, which goes with it wherever it goes, encrypted: it holds a private key.

        Args:
            version: Its name, version and attributes, which are those of the certificate; the value is not looked at.
            value: The certificate with its key.
            content_type: How that is written.

        Raises:
            ObjectStateError: If a deleted secret has the name.
        """
        attributes = replace(version.attributes, content_type=content_type)
        sealed = Fernet(self._cipher_key).encrypt(value.encode()).decode()
        return self._keep(replace(version, attributes=attributes, facts={"managed": True}, value=sealed))

    def set(self, name: str, value: str, attributes: Attributes, *, owner_checked: bool = False) -> ObjectVersion:
        """Store a new version of a secret and make it the latest.

        Args:
            name: Its name.
            value: Its value.
            attributes: What is known of it besides.
            owner_checked: Whether it is known that the secret belongs to no certificate.

        Raises:
            ConfigurationError: If Key Vault would not accept it.
            ObjectStateError: If a deleted secret has the name.
            ManagedObjectError: If the secret belongs to a certificate.
        """
        check_secret_name(name)
        check_secret(value, attributes)
        if not owner_checked:
            self._check_owner(name)
        now = int(self._clock.now())
        return self._keep(
            ObjectVersion(
                name=name,
                version=uuid.uuid4().hex,
                attributes=attributes,
                created_on=now,
                updated_on=now,
                value=value,
            )
        )

    def update(self, name: str, version: str | None, change: AttributeChange) -> ObjectVersion | None:
        """Change attributes of a version, the latest unless one is named; what is not given stays as it is.

        Returns:
            The version as it is then; None where there is none.

        Raises:
            ConfigurationError: If Key Vault would not accept it.
        """
        check_secret("", Attributes().changed(change))
        self._check_owner(name)
        return self._update(name, version, change)

    @cached_property
    def _cipher_key(self) -> bytes:
        return self._database.key("keys", new_cipher_key)
