"""A vault of the local Azure, as Python code sees it; ``local/wire/keyvault/`` is what the wire sees."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

from msgspec.structs import replace

from keyless.clouds import CLOUDS
from keyless.errors import LocalAzureError
from keyless.local.azure.authorization.roles import Scope
from keyless.local.azure.keyvault.keys.vault_keys import VaultKeys
from keyless.local.azure.keyvault.making import Making
from keyless.local.azure.keyvault.objects.attributes import AttributeChange, Attributes
from keyless.local.azure.keyvault.objects.stored import ObjectEvent
from keyless.local.azure.keyvault.objects.vault_objects import Holder
from keyless.local.azure.keyvault.policies import check_permissions
from keyless.local.azure.keyvault.secrets.vault_secrets import VaultSecrets
from keyless.local.azure.keyvault.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from keyless.clouds import Cloud
    from keyless.local.azure.identities.principal import Principal
    from keyless.local.azure.keyvault.firewall import Firewall
    from keyless.local.azure.keyvault.objects.store import ObjectStore
    from keyless.local.azure.keyvault.objects.stored import DeletedObject, Happened, ObjectProperties, ObjectVersion
    from keyless.local.azure.keyvault.policies import Permissions
    from keyless.local.azure.keyvault.settings import VaultSettings
    from keyless.local.azure.storage.database import Database
    from keyless.local.clock import Clock
    from keyless.local.operations import Kind


class Vault(Making):
    """One vault and what is in it.

    Attributes:
        name: Its name, as it was given.
        cloud: The Azure cloud it is in.
        region: The Azure region that it reports.
        group_id: The ARM id of its resource group.
        host: Its host, such as ``contoso-kv.vault.azure.net``.
        url: Its address, such as ``https://contoso-kv.vault.azure.net``.
        resource_id: Its ARM id.
        secrets: Its secrets, as the wire asks for them.
        keys: Its keys, likewise; ``certificates`` has its certificates.
        throttle: Counts its requests, where its settings limit them.
    """

    def __init__(
        self,
        name: str,
        *,
        settings: VaultSettings,
        tenant_id: str,
        group_id: str,
        region: str,
        store: ObjectStore,
        database: Database,
        clock: Clock,
        announce: Callable[[ObjectEvent], None],
    ) -> None:
        settings.check(name)
        self.name = name
        self.cloud: Cloud = next(cloud for cloud in CLOUDS if cloud.name == settings.cloud)
        self.region = region
        self.group_id = group_id
        self.host = f"{name.lower()}.{self.cloud.vault_suffix}"
        self.url = f"https://{self.host}"
        self.resource_id = f"{group_id}/providers/Microsoft.KeyVault/vaults/{name}"
        self.throttle = Throttle(clock)
        self._settings = replace(settings, tenant_id=settings.tenant_id or tenant_id)
        self._policies: dict[str, Permissions] = {}
        self._announce = announce
        self.holder = Holder(
            vault=name,
            settings=lambda: self._settings,
            store=store,
            database=database,
            clock=clock,
            announce=self._announce_version,
        )
        self.secrets = VaultSecrets("secret", self.holder)
        self.keys = VaultKeys("key", self.holder)

    def __repr__(self) -> str:
        return f"Vault({self.url!r})"

    def _announce_version(self, kind: Kind, properties: ObjectProperties) -> None:
        self.tell("NewVersionCreated", kind, properties)

    def tell(self, happened: Happened, kind: Kind, properties: ObjectProperties) -> None:
        """Announce what happened to a version of an object."""
        self._announce(
            ObjectEvent(
                happened=happened,
                vault=self.name,
                vault_url=self.url,
                resource_id=self.resource_id,
                kind=kind,
                properties=properties,
            )
        )

    @property
    def settings(self) -> VaultSettings:
        """Its settings; the tenant is in them whether it was given or not.

        It has others from the moment they are assigned, which raises ConfigurationError if no vault can have them. Its cloud
        stays, since that is in its address.
        """
        return self._settings

    @settings.setter
    def settings(self, settings: VaultSettings) -> None:
        settings.check(self.name)
        tenant_id = settings.tenant_id or self._settings.tenant_id
        self._settings = replace(settings, cloud=self.cloud.name, tenant_id=tenant_id)

    @property
    def tenant_id(self) -> str:
        """The tenant whose tokens it accepts."""
        return self._settings.tenant_id or ""

    @property
    def firewall(self) -> Firewall:
        """Its network rules."""
        return self._settings.firewall

    @firewall.setter
    def firewall(self, firewall: Firewall) -> None:
        self._settings = replace(self._settings, firewall=firewall)

    @property
    def scope(self) -> Scope:
        """The scope of a role on the whole vault."""
        return replace(Scope.parse(self.name), within=self.group_id.lower())

    @property
    def policies(self) -> Mapping[str, Permissions]:
        """The access policies: what each object id may do with secrets, keys and certificates."""
        return MappingProxyType(self._policies)

    def set_policy(self, identity: Principal, permissions: Iterable[str]) -> None:
        """Set by an access policy what an identity may do with all that is here; nothing takes its policy away.

        The vault goes by access policies from then on, and roles do nothing, as in Azure.

        Args:
            identity: The identity, application or group.
            permissions: What it may do: ``get`` with secrets, ``keys/sign`` with keys, ``certificates/get`` with certificates.

        Raises:
            ConfigurationError: If a permission is none.
        """
        checked = check_permissions(permissions)
        self._settings = replace(self._settings, access="policies")
        others = {object_id: held for object_id, held in self._policies.items() if object_id != identity.object_id}
        self._policies = {**others, identity.object_id: checked} if checked else others

    def replace_policies(self, policies: Mapping[str, Permissions]) -> None:
        """Have other access policies, by object id, whether it goes by them or not."""
        self._policies = dict(policies)

    def keep_limits(self) -> None:
        """Turn away what is above Azure's limit: 4,000 requests in ten seconds."""
        self._settings = replace(self._settings, limits=True)

    def lets_in(self) -> bool:
        """Count a request, and return whether it is within the limit, if there is one."""
        return not self._settings.limits or self.throttle.lets_in()

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
    ) -> ObjectVersion:
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
            ObjectStateError: If a deleted secret has the name.
        """
        change = AttributeChange.of(
            content_type=content_type, enabled=enabled, not_before=not_before, expires_on=expires_on, tags=tags
        )
        return self.secrets.set(name, value, Attributes().changed(change))

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
    ) -> ObjectVersion:
        """Change attributes of a version, the latest unless one is named; what is not given stays as it is.

        Raises:
            ConfigurationError: If Key Vault would not accept it.
            LocalAzureError: If there is no such version.
        """
        change = AttributeChange.of(
            content_type=content_type, enabled=enabled, not_before=not_before, expires_on=expires_on, tags=tags
        )
        return self.secrets.update(name, version, change) or self._missing(name, version)

    def find_secret(self, name: str, version: str | None = None) -> ObjectVersion | None:
        """Return a version of a secret, the latest unless one is named; None where there is none."""
        return self.secrets.find(name, version)

    def get_secret(self, name: str, version: str | None = None) -> ObjectVersion:
        """Return a version of a secret, the latest unless one is named.

        Raises:
            LocalAzureError: If there is none.
        """
        return self.secrets.find(name, version) or self._missing(name, version)

    def list_secrets(self) -> Iterator[ObjectProperties]:
        """Go through the secrets by name, each with the properties of its latest version."""
        return iter(self.secrets)

    def delete_secret(self, name: str) -> DeletedObject | None:
        """Delete a secret with all its versions; None where the vault has no soft delete, and the secret is gone.

        Raises:
            ObjectStateError: If there is no such secret, or it is deleted already.
        """
        return self.secrets.delete(name)

    def recover_deleted_secret(self, name: str) -> ObjectProperties:
        """Make a deleted secret an active one again, with all its versions.

        Raises:
            ObjectStateError: If it is not deleted.
        """
        return self.secrets.recover(name)

    def purge_deleted_secret(self, name: str) -> None:
        """Forget a deleted secret for good. Purge protection does not hold back anyone who calls this in Python.

        Raises:
            ObjectStateError: If it is not deleted.
        """
        self.secrets.purge(name)

    def _missing(self, name: str, version: str | None) -> NoReturn:
        wanted = f"{name}/{version}" if version else name
        raise LocalAzureError(
            f"The vault {self.name} has no secret {wanted!r}.",
            cause="No such secret, or no such version of it, was set.",
            remedy=f"Set it: `keyless secret set {name} --vault {self.name}`. In a test: "
            f"local_azure.vault({self.name!r}).set_secret({name!r}, ...).",
        )
