"""The certificate authority: real clients accept vaults and loopback, and refuse every other name it could sign."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from keyless.errors import LocalAzureError
from keyless.local.pki.authority import ALLOWED_DOMAINS, SERVED_NAMES, CertificateAuthority, ServerCertificate

if TYPE_CHECKING:
    from pathlib import Path


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="the openssl command is not installed")


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    return CertificateAuthority()


def stolen(authority: CertificateAuthority, *alternatives: x509.GeneralName, cn: str = "x") -> ServerCertificate:
    """Sign what `issue` refuses, with the intermediate's own key, as whoever stole it could."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)]))
        .issuer_name(authority._certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )
    # Strict clients, as Python is since 3.13, ask for it before they look at names.
    authority_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority._key.public_key())
    builder = builder.add_extension(authority_key, critical=False)
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    certificate = builder.sign(authority._key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    return ServerCertificate(
        certificate.public_bytes(pem) + authority._certificate.public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def client_context(authority: CertificateAuthority, *, strict: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority.root_pem.decode())
    if strict:
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
    return context


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """Perform a TLS handshake in memory; raise what the client raises."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client_side = client.wrap_bio(to_client, to_server, server_hostname=name)
    server_side = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client_side, server_side):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client_side.getpeercert()


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        "contoso-kv.vault.azure.net",
        "CONTOSO-KV.vault.azure.net",
        "contoso-kv.vault.azure.cn",
        "contoso-kv.vault.usgovcloudapi.net",
        "login.microsoftonline.com",
        "login.chinacloudapi.cn",
        "management.azure.com",
        "management.usgovcloudapi.net",
        "graph.microsoft.com",
        "microsoftgraph.chinacloudapi.cn",
        "localhost",
        "127.0.0.1",
        "::1",
    ],
)
def test_a_client_accepts_the_server_as_every_vault_what_manages_it_and_this_machine(
    authority: CertificateAuthority, name: str, *, strict: bool
) -> None:
    shake_hands(authority.server_context(), client_context(authority, strict=strict), name)


@pytest.mark.parametrize(
    "name",
    [
        "example.com",
        "portal.azure.com",
        "azure.com",
        "x.management.azure.com",
        "microsoft.com",
        "x.login.windows.net",
        "a.b.vault.azure.net",
        "127.0.0.2",
    ],
)
def test_a_client_refuses_the_server_as_any_other_host(authority: CertificateAuthority, name: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        shake_hands(authority.server_context(), client_context(authority), name)


def test_a_client_that_does_not_trust_the_root_refuses_the_server(authority: CertificateAuthority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        shake_hands(authority.server_context(), ssl.create_default_context(), "contoso-kv.vault.azure.net")


def test_two_runs_do_not_trust_each_other(authority: CertificateAuthority) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(authority.server_context(), client_context(CertificateAuthority()), "localhost")


@pytest.mark.parametrize(
    ("alternative", "name"),
    [
        (x509.DNSName("example.com"), "example.com"),
        (x509.DNSName("portal.azure.com"), "portal.azure.com"),
        (x509.DNSName("microsoftonline.com"), "microsoftonline.com"),
        (x509.DNSName("*.microsoft.com"), "graph.microsoft.com"),
        (x509.DNSName("azure.com"), "azure.com"),
        (x509.DNSName("evilvault.azure.net"), "evilvault.azure.net"),
        (x509.DNSName("*.azure.net"), "contoso.azure.net"),
        (x509.IPAddress(ip_address("169.254.169.254")), "169.254.169.254"),
        (x509.IPAddress(ip_address("fe80::1")), "fe80::1"),
    ],
)
def test_a_client_refuses_another_name_even_when_the_stolen_intermediate_signed_it(
    authority: CertificateAuthority, alternative: x509.GeneralName, name: str
) -> None:
    server = stolen(authority, alternative).server_context()
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shake_hands(server, client_context(authority), name)


def test_a_stolen_intermediate_still_vouches_for_vaults_alone(authority: CertificateAuthority) -> None:
    shake_hands(
        stolen(authority, x509.DNSName("a.vault.azure.net")).server_context(),
        client_context(authority),
        "a.vault.azure.net",
    )
    both = stolen(authority, x509.DNSName("a.vault.azure.net"), x509.DNSName("example.com")).server_context()
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        shake_hands(both, client_context(authority), "a.vault.azure.net")


def openssl_verify(authority: CertificateAuthority, folder: Path, certificate: ServerCertificate, name: str) -> str:
    (folder / "root.pem").write_bytes(authority.root_pem)
    (folder / "chain.pem").write_bytes(certificate.chain_pem)
    done = subprocess.run(
        [
            *("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", name),
            *("-no-CApath", "-no-CAstore", "-CAfile", "root.pem", "-untrusted", "chain.pem", "chain.pem"),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


@needs_openssl
def test_openssl_verifies_the_chain_strictly(authority: CertificateAuthority, tmp_path: Path) -> None:
    said = openssl_verify(authority, tmp_path, authority.issue(*SERVED_NAMES), "contoso-kv.vault.azure.net")
    assert said.strip() == "chain.pem: OK"


@needs_openssl
def test_openssl_refuses_what_a_stolen_intermediate_signs(authority: CertificateAuthority, tmp_path: Path) -> None:
    said = openssl_verify(authority, tmp_path, stolen(authority, x509.DNSName("example.com")), "example.com")
    assert "permitted subtree violation" in said
    without_alternatives = openssl_verify(authority, tmp_path, stolen(authority, cn="example.com"), "example.com")
    assert "permitted subtree violation" in without_alternatives


def test_a_stolen_intermediate_cannot_make_another_authority(authority: CertificateAuthority) -> None:
    assert authority._certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_the_constraints_stand_on_the_root_and_on_the_intermediate(authority: CertificateAuthority) -> None:
    root = x509.load_pem_x509_certificate(authority.root_pem)
    for certificate in (root, authority._certificate):
        constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints)
        assert constraints.critical
        permitted = constraints.value.permitted_subtrees or []
        assert {str(name.value) for name in permitted} == {*ALLOWED_DOMAINS, "127.0.0.0/8", "::1/128"}


@pytest.mark.parametrize(
    "name",
    [
        "example.com",
        "azure.net",
        "*.azure.net",
        "evilvault.azure.net",
        "contoso-kv.vault.azure.net.example.com",
        "*",
        "",
        ".vault.azure.net",
        "a..vault.azure.net",
        "a b.vault.azure.net",
        "a.*.vault.azure.net",
        "contoso。vault.azure.net",
        "contoso-kv.vault.azure.net\n",
        "169.254.169.254",
        "0.0.0.0",
        "::",
        "::ffff:127.0.0.1",
        "fe80::1",
    ],
)
def test_no_certificate_is_made_for_a_name_outside_the_constraints(authority: CertificateAuthority, name: str) -> None:
    with pytest.raises(LocalAzureError, match="makes no certificate for"):
        authority.issue("localhost", name)


def test_a_certificate_needs_a_name(authority: CertificateAuthority) -> None:
    with pytest.raises(LocalAzureError, match="no name is given"):
        authority.issue()


def test_a_certificate_can_be_made_for_names_within_the_constraints(authority: CertificateAuthority) -> None:
    server = authority.issue("Contoso-KV.vault.azure.net", "api.localhost", "127.1.2.3").server_context()
    for name in ("contoso-kv.vault.azure.net", "api.localhost", "127.1.2.3"):
        shake_hands(server, client_context(authority), name)


def test_the_key_is_in_no_representation(authority: CertificateAuthority) -> None:
    certificate = authority.issue("localhost")
    assert b"PRIVATE KEY" in certificate.key_pem
    assert "PRIVATE KEY" not in repr(certificate)
    assert "PRIVATE KEY" not in repr(vars(authority))


def test_clients_of_tls_1_1_are_refused(authority: CertificateAuthority) -> None:
    assert authority.server_context().minimum_version >= ssl.TLSVersion.TLSv1_2


async def test_a_server_of_asyncio_serves_with_it(authority: CertificateAuthority) -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"here")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=authority.server_context())
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=client_context(authority), server_hostname="contoso-kv.vault.azure.net"
    )
    assert await reader.read() == b"here"
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()
