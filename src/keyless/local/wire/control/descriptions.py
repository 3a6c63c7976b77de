"""The control API's descriptions of a version of a secret, key or certificate, and of a deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.azure.keyvault.objects.attributes import fields_of, written

if TYPE_CHECKING:
    from keyless.local.azure.keyvault.objects.stored import DeletedObject, ObjectProperties


def described(found: ObjectProperties) -> dict[str, object]:
    """Return what is known of a version besides its value."""
    attributes = fields_of(found.attributes)
    return {
        "name": found.name,
        "version": found.version,
        **attributes,
        **{name: written(attributes[name]) for name in ("not_before", "expires_on")},
        "created_on": written(found.created_on),
        "updated_on": written(found.updated_on),
    }


def described_deletion(name: str, deleted: DeletedObject | None) -> dict[str, object]:
    """Return what is known of a deleted object; None, where the vault has no soft delete, leaves the times out."""
    return {
        "name": name,
        "deleted_on": written(deleted.deleted_on if deleted else None),
        "scheduled_purge_on": written(deleted.scheduled_purge_on if deleted else None),
    }
