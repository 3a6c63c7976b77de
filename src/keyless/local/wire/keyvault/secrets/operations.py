"""Operations on secrets: one function for each operation of the secrets API.

https://learn.microsoft.com/en-us/rest/api/keyvault/secrets/operation-groups
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.errors import ConfigurationError
from keyless.local.azure.keyvault.objects.attributes import Attributes
from keyless.local.azure.keyvault.objects.life import ObjectStateError
from keyless.local.wire.keyvault.protocol.answer import Answer
from keyless.local.wire.keyvault.protocol.errors import disabled, invalid_property, not_found
from keyless.local.wire.keyvault.protocol.objects import refuse_managed
from keyless.local.wire.keyvault.protocol.parameters import read_attributes, read_body, read_value
from keyless.local.wire.keyvault.protocol.state_errors import (
    name_in_use,
)
from keyless.local.wire.keyvault.secrets.bodies import secret_bundle, version_item

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
    wanted = call.query.get("outContentType")
    if wanted is not None and wanted not in _OUT_CONTENT_TYPES:
        raise invalid_property("outContentType is neither application/x-pkcs12 nor application/x-pem-file.")
    # An ordinary secret has no format to convert, so that one which could be asked for changes nothing.
    if wanted is not None and secret.facts.get("managed") and wanted != secret.attributes.content_type:
        from keyless.local.azure.keyvault.certificates.package import converted  # noqa: PLC0415 (few runs have a certificate, and it takes long to load)

        secret = converted(secret, wanted)
    return Answer(200, secret_bundle(call, secret))


def set_secret(call: Call) -> Answer:
    """Store a new version and return it with its value, even where it is disabled."""
    body = read_body(call.content)
    refuse_managed(call, "set")
    value, attributes = read_value(body), Attributes().changed(read_attributes(body))
    try:
        secret = call.vault.secrets.set(call.name, value, attributes, owner_checked=True)
    except ConfigurationError as error:
        raise invalid_property(f"{error.what} {error.cause}") from None
    except ObjectStateError as error:
        raise name_in_use(error, call.name) from None
    return Answer(200, secret_bundle(call, secret))


def update_secret(call: Call) -> Answer:
    """Change properties of a version, disabled or not, and return it without its value."""
    change = read_attributes(read_body(call.content))
    refuse_managed(call, "update")
    try:
        secret = call.vault.secrets.update(call.name, call.version, change)
    except ConfigurationError as error:
        raise invalid_property(f"{error.what} {error.cause}") from None
    if secret is None:
        raise not_found(call.kind, call.name, call.version)
    return Answer(200, version_item(call, secret))
