"""What a vault does with secrets when it is asked: one function an operation of the secrets API.

https://learn.microsoft.com/en-us/rest/api/keyvault/secrets/operation-groups
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local.azure.keyvault.backup.backup import CorruptBackupError
from keyless.local.azure.keyvault.backup.jwe import to_base64url
from keyless.local.azure.keyvault.secrets.secret import SecretStateError
from keyless.local.wire.keyvault.protocol.answer import Answer
from keyless.local.wire.keyvault.protocol.errors import invalid_property, secret_disabled, secret_not_found
from keyless.local.wire.keyvault.protocol.paging import page_of
from keyless.local.wire.keyvault.secrets.bodies import deleted_bundle, secret_bundle, secret_item, version_item
from keyless.local.wire.keyvault.secrets.parameters import read_backup, read_body, read_properties, read_value
from keyless.local.wire.keyvault.secrets.state_errors import malformed_backup, name_in_use, not_active, restore_conflict

if TYPE_CHECKING:
    from keyless.local.wire.keyvault.protocol.call import Call

# For certificates, https://learn.microsoft.com/en-us/rest/api/keyvault/secrets/get-secret/get-secret
_OUT_CONTENT_TYPES = frozenset({"application/x-pkcs12", "application/x-pem-file"})


def get_secret(call: Call) -> Answer:
    """Return a version of a secret with its value; ``nbf`` and ``exp`` are for the client to heed."""
    secret = call.vault.find_secret(call.name, call.version)
    if secret is None:
        raise secret_not_found(call.name, call.version)
    if not secret.enabled:
        raise secret_disabled(secret.name)
    # An ordinary secret has no format to convert, so that one which could be asked for changes nothing.
    wanted = call.query.get("outContentType")
    if wanted is not None and wanted not in _OUT_CONTENT_TYPES:
        raise invalid_property("outContentType is neither application/x-pkcs12 nor application/x-pem-file.")
    return Answer(200, secret_bundle(call, secret))


def set_secret(call: Call) -> Answer:
    """Store a new version and return it with its value, even where it is disabled."""
    body = read_body(call.content)
    value, properties = read_value(body), read_properties(body)
    try:
        secret = call.vault.set_secret(
            call.name,
            value,
            content_type=properties.content_type,
            enabled=properties.enabled is not False,
            not_before=properties.not_before,
            expires_on=properties.expires_on,
            tags=properties.tags,
        )
    except ConfigurationError as error:
        raise invalid_property(f"{error.what} {error.cause}") from None
    except SecretStateError as error:
        raise name_in_use(error, call.name) from None
    return Answer(200, secret_bundle(call, secret))


def update_secret(call: Call) -> Answer:
    """Change properties of a version, disabled or not, and return it without its value."""
    properties = read_properties(read_body(call.content))
    try:
        secret = call.vault.update_secret(
            call.name,
            call.version,
            content_type=properties.content_type,
            enabled=properties.enabled,
            not_before=properties.not_before,
            expires_on=properties.expires_on,
            tags=properties.tags,
        )
    except ConfigurationError as error:
        raise invalid_property(f"{error.what} {error.cause}") from None
    except LocalAzureError:
        raise secret_not_found(call.name, call.version) from None
    return Answer(200, version_item(call, secret))


def delete_secret(call: Call) -> Answer:
    """Delete a secret with all its versions; the deletion itself takes a while after the answer."""
    latest = call.vault.find_secret(call.name)
    try:
        deleted = call.vault.delete_secret(call.name)
    except SecretStateError as error:
        raise not_active(error, call.name) from None
    if deleted is not None:
        return Answer(200, deleted_bundle(call, deleted))
    return Answer(200, version_item(call, latest) if latest else {})


def list_secrets(call: Call) -> Answer:
    """Return a page of the secrets by name, without values."""
    return page_of(call, call.vault.page_of_secrets, item=secret_item, key=lambda secret: secret.name)


def list_secret_versions(call: Call) -> Answer:
    """Return a page of a secret's versions by id, without values: an empty one where there is no such secret."""
    return page_of(
        call,
        partial(call.vault.page_of_versions, call.name),
        item=version_item,
        key=lambda secret: f"{secret.name}/{secret.version}",
    )


def backup_secret(call: Call) -> Answer:
    """Return all versions of a secret in one encrypted blob."""
    try:
        blob = call.vault.backup_secret(call.name)
    except SecretStateError as error:
        raise not_active(error, call.name) from None
    return Answer(200, {"value": to_base64url(blob)})


def restore_secret(call: Call) -> Answer:
    """Bring back all versions of a secret from a backup, and return the latest without its value."""
    blob = read_backup(read_body(call.content))
    try:
        secret = call.vault.restore_secret(blob)
    except CorruptBackupError as error:
        raise malformed_backup(error.cause) from None
    except SecretStateError as error:
        raise restore_conflict(f"{call.base}/secrets/{error.name}/{error.version}") from None
    return Answer(200, version_item(call, secret))
