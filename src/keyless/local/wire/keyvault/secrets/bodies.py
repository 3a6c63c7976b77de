"""The JSON that a vault writes of secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.wire.keyvault.protocol.bodies import attributes_of, object_id, version_id

if TYPE_CHECKING:
    from keyless.local.azure.keyvault.objects.stored import ObjectProperties, ObjectVersion
    from keyless.local.wire.keyvault.protocol.call import Call


def secret_bundle(call: Call, secret: ObjectVersion) -> dict[str, object]:
    """Return a version of a secret with its value."""
    bundle = {"value": secret.value, **version_item(call, secret)}
    if not secret.facts.get("managed"):
        return bundle
    return {**bundle, "kid": f"{call.base}/keys/{secret.name}/{secret.version}"}


def version_item(call: Call, secret: ObjectProperties) -> dict[str, object]:
    """Return a version without its value, as a list of versions shows it, and the answer to an update."""
    return _item(call, secret, version_id(call, secret))


def secret_item(call: Call, secret: ObjectProperties) -> dict[str, object]:
    """Return a secret as a list of secrets shows it: its id names no version."""
    return _item(call, secret, object_id(call, secret))


def _item(call: Call, secret: ObjectProperties, identifier: str) -> dict[str, object]:
    said = secret.attributes
    item: dict[str, object] = {} if said.content_type is None else {"contentType": said.content_type}
    item["id"] = identifier
    if secret.facts.get("managed"):
        item["managed"] = True
    item["attributes"] = attributes_of(call, secret)
    if said.tags:
        item["tags"] = dict(said.tags)
    return item
