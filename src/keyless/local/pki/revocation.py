"""The lists of revoked certificates, which are empty, and where they are: programs that insist on asking get an answer.

.NET with ``CheckCertificateRevocationList = true``, as Microsoft's analyzer rules CA5399 and CA5400 want it, refuses a
certificate that names no list.

Source: https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.13, https://www.rfc-editor.org/rfc/rfc5280#section-5
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

ROOTS_LIST: Final = "/authority.crl"
SERVERS_LIST: Final = "/vaults.crl"


def list_of_none(issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, valid_for: timedelta) -> bytes:
    """Return a list on which nothing is, as DER.

    Args:
        issuer: Whose list it is.
        key: The issuer's key.
        valid_for: For how long clients may keep it.
    """
    now = datetime.now(UTC)
    return (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer)
        .last_update(now - timedelta(hours=1))
        .next_update(now + valid_for)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


def distribution_point(url: str) -> x509.CRLDistributionPoints:
    """Return what a certificate says of where its list is."""
    name = x509.UniformResourceIdentifier(url)
    point = x509.DistributionPoint(full_name=[name], relative_name=None, reasons=None, crl_issuer=None)
    return x509.CRLDistributionPoints([point])


def named_port(certificate: x509.Certificate) -> int:
    """Return the port at which a certificate's list is; 0 where it names none."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return 0
    names = [name.value for point in points for name in point.full_name or ()]
    return urlsplit(names[0]).port or 0 if names else 0
