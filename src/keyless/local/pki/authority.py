"""A private certificate authority that can vouch for vaults, the hosts that manage them and this machine, and nothing else.

Programs under test verify TLS as they do in Azure, so they must trust an authority of ours. What they are asked to trust is
kept small: a root that signed one intermediate and whose key was then dropped, and an intermediate whose critical name
constraints hold those hosts and loopback alone: vaults, Microsoft Entra ID, Azure Resource Manager and Microsoft Graph.
Whoever steals the intermediate's key can impersonate those to the programs that trust the root of this one run, and no
other host to anyone.

The constraints are on the intermediate because Java does not apply those it finds on a trust anchor itself.

Source: https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.10
"""

from __future__ import annotations

import ipaddress
import re
import secrets
import ssl
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keyless.clouds import CLOUDS
from keyless.errors import LocalAzureError
from keyless.local.files.private_folder import private_folder
from keyless.local.pki.revocation import ROOTS_LIST, SERVERS_LIST, distribution_point, list_of_none, named_port
from keyless.local.record import Record
from keyless.local.wire.serving.hosts import LOOPBACK_NAMES, SERVICE_HOSTS

ALLOWED_DOMAINS = (*(cloud.vault_suffix for cloud in CLOUDS), *SERVICE_HOSTS, "localhost")
ALLOWED_NETWORKS = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
SERVED_NAMES = (*(f"*.{cloud.vault_suffix}" for cloud in CLOUDS), *SERVICE_HOSTS, *LOOPBACK_NAMES)

_HOST = r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
# Clients refuse a server's certificate that is good for longer than 398 days.
_VALID_FOR = timedelta(days=397)


class ServerCertificate(Record, frozen=True):
    """A server's certificate with the chain up to the root, and its key.

    Attributes:
        chain_pem: The server's certificate and the intermediate's, in the order that TLS sends them.
        key_pem: The private key.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"key_pem"})

    chain_pem: bytes
    key_pem: bytes

    @property
    def thumbprint(self) -> str:
        """The SHA-1 of the server's certificate, by which clients of Service Fabric know it: 40 hexadecimal digits."""
        certificate = x509.load_pem_x509_certificate(self.chain_pem)
        return certificate.fingerprint(hashes.SHA1()).hex().upper()  # noqa: S303 (what those clients compare with)

    def server_context(self) -> ssl.SSLContext:
        """Return a server's TLS settings with this certificate: TLS 1.2 and newer, as Key Vault."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        # The standard library loads certificates from files alone; the folder is private and gone when this returns.
        with private_folder() as folder:
            file = folder / "server.pem"
            file.write_bytes(self.key_pem + self.chain_pem)
            context.load_cert_chain(file)
        return context


class CertificateAuthority:
    """Makes certificates for vaults, the hosts that manage them and loopback, and cannot make others that a client would accept.

    Attributes:
        root_pem: The root's certificate: what a client must trust.
        roots_list: The list of what the root has revoked, as DER; nothing where certificates name no such list.

    Args:
        pem: An authority that was kept; None makes a new one.
        lists_url: Where lists of revoked certificates are, as certificates are to say; None for nowhere.

    Raises:
        ValueError: If what was kept is not an authority.
    """

    def __init__(self, pem: bytes | None = None, *, lists_url: str | None = None) -> None:
        self._lists_url = lists_url
        if pem is not None:
            self._key, self._certificate, root, self.roots_list = _parts(pem)
        else:
            serial = secrets.token_hex(4)  # Roots of two runs in one trust store must not be taken for each other.
            self._key = ec.generate_private_key(ec.SECP256R1())
            self._certificate, root, self.roots_list = _sign_by_dropped_root(self._key.public_key(), serial, lists_url)
        self.root_pem = _pem(root)

    @property
    def pem(self) -> bytes:
        """All of it, with the intermediate's key, from which it can be made again."""
        listed = _list_pem(self.roots_list) if self.roots_list else b""
        return _key_pem(self._key) + _pem(self._certificate) + self.root_pem + listed

    @property
    def lists_port(self) -> int:
        """The port at which its lists must be served, since the intermediate's certificate says so; 0 for none."""
        return named_port(self._certificate)

    @property
    def is_current(self) -> bool:
        """Whether it can vouch for all that one made today can, and names its lists."""
        held = self._certificate.extensions.get_extension_for_class(x509.NameConstraints).value
        return held == _constraints() and bool(self.lists_port and self.roots_list)

    def servers_list(self) -> bytes:
        """Return the list of what it has revoked, as DER: nothing, for a day."""
        return list_of_none(self._certificate.subject, self._key, valid_for=timedelta(days=1))

    @property
    def ends_on(self) -> datetime:
        """The time until which its certificates are valid."""
        return self._certificate.not_valid_after_utc

    def issue(self, *names: str) -> ServerCertificate:
        """Make a certificate for a server.

        Args:
            names: Host names, with ``*.`` in front for every name one label below, or IP addresses.

        Raises:
            LocalAzureError: If a name is outside what the authority may vouch for, or none is given.
        """
        alternatives = [_alternative(name) for name in names]
        if not alternatives:
            raise _refusal("", "no name is given")
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder("Keyless local server", key.public_key(), self._certificate.subject, self._key.public_key())
        if self._lists_url is not None:
            builder = builder.add_extension(distribution_point(f"{self._lists_url}{SERVERS_LIST}"), critical=False)
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return ServerCertificate(_pem(certificate) + _pem(self._certificate), _key_pem(key))

    def server_context(self) -> ssl.SSLContext:
        """Return the TLS settings of a server that is every vault, each host that manages vaults, and this machine."""
        return self.issue(*SERVED_NAMES).server_context()


