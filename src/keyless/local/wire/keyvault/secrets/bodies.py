"""The JSON that a vault writes: fields in the recorded order, absent ones left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyless.local.azure.keyvault.secrets.secret import DeletedSecret, SecretProperties, SecretVersion
    from keyless.local.azure.keyvault.vault import Vault
    from keyless.local.wire.keyvault.protocol.call import Call

# recoverableDays came with 7.1.
_WITHOUT_RECOVERABLE_DAYS = frozenset({"2016-10-01", "7.0"})
_DEFAULT_DAYS = 90


def to_json(body: dict[str, object]) -> str:
    """Return a body as the wire has it: compact, and with characters as they are."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def secret_bundle(call: Call, secret: SecretVersion) -> dict[str, object]:
    """Return a version of a secret with its value."""
    return {"value": secret.value, **version_item(call, secret)}


def version_item(call: Call, secret: SecretProperties) -> dict[str, object]:
    """Return a version without its value, as a list of versions shows it, and the answer to an update."""
    return _item(call, secret, f"{call.base}/secrets/{secret.name}/{secret.version}")


def secret_item(call: Call, secret: SecretProperties) -> dict[str, object]:
    """Return a secret as a list of secrets shows it: its id names no version."""
    return _item(call, secret, f"{call.base}/secrets/{secret.name}")


def deleted_bundle(call: Call, deleted: DeletedSecret) -> dict[str, object]:
    """Return a deleted secret with the id of its latest version, and without its value."""
    return {**_recovery(call, deleted), **version_item(call, deleted.properties)}


def deleted_item(call: Call, deleted: DeletedSecret) -> dict[str, object]:
    """Return a deleted secret as a list shows it."""
    return {**_recovery(call, deleted), **secret_item(call, deleted.properties)}


def _recovery(call: Call, deleted: DeletedSecret) -> dict[str, object]:
    return {
        "recoveryId": f"{call.base}/deletedsecrets/{deleted.properties.name}",
        "deletedDate": deleted.deleted_on,
        "scheduledPurgeDate": deleted.scheduled_purge_on,
    }


def _item(call: Call, secret: SecretProperties, identifier: str) -> dict[str, object]:
    attributes: dict[str, object] = {"enabled": secret.enabled}
    if secret.not_before is not None:
        attributes["nbf"] = secret.not_before
    if secret.expires_on is not None:
        attributes["exp"] = secret.expires_on
    attributes |= {"created": secret.created_on, "updated": secret.updated_on}
    attributes["recoveryLevel"] = _recovery_level(call.vault)
    if call.api_version not in _WITHOUT_RECOVERABLE_DAYS:
        attributes["recoverableDays"] = call.vault.soft_delete_days
    item: dict[str, object] = {} if secret.content_type is None else {"contentType": secret.content_type}
    item |= {"id": identifier, "attributes": attributes}
    if secret.tags:
        item["tags"] = dict(secret.tags)
    return item


def _recovery_level(vault: Vault) -> str:
    if not vault.soft_delete_days:
        return "Purgeable"
    customized = "" if vault.soft_delete_days == _DEFAULT_DAYS else "Customized"
    return f"{customized}Recoverable{'' if vault.purge_protection else '+Purgeable'}"
