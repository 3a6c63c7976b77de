"""The objects of one kind in a vault: what is the same for secrets and for whatever else a vault holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.azure.keyvault.backup.backup import new_backup_key, open_backup, seal_backup
from keyless.local.azure.keyvault.objects.life import ManagedObjectError, ObjectState, ObjectStateError
from keyless.local.azure.keyvault.objects.stored import DeletedObject, ObjectId, ObjectProperties, ObjectVersion
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from keyless.local.azure.keyvault.objects.attributes import AttributeChange
    from keyless.local.azure.keyvault.objects.store import ObjectStore
    from keyless.local.azure.keyvault.settings import VaultSettings
    from keyless.local.azure.storage.database import Database
    from keyless.local.clock import Clock
    from keyless.local.operations import Kind

_PAGE = 100
_DAY = 86_400


class Holder(Record, frozen=True, kw_only=True):
    """The vault, as its objects know it.

    Attributes:
        vault: The vault's name.
        settings: Returns the vault's settings as they are now.
        store: Where objects are kept.
        database: Keeps the key of backups.
        clock: The time.
        announce: Called with each new version.
    """

    vault: str
    settings: Callable[[], VaultSettings]
    store: ObjectStore
    database: Database
    clock: Clock
    announce: Callable[[Kind, ObjectProperties], None]


class VaultObjects:
    """The objects of one kind in a vault. Whether the caller may do what it asks has been decided before.

    Args:
        kind: What they are.
        holder: The vault.
    """

    def __init__(self, kind: Kind, holder: Holder) -> None:
        self.kind: Kind = kind
        self._vault = holder.vault
        self._settings = holder.settings
        self._store = holder.store
        self._database = holder.database
        self._clock = holder.clock
        self._announce = holder.announce

    def _id(self, name: str) -> ObjectId:
        return ObjectId(self._vault, self.kind, name)

    def _keep(self, version: ObjectVersion) -> ObjectVersion:
        """Keep a new version, make it the latest, and announce it.

        Raises:
            ObjectStateError: If a deleted object has the name.
        """
        stored = self._store.put(self._id(version.name), version, now=self._clock.now())
        self._announce(self.kind, stored)
        return stored

    def _update(self, name: str, version: str | None, change: AttributeChange) -> ObjectVersion | None:
        return self._store.update(self._id(name), version, change, now=self._clock.now())

    def find(self, name: str, version: str | None = None) -> ObjectVersion | None:
        """Return a version, the latest unless one is named; None where there is none."""
        return self._store.get(self._id(name), version, now=self._clock.now())

    def now(self) -> int:
        """Return the time, in Unix seconds."""
        return int(self._clock.now())

    def all_versions(self, name: str) -> list[ObjectVersion]:
        """Return every version of an object as it is kept, the latest last; none where there is no such object."""
        return self._store.all_versions(self._id(name), now=self._clock.now())

    def restore_versions(self, versions: Sequence[ObjectVersion]) -> None:
        """Keep all versions of an object as they were, the latest last.

        Raises:
            ObjectStateError: If there is an object of that name, deleted or not.
        """
        self._store.restore(self._id(versions[-1].name), versions, now=self._clock.now())

    def is_managed(self, name: str) -> bool:
        """Return whether an object, deleted or not, belongs to a certificate."""
        return bool(self._store.facts(self._id(name)).get("managed"))

    def change_attributes(self, name: str, version: str, change: AttributeChange) -> ObjectVersion | None:
        """Change attributes of a version without a question whether it may be."""
        return self._update(name, version, change)

    def state_of(self, name: str) -> ObjectState:
        """Return where an object is in its life: whether it is active, deleted, or on its way."""
        return self._store.state(self._id(name), now=self._clock.now())

    def delete(self, name: str, *, at: float | None = None, with_certificate: bool = False) -> DeletedObject | None:
        """Delete an object with all its versions, so that it can be recovered until it is purged.

        Args:
            name: Its name.
            at: When; None means now.
            with_certificate: Whether its certificate goes the same way.

        Returns:
            The deleted object; None where the vault has no soft delete, and the object is gone.

        Raises:
            ObjectStateError: If there is no such object, or it is deleted already.
            ManagedObjectError: If it belongs to a certificate, which does not go with it.
        """
        self._check_owner(name, with_certificate=with_certificate)
        now, settings = self._moment(at), self._settings()
        latest = self._store.get(self._id(name), now=now)
        if latest is None:
            raise self._in_wrong_state(name)
        if not settings.soft_delete_days:
            self._store.purge(self._id(name), now=now, settles_on=now, state=ObjectState.ACTIVE)
            return None
        purge_on = int(now) + settings.soft_delete_days * _DAY
        self._store.delete(self._id(name), now=now, settles_on=now + settings.deletion_seconds, purge_on=purge_on)
        return DeletedObject(properties=latest, deleted_on=int(now), scheduled_purge_on=purge_on)

    def recover(self, name: str, *, at: float | None = None, with_certificate: bool = False) -> ObjectProperties:
        """Make a deleted object an active one again, with all its versions.

        Args:
            name: Its name.
            at: When; None means now.
            with_certificate: Whether its certificate goes the same way.

        Raises:
            ObjectStateError: If it is not deleted.
            ManagedObjectError: If it belongs to a certificate, which does not go with it.
        """
        self._check_owner(name, with_certificate=with_certificate)
        now = self._moment(at)
        deleted = self._store.get_deleted(self._id(name), now=now)
        if deleted is None:
            raise self._in_wrong_state(name)
        self._store.recover(self._id(name), now=now, settles_on=now + self._settings().recovery_seconds)
        return deleted.properties

    def purge(self, name: str, *, at: float | None = None, with_certificate: bool = False) -> None:
        """Forget a deleted object for good, also where the vault has purge protection: that is for the wire to heed.

        Args:
            name: Its name.
            at: When; None means now.
            with_certificate: Whether its certificate goes the same way.

        Raises:
            ObjectStateError: If it is not deleted.
            ManagedObjectError: If it belongs to a certificate, which does not go with it.
        """
        self._check_owner(name, with_certificate=with_certificate)
        now = self._moment(at)
        settles_on = now + self._settings().deletion_seconds
        self._store.purge(self._id(name), now=now, settles_on=settles_on, state=ObjectState.DELETED)

    def find_deleted(self, name: str) -> DeletedObject | None:
        """Return a deleted object; None where there is none."""
        return self._store.get_deleted(self._id(name), now=self._clock.now())

    def backup(self, name: str) -> bytes:
        """Return every version of an object, encrypted so that only this local Azure, or one on its ``data``, restores it.

        Raises:
            ObjectStateError: If there is no such object.
        """
        versions = self.all_versions(name)
        if not versions:
            raise self._in_wrong_state(name)
        return seal_backup(self.kind, versions, self._backup_key())

    def restore(self, backup: bytes) -> ObjectVersion:
        """Bring back every version of an object that was backed up, from this vault or another, as it was.

        Returns:
            The latest version.

        Raises:
            CorruptBackupError: If the backup is not, bit for bit, one of an object of this kind that was made here.
            ObjectStateError: If there is an object of that name, deleted or not.
        """
        versions = open_backup(self.kind, backup, self._backup_key())
        latest = versions[-1]
        try:
            self.restore_versions(versions)
        except ObjectStateError as error:
            raise ObjectStateError(self.kind, error.name, error.state, version=latest.version) from None
        return latest

    def __iter__(self) -> Iterator[ObjectProperties]:
        """Go through the objects by name, each with the properties of its latest version."""
        return through(self.page)

    def page(self, *, start: str, size: int) -> list[ObjectProperties]:
        """Return up to ``size`` objects from the name ``start`` on, and the one after them where there is one."""
        return self._store.list_active(self._vault, self.kind, start=start, limit=size + 1, now=self._clock.now())

    def page_of_versions(self, name: str, *, start: str, size: int) -> list[ObjectProperties]:
        """Return up to ``size`` versions from the id ``start`` on, and the one after them where there is one."""
        return self._store.list_versions(self._id(name), start=start, limit=size + 1, now=self._clock.now())

    def page_of_deleted(self, *, start: str, size: int) -> list[DeletedObject]:
        """Return up to ``size`` deleted objects from the name ``start`` on, and the one after them if there is one."""
        return self._store.list_deleted(self._vault, self.kind, start=start, limit=size + 1, now=self._clock.now())

    def _check_owner(self, name: str, *, with_certificate: bool = False) -> None:
        """Refuse to change by itself what belongs to a certificate."""
        if not with_certificate and self.is_managed(name):
            raise ManagedObjectError(self.kind, name)

    def _moment(self, at: float | None) -> float:
        return self._clock.now() if at is None else at

    def _backup_key(self) -> bytes:
        return self._database.key("backup", new_backup_key)

    def _in_wrong_state(self, name: str) -> ObjectStateError:
        return ObjectStateError(self.kind, name, self.state_of(name))


def through(source: Callable[..., list[ObjectProperties]]) -> Iterator[ObjectProperties]:
    """Go through all pages of a source by name."""
    start = ""
    while page := source(start=start, size=_PAGE):
        yield from page[:_PAGE]
        if len(page) <= _PAGE:
            return
        start = page[-1].name
