"""Keys on their way between security modules: what bring-your-own-key imports, and what a release returns.

Both are a key of AES, encrypted with RSA-OAEP, before the private key in PKCS #8, wrapped with it (RFC 5649).
https://learn.microsoft.com/en-us/azure/key-vault/keys/byok-specification
"""

from __future__ import annotations

import json
import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from keyless.local.azure.keyvault.backup.jwe import from_base64url, to_base64url
from keyless.local.azure.keyvault.keys.material import check_imported, invalid_jwk, to_der

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.azure.keyvault.keys.material import PrivateKey

_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = MappingProxyType(
    {
        "CKM_RSA_AES_KEY_WRAP": hashes.SHA1(),  # noqa: S303 (it is SHA-1 by definition)
        "RSA_AES_KEY_WRAP_256": hashes.SHA256(),
        "RSA_AES_KEY_WRAP_384": hashes.SHA384(),
    }
)
WRAPPINGS: Final = (*_HASHES,)
_AES_BYTES = 32


def wrap_key(key: PrivateKey, target: rsa.RSAPublicKey, *, wrapping: str, kid: str) -> str:
    """Return a key that only the holder of the target's private key can read, in base64url."""
    content_key = os.urandom(_AES_BYTES)
    ciphertext = target.encrypt(content_key, _padding(wrapping)) + keywrap.aes_key_wrap_with_padding(
        content_key, to_der(key)
    )
    blob = {
        "schema_version": "1.0",
        "header": {"kid": kid, "alg": "dir", "enc": wrapping},
        "ciphertext": to_base64url(ciphertext),
    }
    return to_base64url(json.dumps(blob, separators=(",", ":")).encode())


def unwrap_key(text: str, find: Callable[[str], PrivateKey | None]) -> PrivateKey:
    """Return the key that a blob brings.

    Args:
        text: The blob, in base64url, or as JSON.
        find: Returns the key of the vault that a kid names, with which the blob was wrapped.

    Raises:
        RefusedKeyError: If it is not such a blob.
    """
    try:
        blob = json.loads(text if text.lstrip().startswith("{") else from_base64url(text.rstrip("=")))
        header, ciphertext = blob["header"], from_base64url(blob["ciphertext"].rstrip("="))
        exchange = find(str(header["kid"]))
        if not isinstance(exchange, rsa.RSAPrivateKey):
            raise ValueError("the key exchange key is missing")  # noqa: TRY004, TRY301 (one refusal for all)
        size = exchange.key_size // 8
        content_key = exchange.decrypt(ciphertext[:size], _padding(header["enc"]))
        der = keywrap.aes_key_unwrap_with_padding(content_key, ciphertext[size:])
        return check_imported(load_der_private_key(der, password=None, unsafe_skip_rsa_key_validation=True))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, keywrap.InvalidUnwrap):
        # The cause is left out: its text may hold material.
        raise invalid_jwk("its key_hsm is not a key that was wrapped for a key of this vault") from None


def _padding(wrapping: str) -> padding.OAEP:
    found = _HASHES[wrapping]
    return padding.OAEP(padding.MGF1(found), found, None)
