"""The JSON that objects of every kind have: fields in the recorded order, absent ones left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyless.local.azure.keyvault.objects.stored import DeletedObject, ObjectProperties
    from keyless.local.azure.keyvault.settings import VaultSettings
    from keyless.local.wire.keyvault.protocol.call import Call

# recoverableDays came with 7.1.
_WITHOUT_RECOVERABLE_DAYS = frozenset({"2016-10-01", "7.0"})
_DEFAULT_DAYS = 90
_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


def to_json(body: dict[str, object]) -> str:
    """Return a body as the wire has it: compact, and with characters as they are."""
    return _COMPACT.encode(body)


def object_id(call: Call, found: ObjectProperties) -> str:
    """Return the address of an object, without a version, as the client spells the vault's."""
    return f"{call.base}/{call.kind}s/{found.name}"


def version_id(call: Call, found: ObjectProperties) -> str:
    """Return the address of a version."""
    return f"{object_id(call, found)}/{found.version}"


def attributes_of(call: Call, found: ObjectProperties) -> dict[str, object]:
    """Return the attributes of a version, with what its vault sets for soft delete."""
    settings, said = call.vault.settings, found.attributes
    attributes: dict[str, object] = {"enabled": said.enabled}
    if said.not_before is not None:
        attributes["nbf"] = said.not_before
    if said.expires_on is not None:
        attributes["exp"] = said.expires_on
    attributes |= {"created": found.created_on, "updated": found.updated_on}
    attributes["recoveryLevel"] = _recovery_level(settings)
    if call.api_version not in _WITHOUT_RECOVERABLE_DAYS:
        attributes["recoverableDays"] = settings.soft_delete_days
    return attributes


def recovery_of(call: Call, deleted: DeletedObject) -> dict[str, object]:
    """Return what a deleted object has beside all else."""
    return {
        "recoveryId": f"{call.base}/deleted{call.kind}s/{deleted.properties.name}",
        "deletedDate": deleted.deleted_on,
        "scheduledPurgeDate": deleted.scheduled_purge_on,
    }


def _recovery_level(settings: VaultSettings) -> str:
    if not settings.soft_delete_days:
        return "Purgeable"
    customized = "" if settings.soft_delete_days == _DEFAULT_DAYS else "Customized"
    return f"{customized}Recoverable{'' if settings.purge_protection else '+Purgeable'}"
