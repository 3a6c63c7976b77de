"""A vault of the local Azure, as Python code sees it; ``local/vault/`` is what the wire sees."""

from __future__ import annotations

import uuid
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local.azure.authorization.roles import Scope
from keyless.local.azure.keyvault.backup.backup import new_backup_key, open_backup, seal_backup
from keyless.local.azure.keyvault.firewall import Firewall
from keyless.local.azure.keyvault.policies import check_permissions
from keyless.local.azure.keyvault.secrets.limits import check_secret
from keyless.local.azure.keyvault.secrets.secret import (
    DeletedSecret,
    NewVersion,
    SecretProperties,
    SecretState,
    SecretStateError,
    SecretVersion,
)
from keyless.local.azure.keyvault.soft_delete import DELETION_SECONDS, RECOVERY_SECONDS, check_soft_delete
from keyless.local.azure.keyvault.throttle import Throttle
from keyless.secret_id import check_secret_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from keyless.clouds import Cloud
    from keyless.local.azure.identities.managed_identity import Identity
    from keyless.local.azure.keyvault.secrets.store import Store
    from keyless.local.clock import Clock

_PAGE = 100
_DAY = 86_400


class Vault:
    """One vault and its secrets.

    Attributes:
        name: Its name, as it was given.
        cloud: The Azure cloud it is in.
        tenant_id: The tenant whose tokens it accepts.
        region: The Azure region that it says it is in.
        host: Its host, such as ``contoso-kv.vault.azure.net``.
        url: Its address, such as ``https://contoso-kv.vault.azure.net``.
        resource_id: Its ARM id.
        soft_delete_days: For how long a deleted secret can be recovered: 7 to 90 days; 0 means that deleting is for good,
            as in vaults made before 2020.
        purge_protection: Whether deleted secrets stay for all those days, whoever wants them purged.
        deletion_seconds: How long a deletion takes after it was answered, and a purge too; during it the secret's name
            answers to nothing.
        recovery_seconds: How long a recovery takes after it was answered.
        access: Whether roles or access policies say who may do what.
        firewall: Its network rules.
        throttle: Its limit on requests; None lets any number in.
    """

    def __init__(
        self,
        name: str,
        *,
        cloud: Cloud,
        tenant_id: str,
        group_id: str,
        region: str,
        store: Store,
        clock: Clock,
        announce: Callable[[NewVersion], None],
        soft_delete_days: int = 90,
        purge_protection: bool = False,
        deletion_seconds: float = DELETION_SECONDS,
        recovery_seconds: float = RECOVERY_SECONDS,
    ) -> None:
        check_soft_delete(name, soft_delete_days, deletion_seconds, recovery_seconds, purge_protection=purge_protection)
        self.name = name
        self.cloud = cloud
        self.tenant_id = tenant_id
        self.region = region
        self.host = f"{name.lower()}.{cloud.vault_suffix}"
        self.url = f"https://{self.host}"
        self.resource_id = f"{group_id}/providers/Microsoft.KeyVault/vaults/{name}"
        self.soft_delete_days = soft_delete_days
        self.purge_protection = purge_protection
        self.deletion_seconds = deletion_seconds
        self.recovery_seconds = recovery_seconds
        self.access: Literal["rbac", "policies"] = "rbac"
        self.firewall = Firewall()
        self.throttle: Throttle | None = None
        self._policies: dict[str, frozenset[str]] = {}
        self._store = store
        self._clock = clock
        self._announce = announce

    def __repr__(self) -> str:
        return f"Vault({self.url!r})"

    @property
    def scope(self) -> Scope:
        """Where a role on the whole vault holds."""
        return Scope.parse(self.name)

    @property
    def policies(self) -> Mapping[str, frozenset[str]]:
        """The access policies: what each object id may do with secrets."""
        return MappingProxyType(self._policies)

    def set_policy(self, identity: Identity, permissions: Iterable[str]) -> None:
        """Say by an access policy what an identity may do with every secret here; nothing takes its policy away.

        The vault goes by access policies from then on, and roles do nothing, as in Azure.

        Raises:
            ConfigurationError: If a permission is none.
        """
        checked = check_permissions(permissions)
        self.access = "policies"
        others = {object_id: held for object_id, held in self._policies.items() if object_id != identity.object_id}
        self._policies = {**others, identity.object_id: checked} if checked else others

    def keep_limits(self) -> None:
        """Turn away what is above Azure's limit: 4,000 requests in ten seconds."""
        self.throttle = Throttle(self._clock)

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
            SecretStateError: If a deleted secret has the name.
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
        stored = self._store.put(self.name, secret, now=self._clock.now())
        self._announce(NewVersion(vault=self.name, vault_url=self.url, resource_id=self.resource_id, properties=stored))
        return stored

    def find_secret(self, name: str, version: str | None = None) -> SecretVersion | None:
        """Return a version of a secret, the latest unless one is named; None where there is none."""
        return self._store.get(self.name, name, version, now=self._clock.now())

    def get_secret(self, name: str, version: str | None = None) -> SecretVersion:
        """Return a version of a secret, the latest unless one is named.

        Raises:
            LocalAzureError: If there is none.
        """
        found = self.find_secret(name, version)
        if found is None:
            raise self._missing(name, version)
        return found

    def update_secret(
        self,
        name: str,
        version: str | None = None,
        *,
        content_type: str | None = None,
        enabled: bool | None = None,
        not_before: datetime | int | None = None,
        expires_on: datetime | int | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> SecretVersion:
        """Change properties of a version, the latest unless one is named; what is not given stays as it is.

        Raises:
            ConfigurationError: If Key Vault would not accept it.
            LocalAzureError: If there is no such version.
        """
        now = self._clock.now()
        begins, ends = _seconds("not_before", not_before), _seconds("expires_on", expires_on)
        check_secret(value="", content_type=content_type, not_before=begins, expires_on=ends, tags=tags or {})
        found = self._store.update(
            self.name,
            name,
            version,
            content_type=content_type,
            enabled=enabled,
            not_before=begins,
            expires_on=ends,
            tags=tags,
            updated_on=int(now),
            now=now,
        )
        if found is None:
            raise self._missing(name, version)
        return found

    def state_of(self, name: str) -> SecretState:
        """Return where a secret is in its life: whether it is active, deleted, or on its way."""
        return self._store.state(self.name, name, now=self._clock.now())

    def delete_secret(self, name: str) -> DeletedSecret | None:
        """Delete a secret with all its versions, so that it can be recovered until it is purged.

        Returns:
            The deleted secret; None where the vault has no soft delete, and the secret is gone.

        Raises:
            SecretStateError: If there is no such secret, or it is deleted already.
        """
        now = self._clock.now()
        secret = self._store.get(self.name, name, now=now)
        if secret is None:
            raise SecretStateError(name, self.state_of(name))
        if not self.soft_delete_days:
            self._store.purge(self.name, name, now=now, settles_on=now, state=SecretState.ACTIVE)
            return None
        purge_on = int(now) + self.soft_delete_days * _DAY
        self._store.delete(self.name, name, now=now, settles_on=now + self.deletion_seconds, purge_on=purge_on)
        return DeletedSecret(properties=secret, deleted_on=int(now), scheduled_purge_on=purge_on)

    def recover_deleted_secret(self, name: str) -> SecretProperties:
        """Make a deleted secret an active one again, with all its versions.

        Raises:
            SecretStateError: If it is not deleted.
        """
        now = self._clock.now()
        deleted = self._store.get_deleted(self.name, name, now=now)
        if deleted is None:
            raise SecretStateError(name, self.state_of(name))
        self._store.recover(self.name, name, now=now, settles_on=now + self.recovery_seconds)
        return deleted.properties

    def purge_deleted_secret(self, name: str) -> None:
        """Forget a deleted secret for good. Purge protection does not hold back whoever calls this in Python.

        Raises:
            SecretStateError: If it is not deleted.
        """
        now = self._clock.now()
        settles_on = now + self.deletion_seconds
        self._store.purge(self.name, name, now=now, settles_on=settles_on, state=SecretState.DELETED)

    def find_deleted_secret(self, name: str) -> DeletedSecret | None:
        """Return a deleted secret; None where there is none."""
        return self._store.get_deleted(self.name, name, now=self._clock.now())

    def backup_secret(self, name: str) -> bytes:
        """Return every version of a secret, encrypted so that only this local Azure, or one on its ``data``, restores it.

        Raises:
            SecretStateError: If there is no such secret.
        """
        versions = self._store.all_versions(self.name, name, now=self._clock.now())
        if not versions:
            raise SecretStateError(name, self.state_of(name))
        return seal_backup(versions, self._backup_key())

    def restore_secret(self, backup: bytes) -> SecretVersion:
        """Bring back every version of a secret that was backed up, from this vault or another, as it was.

        Returns:
            The latest version.

        Raises:
            CorruptBackupError: If the backup is not, bit for bit, one that was made here.
            SecretStateError: If there is a secret of that name, deleted or not.
        """
        versions = open_backup(backup, self._backup_key())
        try:
            self._store.restore(self.name, versions, now=self._clock.now())
        except SecretStateError as error:
            raise SecretStateError(error.name, error.state, version=versions[-1].version) from None
        return versions[-1]

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
        return self._store.list_secrets(self.name, start=start, limit=size + 1, now=self._clock.now())

    def page_of_versions(self, name: str, *, start: str, size: int) -> list[SecretProperties]:
        """Return up to ``size`` versions from the id ``start`` on, and the one after them where there is one."""
        return self._store.list_versions(self.name, name, start=start, limit=size + 1, now=self._clock.now())

    def page_of_deleted_secrets(self, *, start: str, size: int) -> list[DeletedSecret]:
        """Return up to ``size`` deleted secrets from the name ``start`` on, and the one after them if there is one."""
        return self._store.list_deleted(self.name, start=start, limit=size + 1, now=self._clock.now())

    def _backup_key(self) -> bytes:
        return self._store.key("backup", new_backup_key)

    def _missing(self, name: str, version: str | None) -> LocalAzureError:
        wanted = f"{name}/{version}" if version else name
        return LocalAzureError(
            f"The vault {self.name} has no secret {wanted!r}.",
            cause="No such secret, or no such version of it, was set.",
            remedy=f"Set it: azure.vault({self.name!r}).set_secret({name!r}, ...).",
        )


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
