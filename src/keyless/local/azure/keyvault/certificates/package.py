"""A certificate with its private key and its chain, as clients bring it and as its secret gives it: PFX or PEM.

https://learn.microsoft.com/en-us/azure/key-vault/certificates/tutorial-import-certificate
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    pkcs12,
)
from msgspec.structs import replace

from keyless.local.azure.keyvault.certificates.policy_parts import PEM, PKCS12
from keyless.local.azure.keyvault.certificates.refusal import RefusedCertificateError
from keyless.local.azure.keyvault.keys.material import check_imported
from keyless.local.azure.keyvault.keys.refusal import RefusedKeyError
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from keyless.local.azure.keyvault.keys.material import PrivateKey
    from keyless.local.azure.keyvault.objects.stored import ObjectVersion

_BEGIN: Final = "-----BEGIN"
_KEY: Final = re.compile(r"-----BEGIN ((?:ENCRYPTED )?PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
# As recorded: how often the key is derived.
_ROUNDS: Final = 2000


class Package(Record, frozen=True):
    """A certificate with what belongs to it; no representation shows the key.

    Attributes:
        key: The private key.
        leaf: The certificate of that key.
        certificates: All certificates in their order, the leaf among them.
        content_type: How it was written.
    """

    key: PrivateKey
    leaf: x509.Certificate
    certificates: tuple[x509.Certificate, ...]
    content_type: str

    def in_order(self, *, kept: bool) -> tuple[x509.Certificate, ...]:
        """Return all certificates: as they came, or with the leaf first."""
        others = tuple(each for each in self.certificates if each != self.leaf)
        return self.certificates if kept else (self.leaf, *others)


def read_package(value: str, password: str | None) -> Package:
    """Read what a client brings: PFX in base64, PEM as it is, or PEM in base64.

    Args:
        value: The text.
        password: What it is encrypted with; None or nothing means that it is not.

    Raises:
        RefusedCertificateError: If it is none of these, or not with that password. No text of it holds material.
        RefusedKeyError: If a vault can have no such key.
    """
    if _BEGIN in value:
        return _from_pem(value, password)
    try:
        content = base64.b64decode(re.sub(r"\s", "", value).replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        raise _unreadable() from None
    if _BEGIN.encode() in content:
        return _from_pem(content.decode("utf-8", "replace"), password)
    return _from_pfx(content, password)


def write_package(key: PrivateKey | None, certificates: Sequence[x509.Certificate], content_type: str) -> str:
    """Write a certificate as its secret gives it.

    Args:
        key: The private key; None where it may not leave the vault.
        certificates: The certificates, in the order that they are to have.
        content_type: How it is to be written.
    """
    if content_type == PEM:
        private = "" if key is None else key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return private + "".join(each.public_bytes(Encoding.PEM).decode() for each in certificates)
    leaf = certificates[0] if key is None else next(each for each in certificates if is_of(each, key))
    others = [each for each in certificates if each != leaf]
    # With an empty password, and the ciphers that old systems can read, as recorded. A builder takes no empty one.
    encryption = (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(_ROUNDS)
        .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(hashes.SHA1())  # noqa: S303 (recorded)
        .build(b"-")
    )
    encryption.password = b""  # type: ignore[attr-defined]
    made = pkcs12.serialize_key_and_certificates(None, key, leaf, others or None, encryption)
    return base64.b64encode(made).decode()


def converted(secret: ObjectVersion, content_type: str) -> ObjectVersion:
    """Return the secret of a certificate as if it were written in another way."""
    if secret.attributes.content_type == PEM:
        certificates = x509.load_pem_x509_certificates(secret.value.encode())
        found = _KEY.search(secret.value)
        key = None if found is None else check_imported(_load_key(found.group(), None))
    else:
        content = pkcs12.load_pkcs12(base64.b64decode(secret.value), None)
        key = None if content.key is None else check_imported(content.key)
        certificates = [each.certificate for each in (content.cert, *content.additional_certs) if each is not None]
    attributes = replace(secret.attributes, content_type=content_type)
    return replace(secret, value=write_package(key, certificates, content_type), attributes=attributes)


def is_of(certificate: x509.Certificate, key: PrivateKey) -> bool:
    """Return whether a certificate is that of a key."""
    return _written(certificate.public_key()) == _written(key.public_key())


def _from_pem(text: str, password: str | None) -> Package:
    found = _KEY.search(text)
    if found is None:  # That of PKCS #1 is quoted: https://github.com/MicrosoftDocs/azure-docs/issues/115101
        raise invalid_content("its key is missing, or not in PKCS #8")
    try:
        loaded = _load_key(found.group(), password if "ENCRYPTED" in found[1] else None)
        certificates = x509.load_pem_x509_certificates(text.encode())
        key = check_imported(loaded)
    except RefusedKeyError:
        raise
    except (ValueError, TypeError):
        raise _unreadable_pem() from None
    return _package(key, certificates, PEM)


def _load_key(pem: str, password: str | None) -> PrivateKeyTypes:
    """Read a key whose numbers nobody has checked."""
    return load_pem_private_key(
        pem.encode(), password.encode() if password else None, unsafe_skip_rsa_key_validation=True
    )


def _from_pfx(content: bytes, password: str | None) -> Package:
    found = None
    for attempt in (password.encode(),) if password else (None, b""):
        try:
            found = pkcs12.load_pkcs12(content, attempt)
        except ValueError:
            continue
        break
    if found is None:
        raise _unreadable()
    if found.key is None:
        raise without_key()
    certificates = [each.certificate for each in (found.cert, *found.additional_certs) if each is not None]
    return _package(check_imported(found.key), certificates, PKCS12)


def _package(key: PrivateKey, certificates: Sequence[x509.Certificate], content_type: str) -> Package:
    leaf = next((each for each in certificates if is_of(each, key)), None)
    if leaf is None:
        raise without_key()
    return Package(key, leaf, tuple(certificates), content_type)


def _written(key: Any) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[no-any-return]


def invalid_content(problem: str) -> RefusedCertificateError:
    """Return the refusal of what is not a certificate with its key. Quoted for a key of PKCS #1."""
    return RefusedCertificateError(
        f"The certificate cannot be imported: {problem}.",
        allowed="PFX, and PEM with a key in PKCS #8 and its certificate",
        message="The specified X.509 certificate content is invalid. Error: One or more X.509 properties are invalid.",
    )


