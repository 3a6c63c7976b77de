"""What a vault does with secrets when it is asked: one function an operation of the secrets API.

https://learn.microsoft.com/en-us/rest/api/keyvault/secrets/operation-groups
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from keyless.errors import ConfigurationError
from keyless.local.azure.keyvault.backup.backup import CorruptBackupError
from keyless.local.azure.keyvault.backup.jwe import to_base64url
from keyless.local.azure.keyvault.objects.attributes import Attributes
from keyless.local.azure.keyvault.objects.life import ObjectStateError
from keyless.local.wire.keyvault.protocol.answer import Answer
from keyless.local.wire.keyvault.protocol.errors import disabled, invalid_property, not_found
from keyless.local.wire.keyvault.protocol.paging import page_of
from keyless.local.wire.keyvault.protocol.parameters import read_attributes, read_backup, read_body, read_value
from keyless.local.wire.keyvault.protocol.state_errors import (
    malformed_backup,
    name_in_use,
    not_active,
    restore_conflict,
)
from keyless.local.wire.keyvault.secrets.bodies import deleted_bundle, secret_bundle, secret_item, version_item

if TYPE_CHECKING:
    from keyless.local.wire.keyvault.protocol.call import Call

# For certificates, https://learn.microsoft.com/en-us/rest/api/keyvault/secrets/get-secret/get-secret
_OUT_CONTENT_TYPES = frozenset({"application/x-pkcs12", "application/x-pem-file"})


def get_secret(call: Call) -> Answer:
    """Return a version of a secret with its value; ``nbf`` and ``exp`` are for the client to heed."""
    secret = call.vault.secrets.find(call.name, call.version)
    if secret is None:
        raise not_found(call.kind, call.name, call.version)
    if not secret.attributes.enabled:
        raise disabled(call.kind, secret.name)
    # An ordinary secret has no format to convert, so that one which could be asked for changes nothing.
    wanted = call.query.get("outContentType")
    if wanted is not None and wanted not in _OUT_CONTENT_TYPES:
        raise invalid_property("outContentType is neither application/x-pkcs12 nor application/x-pem-file.")
    return Answer(200, secret_bundle(call, secret))


def set_secret(call: Call) -> Answer:
    """Store a new version and return it with its value, even where it is disabled."""
    body = read_body(call.content)
    value, attributes = read_value(body), Attributes().changed(read_attributes(body))
    try:
        secret = call.vault.secrets.set(call.name, value, attributes)
    except ConfigurationError as error:
        raise invalid_property(f"{error.what} {error.cause}") from None
    except ObjectStateError as error:
        raise name_in_use(error, call.name) from None
    return Answer(200, secret_bundle(call, secret))


def update_secret(call: Call) -> Answer:
    """Change properties of a version, disabled or not, and return it without its value."""
    change = read_attributes(read_body(call.content))
    try:
        secret = call.vault.secrets.update(call.name, call.version, change)
    except ConfigurationError as error:
        raise invalid_property(f"{error.what} {error.cause}") from None
    if secret is None:
        raise not_found(call.kind, call.name, call.version)
    return Answer(200, version_item(call, secret))


def delete_secret(call: Call) -> Answer:
    """Delete a secret with all its versions; the deletion itself takes a while after the answer."""
    latest = call.vault.secrets.find(call.name)
    try:
        deleted = call.vault.secrets.delete(call.name)
    except ObjectStateError as error:
        raise not_active(error, call.name) from None
    if deleted is not None:
        return Answer(200, deleted_bundle(call, deleted))
    return Answer(200, version_item(call, latest) if latest else {})


def list_secrets(call: Call) -> Answer:
    """Return a page of the secrets by name, without values."""
    return page_of(call, call.vault.secrets.page, item=secret_item, key=lambda secret: secret.name)


def list_secret_versions(call: Call) -> Answer:
    """Return a page of a secret's versions by id, without values: an empty one where there is no such secret."""
    return page_of(
        call,
        partial(call.vault.secrets.page_of_versions, call.name),
        item=version_item,
        key=lambda secret: f"{secret.name}/{secret.version}",
    )


def backup_secret(call: Call) -> Answer:
    """Return all versions of a secret in one encrypted blob."""
    try:
        blob = call.vault.secrets.backup(call.name)
    except ObjectStateError as error:
        raise not_active(error, call.name) from None
    return Answer(200, {"value": to_base64url(blob)})


def restore_secret(call: Call) -> Answer:
    """Bring back all versions of a secret from a backup, and return the latest without its value."""
    blob = read_backup(read_body(call.content))
    try:
        secret = call.vault.secrets.restore(blob)
    except CorruptBackupError as error:
        raise malformed_backup(error.cause) from None
    except ObjectStateError as error:
        raise restore_conflict(call.kind, f"{call.base}/secrets/{error.name}/{error.version}") from None
    return Answer(200, version_item(call, secret))
