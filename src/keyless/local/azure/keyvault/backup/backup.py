"""Backups of secrets: every version, encrypted and authenticated, framed as Key Vault frames them.

A real backup is the length and the name of its format, then a JWE: so the recordings in Microsoft's SDK repositories show
(https://github.com/Azure/azure-sdk-for-python/tree/main/sdk/keyvault/azure-keyvault-secrets). What the JWE holds only
the service knows; here it is the versions in JSON.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict
from hashlib import sha256
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from keyless.errors import LocalAzureError
from keyless.local.azure.keyvault.backup import jwe
from keyless.local.azure.keyvault.secrets.secret import SecretVersion

if TYPE_CHECKING:
    from collections.abc import Sequence

_FORMAT = b"AzureKeyVaultSecretBackupV1.microsoft.com"
_FRAME = bytes([len(_FORMAT)]) + _FORMAT


class CorruptBackupError(LocalAzureError):
    """A backup is none, was changed, or comes from elsewhere."""


def new_backup_key() -> bytes:
    """Make a key for backups, in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def seal_backup(versions: Sequence[SecretVersion], pem: bytes) -> bytes:
    """Make a backup of all versions of a secret, the latest last."""
    key = _load(pem).public_key()
    kid = uuid.UUID(bytes=sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()[:16])
    content = json.dumps([asdict(version) for version in versions], separators=(",", ":")).encode()
    return _FRAME + jwe.encrypt(content, key, kid=str(kid)).encode()


def open_backup(blob: bytes, pem: bytes) -> list[SecretVersion]:
    """Return the versions that a backup holds, the latest last.

    Raises:
        CorruptBackupError: If it is not, bit for bit, a backup that was made with this key.
    """
    try:
        if not blob.startswith(_FRAME):
            raise ValueError("the frame is missing")  # noqa: TRY301 (one refusal for all that is wrong)
        content = jwe.decrypt(blob.removeprefix(_FRAME).decode("ascii"), _load(pem))
    except ValueError as error:  # Of ASCII, base64, JWE and ciphers alike.
        raise CorruptBackupError(
            "The backup is corrupt.",
            cause=f"It is not what a vault of this local Azure backed up: {error}.",
            remedy="Restore the bytes that backup_secret() returned, where it returned them or with the same --data.",
        ) from None
    return [SecretVersion(**version) for version in json.loads(content)]


def _load(pem: bytes) -> rsa.RSAPrivateKey:
    # It was made here: checking that it is a good one would take longer than all else.
    key = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("backups are encrypted with an RSA key")
    return key
