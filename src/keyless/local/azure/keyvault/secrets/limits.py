"""Key Vault's limits for a secret, besides its name.

https://learn.microsoft.com/en-us/azure/key-vault/secrets/about-secrets
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.azure.keyvault.objects.limits import check_attributes, check_text, too_large

if TYPE_CHECKING:
    from keyless.local.azure.keyvault.objects.attributes import Attributes

_VALUE_BYTES = 25_600
_TAG_CHARACTERS = 512  # Documented since 2026; keys keep at most 256.


def check_secret(value: str, attributes: Attributes) -> None:
    """Refuse what is larger than Key Vault keeps.

    Raises:
        ConfigurationError: With the first limit that is passed, and never with the value.
    """
    size = check_text(value, kind="secret")
    if size > _VALUE_BYTES:
        raise too_large(f"The value is {size:,} bytes", f"{_VALUE_BYTES:,} bytes", kind="secret")
    check_attributes(attributes, kind="secret", tag_characters=_TAG_CHARACTERS)
