"""What Java makes of a certificate that the local issuer has signed, and of the PFX that is its secret."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from keyless.local.azure.azure import Azure

if TYPE_CHECKING:
    from cryptography import x509

PROGRAM = Path(__file__).parent / "java" / "OpenCertificate.java"
OPENED = ["CN=contoso.com", "2", "true"]


def _issued() -> bytes:
    """Return the PFX of a certificate that ``issuer.local`` has signed for an issuer of a vault."""
    vault = Azure().vault("contoso-kv")
    vault.certificates.records.set_issuer("public-ca", {"provider": "Test"}, now=1)
    policy = {"key_props": {"kty": "EC"}}
    vault.create_certificate("web", "CN=contoso.com", dns_names=["contoso.com"], issuer="public-ca", policy=policy)
    return base64.b64decode(vault.get_secret("web").value)


def _root(pfx: bytes) -> x509.Certificate:
    (root,) = (each.certificate for each in pkcs12.load_pkcs12(pfx, None).additional_certs)
    return root


def _opened_in_java(folder: Path, pfx: bytes, root: x509.Certificate) -> list[str]:
    if shutil.which("javac") is None:
        pytest.skip("JAVA IS NOT TESTED: javac missing on this machine.")
    (folder / "web.pfx").write_bytes(pfx)
    (folder / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    command = ["java", str(PROGRAM), str(folder / "web.pfx"), str(folder / "root.pem")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def test_java_opens_the_pfx_of_a_certificate_and_accepts_it_where_its_issuer_is_trusted(tmp_path: Path) -> None:
    pfx = _issued()
    assert _opened_in_java(tmp_path, pfx, _root(pfx)) == [*OPENED, "valid", "trusted"]


def test_java_refuses_the_certificate_where_another_issuer_of_the_same_name_is_trusted(tmp_path: Path) -> None:
    pfx, other = _issued(), _root(_issued())
    assert _opened_in_java(tmp_path, pfx, other) == [*OPENED, "refused", "refused"]
