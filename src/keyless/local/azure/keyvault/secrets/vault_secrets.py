"""The secrets of a vault."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from keyless.local.azure.keyvault.objects.attributes import Attributes
from keyless.local.azure.keyvault.objects.stored import ObjectVersion
from keyless.local.azure.keyvault.objects.vault_objects import VaultObjects
from keyless.local.azure.keyvault.secrets.limits import check_secret
from keyless.secret_id import check_secret_name

if TYPE_CHECKING:
    from keyless.local.azure.keyvault.objects.attributes import AttributeChange


class VaultSecrets(VaultObjects):
    """The secrets of a vault."""

    def set(self, name: str, value: str, attributes: Attributes) -> ObjectVersion:
        """Store a new version of a secret and make it the latest.

        Raises:
            ConfigurationError: If Key Vault would not accept it.
            ObjectStateError: If a deleted secret has the name.
        """
        check_secret_name(name)
        check_secret(value, attributes)
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
        return self._update(name, version, change)
