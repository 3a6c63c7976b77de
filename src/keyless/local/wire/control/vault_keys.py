"""The control API's keys: made, listed, shown, deleted, rotated; their private parts stay in the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.errors import LocalAzureError
from keyless.local.azure.config.declaration import KeyTable
from keyless.local.azure.keyvault.keys.facts import KeyFacts
from keyless.local.wire.control.descriptions import described, described_deletion

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.azure.keyvault.objects.stored import ObjectProperties
    from keyless.local.wire.control.control_request import ControlRequest


def list_keys(azure: Azure, request: ControlRequest) -> object:
    """Return the keys of a vault."""
    request.check_fields()
    return [_described(key) for key in azure.vault(request.path["vault"]).keys]


def show_key(azure: Azure, request: ControlRequest) -> object:
    """Return a key with its public part."""
    request.check_fields("version")
    vault, name = azure.vault(request.path["vault"]), request.path["key"]
    found = vault.keys.find(name, request.optional_text("version"))
    if found is None:
        raise LocalAzureError(
            f"The vault {vault.name} has no key {name!r}.",
            cause="No such key, or no such version of it, was made.",
            remedy=f"Make it: keyless key create {name}.",
        )
    return {**_described(found), "public": dict(KeyFacts.of(found.facts).public)}


def create_key(azure: Azure, request: ControlRequest) -> object:
    """Make a new version of a key."""
    table = request.declared(KeyTable)
    made = azure.vault(request.path["vault"]).create_key(
        request.path["key"],
        table.kty,
        size=table.size,
        curve=table.curve,
        key_ops=table.key_ops,
        enabled=table.enabled,
        not_before=table.not_before,
        expires_on=table.expires_on,
        tags=table.tags or None,
    )
    return _described(made)


def delete_key(azure: Azure, request: ControlRequest) -> object:
    """Delete a key, as the vault deletes it."""
    request.check_fields()
    name = request.path["key"]
    return described_deletion(name, azure.vault(request.path["vault"]).keys.delete(name))


def rotate_key(azure: Azure, request: ControlRequest) -> object:
    """Make a new version of a key that is like its latest one."""
    request.check_fields()
    return _described(azure.vault(request.path["vault"]).keys.rotate(request.path["key"]))


def _described(found: ObjectProperties) -> dict[str, object]:
    facts = KeyFacts.of(found.facts)
    known = {name: value for name, value in described(found).items() if name != "content_type"}
    return {**known, "kty": facts.kty, "key_ops": list(facts.key_ops)}
