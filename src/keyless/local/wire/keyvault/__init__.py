"""The API of Key Vault, as its clients see it on the wire."""

from keyless.local.wire.keyvault.app import vault_app

__all__ = ["vault_app"]
