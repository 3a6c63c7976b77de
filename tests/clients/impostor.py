"""A server for a host that the local authority must not vouch for, with a certificate that its stolen key signed anyway."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class Impostor:
    """An HTTPS proxy that is every host itself.

    Attributes:
        proxy_url: Its address.
        authority_pem: The key and the certificates that it signs with; to be set before a client comes.
        visits: How many clients began TLS.
        trusted: How many took its certificate.
    """

    proxy_url: str
    authority_pem: bytes = field(default=b"", repr=False)
    visits: int = 0
    trusted: int = 0

    def serve(self, server: socket.socket) -> None:
        """Serve clients until the socket is shut down."""
        while True:
            try:
                client = server.accept()[0]
            except OSError:
                return
            with client, suppress(OSError):
                client.settimeout(10)
                host = client.recv(65536).split()[1].decode().rpartition(":")[0]
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                self.visits += 1
                with _context(self.authority_pem, host).wrap_socket(client, server_side=True) as trusting:
                    # A client of TLS 1.3 says only after the handshake whether it trusts; then it closes or asks.
                    self.trusted += bool(trusting.recv(1))


@contextmanager
def impostor() -> Iterator[Impostor]:
    """Run an impostor."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        running = Impostor(f"http://127.0.0.1:{server.getsockname()[1]}")
        thread = threading.Thread(target=running.serve, args=(server,))
        thread.start()
        try:
            yield running
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _context(authority_pem: bytes, host: str) -> ssl.SSLContext:
    """Return TLS settings with a certificate for a host, whatever the authority's constraints say of it."""
    authority_key = serialization.load_pem_private_key(authority_pem, None)
    assert isinstance(authority_key, ec.EllipticCurvePrivateKey)
    authority = x509.load_pem_x509_certificates(authority_pem)[0]
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = (each.public_bytes(serialization.Encoding.PEM) for each in (certificate, authority))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    with TemporaryDirectory() as folder:
        file = Path(folder, "server.pem")
        file.write_bytes(key_pem + b"".join(chain))
        context.load_cert_chain(file)
    return context
