"""What a vault does with deleted secrets when it is asked.

https://learn.microsoft.com/en-us/azure/key-vault/general/soft-delete-overview
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.azure.keyvault.objects.life import ObjectStateError
from keyless.local.wire.keyvault.protocol.answer import Answer
from keyless.local.wire.keyvault.protocol.paging import page_of
from keyless.local.wire.keyvault.protocol.state_errors import (
    deleted_not_found,
    no_soft_delete,
    not_purgeable,
    not_recoverable,
    purge_protected,
)
from keyless.local.wire.keyvault.secrets.bodies import deleted_bundle, deleted_item, version_item

if TYPE_CHECKING:
    from keyless.local.wire.keyvault.protocol.call import Call


def get_deleted_secret(call: Call) -> Answer:
    """Return a deleted secret, without its value, once its deletion is done."""
    _need_soft_delete(call, "get")
    deleted = call.vault.secrets.find_deleted(call.name)
    if deleted is None:
        raise deleted_not_found(call.kind, call.name)
    return Answer(200, deleted_bundle(call, deleted))


def list_deleted_secrets(call: Call) -> Answer:
    """Return a page of the deleted secrets by name."""
    _need_soft_delete(call, "list")
    return page_of(
        call, call.vault.secrets.page_of_deleted, item=deleted_item, key=lambda deleted: deleted.properties.name
    )


def recover_deleted_secret(call: Call) -> Answer:
    """Make a deleted secret an active one; it can be read a while after the answer."""
    _need_soft_delete(call, "recover")
    try:
        return Answer(200, version_item(call, call.vault.secrets.recover(call.name)))
    except ObjectStateError as error:
        raise not_recoverable(error, call.name) from None


def purge_deleted_secret(call: Call) -> Answer:
    """Forget a deleted secret for good; its name is free a while after the answer."""
    _need_soft_delete(call, "purge")
    if call.vault.settings.purge_protection and call.vault.secrets.find_deleted(call.name):
        raise purge_protected(call.vault)
    try:
        call.vault.secrets.purge(call.name)
    except ObjectStateError as error:
        raise not_purgeable(error, call.name) from None
    return Answer(204, None)


def _need_soft_delete(call: Call, operation: str) -> None:
    if not call.vault.settings.soft_delete_days:
        raise no_soft_delete(operation)