def self_signed() -> ServerCertificate:
    """Make a certificate for this machine that no authority vouches for: its reader must know it by its thumbprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = f"Keyless local server {secrets.token_hex(4)}"
    certificate = (
        _builder(subject, key.public_key(), _name(subject), key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in LOOPBACK_NAMES]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return ServerCertificate(_pem(certificate), _key_pem(key))


def _parts(pem: bytes) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate, x509.Certificate, bytes]:
    """Return the intermediate's key, its certificate, the root's and its list, as ``CertificateAuthority.pem`` has them."""
    key = serialization.load_pem_private_key(pem, None)
    certificate, root = x509.load_pem_x509_certificates(pem)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise ValueError("the key is not the certificate's")
    listed = x509.load_pem_x509_crl(pem).public_bytes(serialization.Encoding.DER) if b"X509 CRL" in pem else b""
    return key, certificate, root, listed


def _sign_by_dropped_root(
    key: ec.EllipticCurvePublicKey, serial: str, lists_url: str | None
) -> tuple[x509.Certificate, x509.Certificate, bytes]:
    """Return the intermediate's certificate, the root's and its list; the root's key ends with this call."""
    root_key = ec.generate_private_key(ec.SECP256R1())
    root_name = _name(f"Keyless local root {serial}")
    root = (
        _authority(_builder(f"Keyless local root {serial}", root_key.public_key(), root_name, root_key.public_key()), 1)
    ).sign(root_key, hashes.SHA256())
    builder = _authority(_builder(f"Keyless local vaults {serial}", key, root_name, root_key.public_key()), 0)
    if lists_url is not None:
        builder = builder.add_extension(distribution_point(f"{lists_url}{ROOTS_LIST}"), critical=False)
    intermediate = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False).sign(
        root_key, hashes.SHA256()
    )
    listed = list_of_none(root_name, root_key, valid_for=_VALID_FOR) if lists_url is not None else b""
    return intermediate, root, listed


def _constraints() -> x509.NameConstraints:
    allowed = [
        *(x509.DNSName(domain) for domain in ALLOWED_DOMAINS),
        *(x509.IPAddress(network) for network in ALLOWED_NETWORKS),
    ]
    return x509.NameConstraints(permitted_subtrees=allowed, excluded_subtrees=None)


def _authority(builder: x509.CertificateBuilder, authorities_below: int) -> x509.CertificateBuilder:
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=authorities_below), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(_constraints(), critical=True)
    )


def _builder(
    subject: str,
    key: ec.EllipticCurvePublicKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePublicKey,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _VALID_FOR)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    """Return a name as a certificate holds it, if the authority may vouch for it."""
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        host = name.lower()
        if not re.fullmatch(_HOST, host):
            raise _refusal(name, "it is not a host name") from None
        if not any(f".{host}".endswith(f".{domain}") for domain in ALLOWED_DOMAINS):
            raise _refusal(name, "it is outside the name constraints") from None
        return x509.DNSName(host)
    if not any(address in network for network in ALLOWED_NETWORKS):
        raise _refusal(name, "it is not a loopback address")
    return x509.IPAddress(address)


def _refusal(name: str, problem: str) -> LocalAzureError:
    return LocalAzureError(
        f"The local certificate authority makes no certificate for {name!r}: {problem}.",
        cause="It vouches for vaults, the hosts that manage them and this machine alone, so that trusting it risks no more.",
        remedy=f"Name hosts under {', '.join(ALLOWED_DOMAINS)}, or an address of 127.0.0.0/8 or ::1.",
    )


def _list_pem(listed: bytes) -> bytes:
    return x509.load_der_x509_crl(listed).public_bytes(serialization.Encoding.PEM)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
