"""The JSON that a vault writes: fields in the recorded order, absent ones left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyless.local.store import SecretProperties, SecretVersion

_RECOVERY_LEVEL = "Recoverable+Purgeable"
_RECOVERABLE_DAYS = 90
# recoverableDays came with 7.1.
_WITHOUT_RECOVERABLE_DAYS = frozenset({"2016-10-01", "7.0"})


def to_json(body: dict[str, object]) -> str:
    """Return a body as the wire has it: compact, and with characters as they are."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def secret_bundle(secret: SecretVersion, *, base: str, api_version: str) -> dict[str, object]:
    """Return a version of a secret with its value.

    Args:
        secret: The version.
        base: The vault's address as the client wrote it, so that ids begin with what it knows.
        api_version: The version of the API that the client speaks.
    """
    identifier = f"{base}/secrets/{secret.name}/{secret.version}"
    return {"value": secret.value, **_item(secret, identifier, api_version)}


def secret_item(secret: SecretProperties, *, base: str, api_version: str) -> dict[str, object]:
    """Return a secret as a list of secrets shows it: its id names no version."""
    return _item(secret, f"{base}/secrets/{secret.name}", api_version)


def version_item(secret: SecretProperties, *, base: str, api_version: str) -> dict[str, object]:
    """Return a version as a list of versions shows it."""
    return _item(secret, f"{base}/secrets/{secret.name}/{secret.version}", api_version)


def _item(secret: SecretProperties, identifier: str, api_version: str) -> dict[str, object]:
    attributes: dict[str, object] = {"enabled": secret.enabled}
    if secret.not_before is not None:
        attributes["nbf"] = secret.not_before
    if secret.expires_on is not None:
        attributes["exp"] = secret.expires_on
    attributes |= {"created": secret.created_on, "updated": secret.updated_on, "recoveryLevel": _RECOVERY_LEVEL}
    if api_version not in _WITHOUT_RECOVERABLE_DAYS:
        attributes["recoverableDays"] = _RECOVERABLE_DAYS
    item: dict[str, object] = {} if secret.content_type is None else {"contentType": secret.content_type}
    item |= {"id": identifier, "attributes": attributes}
    if secret.tags:
        item["tags"] = dict(secret.tags)
    return item
