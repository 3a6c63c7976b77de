"""The control API's secrets: set, listed, shown, deleted, rotated, whatever roles and faults there are."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from keyless.local.azure.config.declaration import SecretTable
from keyless.local.azure.config.vault_config import attributes_of
from keyless.local.wire.control.descriptions import described, described_deletion

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.wire.control.control_request import ControlRequest

_RANDOM_BYTES = 32


def list_vaults(azure: Azure, request: ControlRequest) -> object:
    """Return the vaults."""
    request.check_fields()
    return [{"name": vault.name, "url": vault.url} for vault in azure.vaults.values()]


def add_vault(azure: Azure, request: ControlRequest) -> object:
    """Make an empty vault, or recover the deleted one of that name."""
    request.check_fields("name")
    name = request.text("name")
    deleted = azure.vault_register.find_deleted(name)
    made = azure.vault_register.recover(name) if deleted else azure.add_vault(name)
    return {"name": made.name, "url": made.url}


def remove_vault(azure: Azure, request: ControlRequest) -> object:
    """Delete a vault, as Azure does: it can be recovered."""
    request.check_fields()
    azure.vault_register.delete(request.path["vault"])
    return {}


def list_secrets(azure: Azure, request: ControlRequest) -> object:
    """Return the secrets of a vault, without their values."""
    request.check_fields()
    return [described(secret) for secret in azure.vault(request.path["vault"]).list_secrets()]


def show_secret(azure: Azure, request: ControlRequest) -> object:
    """Return a secret; its value only where ``value=true`` says so."""
    request.check_fields("value", "version")
    secret = azure.vault(request.path["vault"]).get_secret(request.path["secret"], request.optional_text("version"))
    return {**described(secret), "value": secret.value} if request.flag("value") else described(secret)


def set_secret(azure: Azure, request: ControlRequest) -> object:
    """Set a secret."""
    table = request.declared(SecretTable)
    vault = azure.vault(request.path["vault"])
    return described(vault.secrets.set(request.path["secret"], table.value, attributes_of(table)))


def delete_secret(azure: Azure, request: ControlRequest) -> object:
    """Delete a secret, as the vault deletes it."""
    request.check_fields()
    name = request.path["secret"]
    return described_deletion(name, azure.vault(request.path["vault"]).delete_secret(name))


def rotate_secret(azure: Azure, request: ControlRequest) -> object:
    """Give a secret a new random value, which nobody sees; its content type and tags stay, its times do not."""
    request.check_fields()
    vault = azure.vault(request.path["vault"])
    before = vault.get_secret(request.path["secret"])
    return described(
        vault.secrets.set(before.name, secrets.token_urlsafe(_RANDOM_BYTES), before.attributes.without_times())
    )