def without_key() -> RefusedCertificateError:
    """Return the refusal of a certificate whose key is not there.

    Quoted: https://github.com/Azure/azure-sdk-for-net/issues/26492
    """
    return RefusedCertificateError(
        "The certificate has no private key, or that of another.",
        allowed="a certificate with its private key",
        message="No certificate with private key found in the specified X.509 certificate content. Please specify X.509 "
        "certificate content with only one certificate containing private key.",
    )


def _unreadable_pem() -> RefusedCertificateError:
    """Quoted: https://github.com/Azure-Samples/ms-identity-python-daemon/issues/21."""
    return RefusedCertificateError(
        "The certificate cannot be read: it is not PEM, or not with that password.",
        allowed="PEM with a key in PKCS #8 and its certificate",
        message="The specified PEM X.509 certificate content can not be read. Please check if certificate is in valid PEM "
        "format. Accepted formats: PEM content or Base64 encoded PEM content.",
    )


def _unreadable() -> RefusedCertificateError:
    """Return the refusal of what is not a PFX, or another password's. Quoted in several issues."""
    return RefusedCertificateError(
        "The certificate cannot be read: it is not a PFX, or not with that password.",
        allowed="PFX in base64 with its password, and PEM",
        message="The specified PKCS#12 X.509 certificate content can not be read. Please check if certificate is in "
        "valid PKCS#12 format.",
    )
