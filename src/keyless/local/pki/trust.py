"""The files with which programs verify: what they trusted before, and the local authority."""

from __future__ import annotations

import os
import string
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import certifi

from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Read = Callable[[Path], Sequence[bytes]]

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
    read = cache(_certificates_in)  # Variables often name one file, which is the system's.
    public = [Path(certifi.where()), *(file for file in system_files if os.access(file, os.R_OK))]
    named = [certificate for variable in _BUNDLE_VARIABLES for certificate in _named(variable, environment, read)]
    named_for_node = _named(_NODE_VARIABLE, environment, read)
    files = TrustFiles(
        *(folder / name for name in ("ca.pem", "bundle.pem", "node-ca.pem", "service-fabric-node-ca.pem"))
    )
    files.ca_file.write_bytes(root_pem)
    files.bundle_file.write_bytes(_together([*_certificates(public, read), *named, *named_for_node, root_pem]))
    files.node_file.write_bytes(_together([*named_for_node, root_pem]))
    files.service_fabric_node_file.write_bytes(_together([*named_for_node, root_pem, service_fabric_pem]))
    return files


def _together(certificates: Sequence[bytes]) -> bytes:
    """Return each certificate once: programs read the file for each new connection, and it is long enough."""
    return b"".join(dict.fromkeys(certificate.strip() + b"\n" for certificate in certificates))


def _certificates(files: Iterable[Path], read: Read) -> list[bytes]:
    return [found for file in files for found in read(file)]


def _certificates_in(file: Path) -> Sequence[bytes]:
    # Not by a regular expression, which takes ten times as long: there are hundreds of them at each start.
    parts = (part.partition(_END) for part in file.read_bytes().replace(b"\r\n", b"\n").split(_BEGIN)[1:])
    return [_BEGIN + body + _END for body, end, _ in parts if end and not body.translate(None, _BASE64)]


def _named(variable: str, environment: Mapping[str, str], read: Read) -> list[bytes]:
    """Return the certificates that a variable names: a file, or a folder of files."""
    named = environment.get(variable)
    if not named:
        return []
    path = Path(named)
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return _certificates((file for file in files if path == file or file.is_file()), read)
    except OSError as error:
        sys.stderr.write(f"keyless: {variable} names {named}, which cannot be read ({error.strerror}): left out.\n")
        return []
