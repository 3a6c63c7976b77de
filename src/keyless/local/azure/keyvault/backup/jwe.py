"""JSON Web Encryption as Key Vault's backups use it: RSA-OAEP-256 for the key, A256CBC-HS512 for the content.

https://www.rfc-editor.org/rfc/rfc7516 (the compact form), https://www.rfc-editor.org/rfc/rfc7518#section-5.2 (the content)
"""

from __future__ import annotations

import base64
import hmac
import json
import os
from hashlib import sha512
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.padding import PKCS7

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

_HALF = 32
_BLOCK_BITS = 128
_OAEP = OAEP(MGF1(SHA256()), SHA256(), None)


def encrypt(content: bytes, key: RSAPublicKey, *, kid: str) -> str:
    """Encrypt and authenticate content for the holder of a private key."""
    header = {"kid": kid, "alg": "RSA-OAEP-256", "enc": "A256CBC-HS512"}
    protected = to_base64url(json.dumps(header, separators=(",", ":")).encode())
    content_key, iv = os.urandom(2 * _HALF), os.urandom(_BLOCK_BITS // 8)
    sealed, tag = seal(content, content_key, iv=iv, associated=protected.encode())
    parts = (key.encrypt(content_key, _OAEP), iv, sealed, tag)
    return ".".join((protected, *map(to_base64url, parts)))


def decrypt(text: str, key: RSAPrivateKey) -> bytes:
    """Return what was encrypted.

    Raises:
        ValueError: If it was not encrypted for this key, or a single bit of it has changed.
    """
    protected, *parts = text.split(".")
    wrapped, iv, sealed, tag = map(from_base64url, parts)
    content_key = key.decrypt(wrapped, _OAEP)
    if not hmac.compare_digest(tag, _tag(sealed, content_key, iv, protected.encode())):
        raise ValueError("the authentication tag is wrong")
    cipher = Cipher(AES256(content_key[_HALF:]), CBC(iv)).decryptor()
    padding = PKCS7(_BLOCK_BITS).unpadder()
    return padding.update(cipher.update(sealed) + cipher.finalize()) + padding.finalize()


def seal(content: bytes, content_key: bytes, *, iv: bytes, associated: bytes) -> tuple[bytes, bytes]:
    """Encrypt content with A256CBC-HS512; returns the ciphertext and its tag."""
    padding = PKCS7(_BLOCK_BITS).padder()
    cipher = Cipher(AES256(content_key[_HALF:]), CBC(iv)).encryptor()
    sealed = cipher.update(padding.update(content) + padding.finalize()) + cipher.finalize()
    return sealed, _tag(sealed, content_key, iv, associated)


def to_base64url(data: bytes) -> str:
    """Write bytes in base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def from_base64url(text: str) -> bytes:
    """Read base64url without padding, in the one way that the bytes can be written.

    Raises:
        ValueError: If the text is anything else.
    """
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if to_base64url(data) != text:
        raise ValueError("the text is not base64url")
    return data


def _tag(sealed: bytes, content_key: bytes, iv: bytes, associated: bytes) -> bytes:
    length = (8 * len(associated)).to_bytes(8, "big")
    return hmac.new(content_key[:_HALF], associated + iv + sealed + length, sha512).digest()[:_HALF]
