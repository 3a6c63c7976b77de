"""Makes certificates and requests for them, as those of Key Vault are: serial, times, names and extensions in their order.

https://learn.microsoft.com/en-us/azure/key-vault/certificates/create-certificate
"""

from __future__ import annotations

import calendar
import uuid
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from keyless.local.azure.keyvault.certificates.extensions import extensions_of
from keyless.local.azure.keyvault.certificates.names import read_name
from keyless.local.azure.keyvault.keys.material import check_imported, make_key
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.keyvault.certificates.policy import CertificatePolicy
    from keyless.local.azure.keyvault.keys.material import PrivateKey

# How long before it is made a certificate is valid, for clocks that are late. Recorded.
_BEFORE: Final = 600
_MONTHS_A_YEAR: Final = 12
_Hash = hashes.SHA256 | hashes.SHA384 | hashes.SHA512
_BY_BITS: Final[Mapping[int, _Hash]] = MappingProxyType({384: hashes.SHA384(), 521: hashes.SHA512()})
_LAST_YEAR: Final = 9999
LOCAL_ISSUER: Final = "issuer.local"


class Life(Record, frozen=True):
    """From when to when a certificate is good, in Unix seconds."""

    not_before: int
    expires_on: int

    @classmethod
    def beginning(cls, now: int, *, months: int) -> Life:
        """Return the life of a certificate that is made at a moment."""
        made = datetime.fromtimestamp(now, UTC)
        months_on = made.month - 1 + months
        year, month = min(made.year + months_on // _MONTHS_A_YEAR, _LAST_YEAR), months_on % _MONTHS_A_YEAR + 1
        day = min(made.day, calendar.monthrange(year, month)[1])
        return cls(now - _BEFORE, int(made.replace(year=year, month=month, day=day).timestamp()))

    @classmethod
    def of(cls, certificate: x509.Certificate) -> Life:
        """Return the lifetime in a certificate."""
        times = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return cls(*(int(moment.timestamp()) for moment in times))


class Issuer(Record, frozen=True):
    """A signer of certificates: a name, a key, and its own certificate, which is above those that it signs."""

    certificate: x509.Certificate
    key: PrivateKey

    @classmethod
    def load(cls, kept: bytes) -> Issuer:
        """Return the issuer that ``new_issuer`` made."""
        # It was made here: OpenSSL's check of it would take longer than to sign.
        key = load_pem_private_key(kept, None, unsafe_skip_rsa_key_validation=True)
        return cls(x509.load_pem_x509_certificate(kept), check_imported(key))


def new_issuer() -> bytes:
    """Make the authority that acts for all named issuers, in PEM. No program trusts it unless you configure it to."""
    key = make_key("RSA")
    name = read_name(f"CN={LOCAL_ISSUER}")
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), _serial())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2099, 12, 31, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(identifier, critical=False)
        .sign(key, _hash_for(key))
    )
    return made.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def request_for(key: PrivateKey, policy: CertificatePolicy) -> bytes:
    """Return the request for the certificate that a policy asks for, in DER."""
    builder = x509.CertificateSigningRequestBuilder(_subject(policy))
    found = extensions_of(policy.x509)
    for name in ("usage", "purposes", "names", "constraints"):
        if name in found:
            extension, critical = found[name]
            builder = builder.add_extension(extension, critical=critical)
    return builder.sign(key, _hash_for(key)).public_bytes(Encoding.DER)


def certificate_for(key: PrivateKey, policy: CertificatePolicy, life: Life, *, issuer: Issuer | None) -> bytes:
    """Return the certificate that a policy asks for, in DER.

    Args:
        key: The private key that it is about.
        policy: The policy.
        life: From when to when it is good.
        issuer: Who signs it; None means that it is signed with its own key.
    """
    subject, public = _subject(policy), key.public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    signer = issuer.key if issuer else key
    above = x509.SubjectKeyIdentifier.from_public_key(signer.public_key())
    builder = x509.CertificateBuilder(
        issuer.certificate.subject if issuer else subject,
        subject,
        public,
        _serial(),
        datetime.fromtimestamp(life.not_before, UTC),
        max(datetime.fromtimestamp(life.expires_on, UTC), datetime.fromtimestamp(life.not_before, UTC)),
    )
    found = extensions_of(policy.x509)
    for name in ("usage", "constraints", "purposes", "names"):
        if name in found:
            extension, critical = found[name]
            builder = builder.add_extension(extension, critical=critical)
    authority = x509.AuthorityKeyIdentifier(above.digest, None, None)
    made = builder.add_extension(authority, critical=False).add_extension(identifier, critical=False)
    return made.sign(signer, _hash_for(signer)).public_bytes(Encoding.DER)


def months_between(life: Life) -> int:
    """Return how many months a certificate is good for, as Key Vault reckons it of one that is imported."""
    lasts = timedelta(seconds=life.expires_on - life.not_before)
    return max(0, round(lasts.days * _MONTHS_A_YEAR / 365))


def _subject(policy: CertificatePolicy) -> x509.Name:
    subject = policy.x509["subject"]
    return read_name(subject) if subject else x509.Name([])


def _serial() -> int:
    # Positive in sixteen bytes: the highest bit is clear, the next one set.
    return uuid.uuid4().int & (1 << 127) - 1 | 1 << 126


def _hash_for(key: PrivateKey) -> _Hash:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _BY_BITS.get(key.curve.key_size, hashes.SHA256())
    return hashes.SHA256()
