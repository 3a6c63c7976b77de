"""The vaults of a local Azure: those that are there, and those that were deleted and can be recovered."""

from __future__ import annotations

import threading
from types import MappingProxyType
from typing import TYPE_CHECKING

from keyless.local.azure.names import missing, taken
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.keyvault.objects.store import ObjectStore
    from keyless.local.azure.keyvault.vault import Vault
    from keyless.local.clock import Clock

_DAY = 86_400


class DeletedVault(Record, frozen=True):
    """A vault that was deleted, with all that is in it.

    Attributes:
        vault: The vault.
        deleted_on: When it was deleted, in Unix seconds.
        purge_on: When it is forgotten for good, in Unix seconds.
    """

    vault: Vault
    deleted_on: float
    purge_on: float


class Vaults:
    """The vaults by name, which is compared without case. Safe to use from any thread.

    Args:
        clock: The time.
        objects: What the vaults hold.
    """

    def __init__(self, clock: Clock, objects: ObjectStore) -> None:
        self._clock = clock
        self._objects = objects
        self._lock = threading.RLock()
        self._live: dict[str, Vault] = {}
        self._deleted: dict[str, DeletedVault] = {}

    @property
    def live(self) -> Mapping[str, Vault]:
        """Those that are there, by name as it was given."""
        return MappingProxyType(self._live)

    def find(self, name: str) -> Vault | None:
        """Return a vault that is there; None where there is none."""
        return next((vault for vault in self._live.values() if vault.name.lower() == name.lower()), None)

    def get(self, name: str) -> Vault:
        """Return a vault that is there.

        Raises:
            LocalAzureError: If there is none; the error lists those that exist.
        """
        found = self.find(name)
        if found is None:
            raise missing("vault", name, self._live)
        return found

    def at(self, host: str) -> Vault | None:
        """Return the vault that a Host header names, with or without a port; None where there is none."""
        name = host.lower().partition(":")[0].removesuffix(".")
        return next((vault for vault in self._live.values() if vault.host == name), None)

    def add(self, vault: Vault) -> None:
        """Have a new vault.

        Raises:
            LocalAzureError: If there is one of that name already, deleted or not.
        """
        with self._lock:
            if self.find(vault.name) is not None or self.find_deleted(vault.name) is not None:
                raise taken("vault", vault.name)
            self._live = {**self._live, vault.name: vault}

    def deleted(self) -> list[DeletedVault]:
        """Return those that were deleted and are not forgotten yet."""
        with self._lock:
            now = self._clock.now()
            for name in [name for name, found in self._deleted.items() if found.purge_on <= now]:
                self.purge(name)
            return list(self._deleted.values())

    def find_deleted(self, name: str) -> DeletedVault | None:
        """Return a vault that was deleted; None where none was."""
        return next((found for found in self.deleted() if found.vault.name.lower() == name.lower()), None)

    def delete(self, name: str, *, deleted_on: float | None = None) -> DeletedVault | None:
        """Delete a vault; None where it has no soft delete, and is gone with all that is in it.

        Args:
            name: Its name.
            deleted_on: When it was deleted; None means now.

        Raises:
            LocalAzureError: If there is none.
        """
        with self._lock:
            vault = self.get(name)
            self._live = {key: found for key, found in self._live.items() if found is not vault}
            days = vault.settings.soft_delete_days
            if not days:
                self._objects.forget(vault.name)
                return None
            since = self._clock.now() if deleted_on is None else deleted_on
            found = self._deleted[name.lower()] = DeletedVault(vault, since, since + days * _DAY)
            return found

    def recover(self, name: str) -> Vault:
        """Have a deleted vault again, with all that is in it.

        Raises:
            LocalAzureError: If none of that name was deleted.
        """
        with self._lock:
            self._expect_deleted(name)
            vault = self._deleted.pop(name.lower()).vault
            self._live = {**self._live, vault.name: vault}
            return vault

    def purge(self, name: str) -> None:
        """Forget a deleted vault for good.

        Raises:
            LocalAzureError: If none of that name was deleted.
        """
        with self._lock:
            self._expect_deleted(name)
            self._objects.forget(self._deleted.pop(name.lower()).vault.name)

    def _expect_deleted(self, name: str) -> None:
        if name.lower() not in self._deleted:
            raise missing("vault", name, self._deleted)
