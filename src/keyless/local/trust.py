"""The files with which programs verify: what they trusted before, and the local authority."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import certifi

if TYPE_CHECKING:
    from collections.abc import Mapping

_BUNDLE_VARIABLES: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_NODE_VARIABLE: Final = "NODE_EXTRA_CA_CERTS"
_BEGIN: Final = b"-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True, slots=True)
class TrustFiles:
    """Files of certificates.

    Attributes:
        ca_file: The local root, alone.
        bundle_file: The public roots, those that the environment named already, and the local one.
        node_file: What Node.js is to trust beside its own: what it was told before, and the local root.
        service_fabric_node_file: The same, and the certificate of Service Fabric's endpoint: Node.js knows no thumbprints.
    """

    ca_file: Path
    bundle_file: Path
    node_file: Path
    service_fabric_node_file: Path


def write_trust(
    folder: Path, *, root_pem: bytes, service_fabric_pem: bytes, environment: Mapping[str, str]
) -> TrustFiles:
    """Write the files.

    Args:
        folder: Where.
        root_pem: The local root.
        service_fabric_pem: The certificate of Service Fabric's endpoint.
        environment: The environment before; a company's own authorities, which it names, stay trusted.
    """
    before = [_named(variable, environment) for variable in _BUNDLE_VARIABLES]
    node_before = _named(_NODE_VARIABLE, environment)
    files = TrustFiles(
        *(folder / name for name in ("ca.pem", "bundle.pem", "node-ca.pem", "service-fabric-node-ca.pem"))
    )
    files.ca_file.write_bytes(root_pem)
    files.bundle_file.write_bytes(
        b"\n".join(dict.fromkeys((Path(certifi.where()).read_bytes(), *before, node_before, root_pem)))
    )
    files.node_file.write_bytes(node_before + root_pem)
    files.service_fabric_node_file.write_bytes(node_before + root_pem + service_fabric_pem)
    return files


def _named(variable: str, environment: Mapping[str, str]) -> bytes:
    """Return the certificates that a variable names: a file, or a folder of files."""
    named = environment.get(variable)
    if not named:
        return b""
    path = Path(named)
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        contents = [file.read_bytes() for file in files if path == file or file.is_file()]
    except OSError as error:
        sys.stderr.write(f"keyless: {variable} names {named}, which cannot be read ({error.strerror}): left out.\n")
        return b""
    return b"".join(content.rstrip() + b"\n" for content in contents if _BEGIN in content)
