"""Backups of an object: every version, encrypted and authenticated, framed as Key Vault frames them.

A real backup is the length and the name of its format, then a JWE: so the recordings in Microsoft's SDK repositories show
(https://github.com/Azure/azure-sdk-for-python/tree/main/sdk/keyvault/azure-keyvault-secrets). What the JWE holds only
the service knows; here it is the versions in JSON.
"""

from __future__ import annotations

import json
import uuid
from hashlib import sha256
from typing import TYPE_CHECKING, Any

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
from keyless.local.azure.keyvault.objects.attributes import Attributes, fields_of
from keyless.local.azure.keyvault.objects.stored import ObjectVersion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyless.local.operations import Kind


class CorruptBackupError(LocalAzureError):
    """A backup is none, was changed, or comes from elsewhere."""


def new_backup_key() -> bytes:
    """Make a key for backups, in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def seal_backup(kind: Kind, versions: Sequence[ObjectVersion], pem: bytes) -> bytes:
    """Make a backup of all versions of an object, the latest last."""
    return _sealed(kind, [_written(version) for version in versions], pem)


def open_backup(kind: Kind, blob: bytes, pem: bytes) -> list[ObjectVersion]:
    """Return the versions that a backup holds, the latest last.

    Raises:
        CorruptBackupError: If it is not, bit for bit, a backup of an object of that kind that was made with this key.
    """
    found = _opened(kind, blob, pem)
    if not isinstance(found, list):
        raise _corrupt(kind, "it holds a certificate")
    return [_read(version) for version in found]


def seal_certificate(parts: Sequence[Sequence[ObjectVersion]], policy: Mapping[str, Any], pem: bytes) -> bytes:
    """Make a backup of a certificate: of its versions, those of its key and of its secret, each the latest last."""
    content = {"parts": [[_written(version) for version in versions] for versions in parts], "policy": dict(policy)}
    return _sealed("certificate", content, pem)


def open_certificate(blob: bytes, pem: bytes) -> tuple[list[list[ObjectVersion]], dict[str, Any]]:
    """Return the versions of a certificate, of its key and of its secret that a backup holds, and the policy.

    Raises:
        CorruptBackupError: If it is not, bit for bit, a backup of a certificate that was made with this key.
    """
    found = _opened("certificate", blob, pem)
    if not isinstance(found, dict):
        raise _corrupt("certificate", "it holds a key")
    return [[_read(version) for version in versions] for versions in found["parts"]], found["policy"]


def _sealed(kind: Kind, content: object, pem: bytes) -> bytes:
    key = _load(pem).public_key()
    kid = uuid.UUID(bytes=sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()[:16])
    text = json.dumps(content, separators=(",", ":")).encode()
    return _frame(kind) + jwe.encrypt(text, key, kid=str(kid)).encode()


def _opened(kind: Kind, blob: bytes, pem: bytes) -> Any:
    frame = _frame(kind)
    try:
        if not blob.startswith(frame):
            raise ValueError("the frame is missing")  # noqa: TRY301 (one refusal for all that is wrong)
        content = jwe.decrypt(blob.removeprefix(frame).decode("ascii"), _load(pem))
    except ValueError as error:  # Of ASCII, base64, JWE and ciphers alike.
        raise _corrupt(kind, str(error)) from None
    return json.loads(content)


def _corrupt(kind: Kind, problem: str) -> CorruptBackupError:
    return CorruptBackupError(
        "The backup is corrupt.",
        cause=f"It is not what a vault of this local Azure backed up: {problem}.",
        remedy=f"Restore the bytes that the backup of a {kind} returned, where it did or with the same --data.",
    )


def _frame(kind: Kind) -> bytes:
    # A certificate's backup begins as a key's does, as recorded.
    name = f"AzureKeyVault{'Secret' if kind == 'secret' else 'Key'}BackupV1.microsoft.com".encode()
    return bytes([len(name)]) + name


def _written(version: ObjectVersion) -> dict[str, Any]:
    """Return a version as older Keyless wrote it, too: every field beside the others."""
    attributes = fields_of(version.attributes)
    own = {name: getattr(version, name) for name in ("name", "version", "created_on", "updated_on", "value")}
    return {**own, **attributes, "facts": dict(version.facts)}


def _read(fields: dict[str, Any]) -> ObjectVersion:
    attributes = Attributes(**{name: fields.pop(name) for name in Attributes.__struct_fields__})
    return ObjectVersion(**fields, attributes=attributes)


def _load(pem: bytes) -> rsa.RSAPrivateKey:
    # It was made here: checking that it is a good one would take longer than all else.
    key = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("backups are encrypted with an RSA key")
    return key
