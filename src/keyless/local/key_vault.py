"""A vault of the local Azure, as Python code sees it; ``local/vault/`` is what the wire sees."""

from __future__ import annotations

import math
import uuid
from datetime import datetime
from typing import TYPE_CHECKING

from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local.limits import check_secret
from keyless.local.store import SecretProperties, SecretVersion, Store
from keyless.secret_id import check_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keyless.clouds import Cloud
    from keyless.local.clock import Clock

# As recorded in 2022: https://github.com/Azure/azure-sdk-for-python/tree/main/sdk/keyvault/azure-keyvault-secrets
DELETION_SECONDS = 4.0
RECOVERY_SECONDS = 4.0
_PAGE = 100
_RETENTION_DAYS = range(7, 91)


class Vault:
    """One vault and its secrets.

    Attributes:
        name: Its name, as it was given.
        cloud: The Azure cloud it is in.
        tenant_id: The tenant whose tokens it accepts.
        host: Its host, such as ``contoso-kv.vault.azure.net``.
        url: Its address, such as ``https://contoso-kv.vault.azure.net``.
        resource_id: Its ARM id.
        soft_delete_days: For how long a deleted secret can be recovered: 7 to 90 days; 0 means that deleting is for good,
            as in vaults made before 2020.
        purge_protection: Whether deleted secrets stay for all those days, whoever wants them purged.
        deletion_seconds: How long a deletion takes after it was answered, and a purge too; during it the secret's name
            answers to nothing.
        recovery_seconds: How long a recovery takes after it was answered.
    """

    def __init__(
        self,
        name: str,
        *,
        cloud: Cloud,
        tenant_id: str,
        group_id: str,
        store: Store,
        clock: Clock,
        soft_delete_days: int = 90,
        purge_protection: bool = False,
        deletion_seconds: float = DELETION_SECONDS,
        recovery_seconds: float = RECOVERY_SECONDS,
    ) -> None:
        _check_recovery(name, soft_delete_days, deletion_seconds, recovery_seconds, purge_protection=purge_protection)
        self.name = name
        self.cloud = cloud
        self.tenant_id = tenant_id
        self.host = f"{name.lower()}.{cloud.vault_suffix}"
        self.url = f"https://{self.host}"
        self.resource_id = f"{group_id}/providers/Microsoft.KeyVault/vaults/{name}"
        self.soft_delete_days = soft_delete_days
        self.purge_protection = purge_protection
        self.deletion_seconds = deletion_seconds
        self.recovery_seconds = recovery_seconds
        self._store = store
        self._clock = clock

    def __repr__(self) -> str:
        return f"Vault({self.url!r})"

    def set_secret(
        self,
        name: str,
        value: str,
        *,
        content_type: str | None = None,
        enabled: bool = True,
        not_before: datetime | int | None = None,
        expires_on: datetime | int | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> SecretVersion:
        """Store a new version of a secret and make it the latest.

        Args:
            name: The secret's name.
            value: Its value.
            content_type: Free text about the value.
            enabled: Whether the value may be read.
            not_before: When the value becomes valid; a time with its zone, or Unix seconds. Clients heed it, not vaults.
            expires_on: When it ceases to be valid, likewise.
            tags: Free names and texts.

        Returns:
            The version as stored.

        Raises:
            ConfigurationError: If Key Vault would not accept it.
        """
        check_secret_name(name)
        now = int(self._clock.now())
        secret = SecretVersion(
            name=name,
            value=value,
            version=uuid.uuid4().hex,
            content_type=content_type,
            enabled=enabled,
            not_before=_seconds("not_before", not_before),
            expires_on=_seconds("expires_on", expires_on),
            created_on=now,
            updated_on=now,
            tags=dict(tags or {}),
        )
        check_secret(
            value=value,
            content_type=content_type,
            not_before=secret.not_before,
            expires_on=secret.expires_on,
            tags=secret.tags,
        )
        return self._store.put(self.name, secret)

    def find_secret(self, name: str, version: str | None = None) -> SecretVersion | None:
        """Return a version of a secret, the latest unless one is named; None where there is none."""
        return self._store.get(self.name, name, version)

    def get_secret(self, name: str, version: str | None = None) -> SecretVersion:
        """Return a version of a secret, the latest unless one is named.

        Raises:
            LocalAzureError: If there is none.
        """
        found = self.find_secret(name, version)
        if found is None:
            wanted = f"{name}/{version}" if version else name
            raise LocalAzureError(
                f"The vault {self.name} has no secret {wanted!r}.",
                cause="No such secret, or no such version of it, was set.",
                remedy=f"Set it: azure.vault({self.name!r}).set_secret({name!r}, ...).",
            )
        return found

    def list_secrets(self) -> Iterator[SecretProperties]:
        """Go through the secrets by name, each with the properties of its latest version."""
        start = ""
        while page := self.page_of_secrets(start=start, size=_PAGE):
            yield from page[:-1]
            if len(page) <= _PAGE:
                yield page[-1]
                return
            start = page[-1].name

    def page_of_secrets(self, *, start: str, size: int) -> list[SecretProperties]:
        """Return up to ``size`` secrets from the name ``start`` on, and the one after them where there is one."""
        return self._store.list_secrets(self.name, start=start, limit=size + 1)

    def page_of_versions(self, name: str, *, start: str, size: int) -> list[SecretProperties]:
        """Return up to ``size`` versions from the id ``start`` on, and the one after them where there is one."""
        return self._store.list_versions(self.name, name, start=start, limit=size + 1)


def _seconds(field: str, moment: datetime | int | None) -> int | None:
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        raise ConfigurationError(
            f"{field} has no time zone.",
            cause="A time without its zone means another moment on another machine.",
            remedy="Give it one: datetime(2030, 1, 31, tzinfo=UTC).",
        )
    return int(moment.timestamp())


def _check_recovery(name: str, days: int, *delays: float, purge_protection: bool) -> None:
    if days != 0 and days not in _RETENTION_DAYS:
        raise ConfigurationError(
            f"The vault {name} cannot keep deleted secrets for soft_delete_days={days}.",
            cause="Key Vault keeps them for 7 to 90 days.",
            remedy="Give 7 to 90, or 0 for a vault without soft delete.",
        )
    if purge_protection and not days:
        raise ConfigurationError(
            f"The vault {name} cannot have purge_protection.",
            cause="Its soft_delete_days are 0, so that there is nothing to protect.",
            remedy="Give it 7 to 90 soft_delete_days.",
        )
    if not all(0 <= delay < math.inf for delay in delays):
        raise ConfigurationError(
            f"The vault {name} cannot have deletion_seconds={delays[0]} and recovery_seconds={delays[1]}.",
            cause="A delay is a number of seconds that is not negative.",
            remedy="Give 0 for a change that is done at once.",
        )
