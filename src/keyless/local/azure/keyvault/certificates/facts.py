"""The facts about a version of a certificate: none until it is there, and then what everybody may see."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import asdict

from keyless.local.azure.keyvault.backup.jwe import to_base64url
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping


class CertificateFacts(Record, frozen=True, kw_only=True):
    """The facts about a version.

    Attributes:
        cer: The certificate, DER in base64.
        x5t: The SHA-1 digest of that, in base64url.
        preserve_order: Whether its chain keeps the order in which it came.
    """

    cer: str
    x5t: str
    preserve_order: bool = False

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Self | None:
        """Read the facts that a store has; None where the version is not there yet."""
        return cls(**facts) if facts else None

    @classmethod
    def about(cls, certificate: x509.Certificate, *, preserve_order: bool) -> Self:
        """Return what is known of a certificate."""
        digest = certificate.fingerprint(hashes.SHA1())  # noqa: S303 (a name, not a proof)
        return cls(cer=encoded(certificate), x5t=to_base64url(digest), preserve_order=preserve_order)

    def to_json(self) -> dict[str, Any]:
        """Return the facts as a store has them."""
        return asdict(self)


def encoded(certificate: x509.Certificate) -> str:
    """Return a certificate, DER in base64."""
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def decoded(text: str) -> x509.Certificate:
    """Return the certificate that ``encoded`` wrote."""
    return x509.load_der_x509_certificate(base64.b64decode(text))
