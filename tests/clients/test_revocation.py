"""Programs that ask whether a certificate was revoked are answered: with a list on loopback that holds nothing."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from keyless.cli.run import child_environment
from keyless.local.pki.authority import CertificateAuthority
from keyless.local.server import LocalAzure

VAULT = "contoso-kv.vault.azure.net"
# https://docs.oracle.com/en/java/javase/17/security/java-pki-programmers-guide.html, appendix B
JAVA_CHECKS = "-Dcom.sun.net.ssl.checkRevocation=true -Dcom.sun.security.enableCRLDP=true"
JAVA = """
import java.net.*;
public class Ask {
    public static void main(String[] none) throws Exception {
        var asked = (HttpURLConnection) URI.create("https://VAULT/secrets?api-version=7.4").toURL().openConnection();
        System.out.println(asked.getResponseCode());
    }
}
""".replace("VAULT", VAULT)
NODE = """
const tls = require("node:tls"), { readFileSync } = require("node:fs");
const [host, port, ca, ...crl] = process.argv.slice(1);
const options = { host, port, servername: "VAULT", ca: readFileSync(ca), crl: crl.map((file) => readFileSync(file)) };
const socket = tls.connect(options, () => { console.log(socket.authorized); socket.end(); });
socket.on("error", (error) => { console.log(error.code); });
""".replace("VAULT", VAULT)


@pytest.fixture
def lists(local_azure: LocalAzure) -> list[bytes]:
    """The lists that the certificates name, fetched as a client fetches them: the server's, and the intermediate's."""
    host, port = local_azure.https_url.removeprefix("https://").split(":")
    pem = ssl.get_server_certificate((host, int(port)))
    leaf = x509.load_pem_x509_certificate(pem.encode())
    found = []
    for url in (_named(leaf), _named(leaf).replace("vaults.crl", "authority.crl")):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/(vaults|authority)\.crl", url)
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(url, timeout=5)
        assert answer.headers["Content-Type"] == "application/pkix-crl"
        found.append(answer.content)
    return found


def _named(certificate: x509.Certificate) -> str:
    points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    names = next(iter(points)).full_name
    assert names is not None
    return str(names[0].value)


@pytest.fixture
def files(lists: list[bytes], tmp_path: Path) -> list[str]:
    """The same as files of PEM."""
    made = [tmp_path / name for name in ("vaults.pem", "root.pem")]
    for file, content in zip(made, lists, strict=True):
        file.write_bytes(x509.load_der_x509_crl(content).public_bytes(Encoding.PEM))
    return [str(file) for file in made]


def test_python_finds_that_nothing_was_revoked(local_azure: LocalAzure, files: list[str]) -> None:
    context = ssl.create_default_context(cafile=str(local_azure.ca_file))
    context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_CHAIN | ssl.VerifyFlags.VERIFY_X509_STRICT
    host, port = local_azure.https_url.removeprefix("https://").split(":")
    with socket.create_connection((host, int(port))) as plain, pytest.raises(ssl.SSLCertVerificationError, match="CRL"):
        context.wrap_socket(plain, server_hostname=VAULT)
    for file in files:
        context.load_verify_locations(file)
    with socket.create_connection((host, int(port))) as plain, context.wrap_socket(plain, server_hostname=VAULT) as tls:
        assert tls.getpeercert()


def test_curl_finds_that_nothing_was_revoked(local_azure: LocalAzure, files: list[str], tmp_path: Path) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("CURL IS NOT TESTED: it is missing on this machine.")
    both = tmp_path / "both.pem"
    both.write_text("".join(Path(file).read_text() for file in files))
    address = local_azure.https_url.removeprefix("https://")
    command = [curl, "-sS", "--cacert", str(local_azure.ca_file), "--crlfile", str(both), "-o", "/dev/null"]
    to = ["-w", "%{http_code}", "--connect-to", f"{VAULT}:443:{address}", f"https://{VAULT}/secrets?api-version=7.4"]
    done = subprocess.run([*command, *to], capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr) == ("401", "")


def test_node_js_finds_that_nothing_was_revoked(local_azure: LocalAzure, files: list[str]) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("JAVASCRIPT IS NOT TESTED: node is missing on this machine.")
    host, port = local_azure.https_url.removeprefix("https://").split(":")
    for lists, said in ((files, "true"), (files[1:], "UNABLE_TO_GET_CRL")):
        command = [node, "-e", NODE, host, port, str(local_azure.ca_file), *lists]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        assert done.stdout.strip() == said


def test_java_fetches_the_lists_and_finds_that_nothing_was_revoked(local_azure: LocalAzure, tmp_path: Path) -> None:
    java = shutil.which("java")
    if java is None:
        pytest.skip("JAVA IS NOT TESTED: java is missing on this machine.")
    (tmp_path / "Ask.java").write_text(JAVA)
    environment = child_environment(local_azure, {**os.environ, "JAVA_TOOL_OPTIONS": JAVA_CHECKS})
    command = [java, "-Djava.security.debug=certpath", str(tmp_path / "Ask.java")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip().endswith("401"), done.stdout[-2000:] + done.stderr[-2000:]
    assert "/vaults.crl" in done.stderr
    assert "/authority.crl" in done.stderr


def test_an_authority_that_is_kept_has_its_lists_where_its_certificate_says(tmp_path: Path) -> None:
    ports, roots = set(), set()
    for _ in range(2):
        with LocalAzure(data=tmp_path) as azure, requests.Session() as session:
            session.trust_env = False
            intermediate = x509.load_pem_x509_certificates(Path(tmp_path, "authority.pem").read_bytes())[0]
            url = _named(intermediate)
            listed = x509.load_der_x509_crl(session.get(url, timeout=5).content)
            root = x509.load_pem_x509_certificate(azure.ca_file.read_bytes())
            assert listed.is_signature_valid(root.public_key())  # type: ignore[arg-type]
            assert listed.next_update_utc == pytest.approx(root.not_valid_after_utc, abs=timedelta(minutes=1))
            ports.add(urlsplit(url).port)
            roots.add(azure.ca_file.read_bytes())
    assert (len(ports), len(roots)) == (1, 1)


def test_an_authority_of_an_older_release_is_made_anew(tmp_path: Path) -> None:
    older = CertificateAuthority()
    tmp_path.chmod(0o700)
    (tmp_path / "authority.pem").write_bytes(older.pem)
    with LocalAzure(data=tmp_path) as azure:
        assert azure.ca_file.read_bytes() != older.root_pem
