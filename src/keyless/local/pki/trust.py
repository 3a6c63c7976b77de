"""The files with which programs verify: what they trusted before, and the local authority."""

from __future__ import annotations

import os
import string
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import certifi

from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_BUNDLE_VARIABLES: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
# Where Linux keeps what its administrator trusts, a company's authorities among it: https://go.dev/src/crypto/x509/root_linux.go
_SYSTEM_FILES: Final = (
    Path("/etc/ssl/certs/ca-certificates.crt"),
    Path("/etc/pki/tls/certs/ca-bundle.crt"),
    Path("/etc/ssl/ca-bundle.pem"),
    Path("/etc/ssl/cert.pem"),
)
_NODE_VARIABLE: Final = "NODE_EXTRA_CA_CERTS"
_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"
_END: Final = b"-----END CERTIFICATE-----"
_BASE64: Final = (string.ascii_letters + string.digits + string.whitespace + "+/=").encode()


class TrustFiles(Record, frozen=True):
    """Files of certificates.

    Attributes:
        ca_file: The local root, alone.
        bundle_file: The public roots, those of the system, those that the environment named already, and the local one.
        node_file: What Node.js is to trust beside its own: what it was given before, and the local root.
        service_fabric_node_file: The same, and the certificate of Service Fabric's endpoint: Node.js knows no thumbprints.
    """

    ca_file: Path
    bundle_file: Path
    node_file: Path
    service_fabric_node_file: Path


def write_trust(
    folder: Path,
    *,
    root_pem: bytes,
    service_fabric_pem: bytes,
    environment: Mapping[str, str],
    system_files: Sequence[Path] = _SYSTEM_FILES,
) -> TrustFiles:
    """Write the files.

    Args:
        folder: Where.
        root_pem: The local root.
        service_fabric_pem: The certificate of Service Fabric's endpoint.
        environment: The environment before; a company's own authorities, which it names, stay trusted.
        system_files: Where the system's own may be; programs that go by it look at the bundle alone once they are given one.
    """
    public = [Path(certifi.where()), *(file for file in system_files if os.access(file, os.R_OK))]
    named = [certificate for variable in _BUNDLE_VARIABLES for certificate in _named(variable, environment)]
    named_for_node = _named(_NODE_VARIABLE, environment)
    files = TrustFiles(
        *(folder / name for name in ("ca.pem", "bundle.pem", "node-ca.pem", "service-fabric-node-ca.pem"))
    )
    files.ca_file.write_bytes(root_pem)
    files.bundle_file.write_bytes(_together([*_certificates(public), *named, *named_for_node, root_pem]))
    files.node_file.write_bytes(_together([*named_for_node, root_pem]))
    files.service_fabric_node_file.write_bytes(_together([*named_for_node, root_pem, service_fabric_pem]))
    return files


def _together(certificates: Sequence[bytes]) -> bytes:
    """Return each certificate once: programs read the file for each new connection, and it is long enough."""
    return b"".join(dict.fromkeys(certificate.strip() + b"\n" for certificate in certificates))


def _certificates(files: Iterable[Path]) -> list[bytes]:
    # Not by a regular expression, which takes ten times as long: there are hundreds of them at each start.
    return [found for file in files for found in _certificates_in(file.read_bytes().replace(b"\r\n", b"\n"))]


def _certificates_in(content: bytes) -> Iterator[bytes]:
    for part in content.split(_BEGIN)[1:]:
        body, end, _ = part.partition(_END)
        if end and not body.translate(None, _BASE64):
            yield _BEGIN + body + _END


def _named(variable: str, environment: Mapping[str, str]) -> list[bytes]:
    """Return the certificates that a variable names: a file, or a folder of files."""
    named = environment.get(variable)
    if not named:
        return []
    path = Path(named)
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return _certificates(file for file in files if path == file or file.is_file())
    except OSError as error:
        sys.stderr.write(f"keyless: {variable} names {named}, which cannot be read ({error.strerror}): left out.\n")
        return []
