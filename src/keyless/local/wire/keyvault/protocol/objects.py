"""Operations that objects of every kind share: list, delete, recover, purge, back up and restore them.

https://learn.microsoft.com/en-us/azure/key-vault/general/soft-delete-overview
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from keyless.local.azure.keyvault.backup.backup import CorruptBackupError
from keyless.local.azure.keyvault.backup.jwe import to_base64url
from keyless.local.azure.keyvault.objects.life import ObjectStateError
from keyless.local.record import Record
from keyless.local.wire.keyvault.protocol.answer import Answer
from keyless.local.wire.keyvault.protocol.bodies import recovery_of
from keyless.local.wire.keyvault.protocol.paging import page_of
from keyless.local.wire.keyvault.protocol.parameters import read_backup, read_body
from keyless.local.wire.keyvault.protocol.state_errors import (
    deleted_not_found,
    malformed_backup,
    managed,
    no_soft_delete,
    not_active,
    not_purgeable,
    not_recoverable,
    purge_protected,
    restore_conflict,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.azure.keyvault.objects.stored import DeletedObject, ObjectProperties
    from keyless.local.wire.keyvault.protocol.call import Call

    Body = Callable[[Call, ObjectProperties], dict[str, object]]


class ObjectOperations(Record, frozen=True, kw_only=True):
    """The operations on objects of one kind.

    Attributes:
        whole: Returns a version as a recovery and a restoration answer it.
        deleted: Returns a deleted version, but for what says that it is deleted.
        item: Returns an object as a list shows it.
        version_item: Returns a version as a list of versions shows it.
        deleted_item: Returns a deleted object as a list shows it, but for what says that it is deleted; None means as others.
    """

    whole: Body
    deleted: Body
    item: Body
    version_item: Body
    deleted_item: Body | None = None

    def list_all(self, call: Call) -> Answer:
        """Return a page of the objects by name."""
        return page_of(call, call.objects.page, item=self.item, key=lambda found: found.name)

    def list_versions(self, call: Call) -> Answer:
        """Return a page of an object's versions by id: an empty one where there is no such object."""
        return page_of(
            call,
            partial(call.objects.page_of_versions, call.name),
            item=self.version_item,
            key=lambda found: f"{found.name}/{found.version}",
        )

    def delete(self, call: Call) -> Answer:
        """Delete an object with all its versions; the deletion itself takes a while after the answer."""
        refuse_managed(call, "delete")
        latest = call.objects.find(call.name)
        try:
            deleted = call.objects.delete(call.name)
        except ObjectStateError as error:
            raise not_active(error, call.name) from None
        if deleted is not None:
            return Answer(200, self._deleted_bundle(call, deleted))
        return Answer(200, self.whole(call, latest) if latest else {})

    def backup(self, call: Call) -> Answer:
        """Return all versions of an object in one encrypted blob."""
        refuse_managed(call, "backup")
        try:
            blob = call.objects.backup(call.name)
        except ObjectStateError as error:
            raise not_active(error, call.name) from None
        return Answer(200, {"value": to_base64url(blob)})

    def restore(self, call: Call) -> Answer:
        """Bring back all versions of an object from a backup."""
        blob = read_backup(read_body(call.content))
        try:
            found = call.objects.restore(blob)
        except CorruptBackupError as error:
            raise malformed_backup(error.cause) from None
        except ObjectStateError as error:
            raise restore_conflict(call.kind, f"{call.base}/{call.kind}s/{error.name}/{error.version}") from None
        return Answer(200, self.whole(call, found))

    def get_deleted(self, call: Call) -> Answer:
        """Return a deleted object once its deletion is done."""
        need_soft_delete(call, "get")
        deleted = call.objects.find_deleted(call.name)
        if deleted is None:
            raise deleted_not_found(call.kind, call.name)
        return Answer(200, self._deleted_bundle(call, deleted))

    def list_deleted(self, call: Call) -> Answer:
        """Return a page of the deleted objects by name."""
        return self.page_of_deleted(call, call.objects.page_of_deleted)

    def page_of_deleted(self, call: Call, source: Callable[..., list[DeletedObject]]) -> Answer:
        """Return a page of deleted objects that come from a source."""
        need_soft_delete(call, "list")
        item = self.deleted_item or self.item
        return page_of(
            call,
            source,
            item=lambda asked, deleted: {**recovery_of(asked, deleted), **item(asked, deleted.properties)},
            key=lambda deleted: deleted.properties.name,
        )

    def recover(self, call: Call) -> Answer:
        """Make a deleted object an active one; it can be read a while after the answer."""
        need_soft_delete(call, "recover")
        refuse_managed(call, "recover")
        try:
            return Answer(200, self.whole(call, call.objects.recover(call.name)))
        except ObjectStateError as error:
            raise not_recoverable(error, call.name) from None

    def purge(self, call: Call) -> Answer:
        """Forget a deleted object for good; its name is free a while after the answer."""
        need_soft_delete(call, "purge")
        refuse_managed(call, "purge")
        if call.vault.settings.purge_protection and call.objects.find_deleted(call.name):
            raise purge_protected(call.vault)
        try:
            call.objects.purge(call.name)
        except ObjectStateError as error:
            raise not_purgeable(error, call.name) from None
        return Answer(204, None)

    def _deleted_bundle(self, call: Call, deleted: DeletedObject) -> dict[str, object]:
        return {**recovery_of(call, deleted), **self.deleted(call, deleted.properties)}


def refuse_managed(call: Call, operation: str) -> None:
    """Refuse to do something to the key or the secret of a certificate, which goes with its certificate.

    Raises:
        RefusedError: If it is such an object.
    """
    if call.objects.is_managed(call.name):
        raise managed(call.kind, operation)


def need_soft_delete(call: Call, operation: str) -> None:
    """Refuse what a vault without soft delete does not do.

    Raises:
        RefusedError: If it is such a vault.
    """
    if not call.vault.settings.soft_delete_days:
        raise no_soft_delete(operation)
