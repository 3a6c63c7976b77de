"""What --data keeps, whom it keeps out, and that nothing which was acknowledged is ever lost."""

from __future__ import annotations

import base64
import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from cryptography.hazmat.primitives.serialization import Encoding

from keyless import SecretReader
from keyless.errors import LocalAzureError
from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import load_config
from keyless.local.azure.keyvault.certificates.package import read_package
from keyless.local.azure.keyvault.keys.material import public_members
from keyless.local.azure.storage import schema
from keyless.local.azure.storage.database import Database
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from keyless.local.azure.keyvault.vault import Vault

pytestmark = pytest.mark.usefixtures("own_keys")  # What is kept must not be had otherwise.
KILLS = {"secrets": 50, "keys": 25, "certificates": 15, "orders": 10}
# Each server is a process of its own; forking it saves the time that fifty imports would take.
SERVERS = """
import json, os, sys, threading
from pathlib import Path
from keyless.local.azure.config.config import load_config
from keyless.local.server import LocalAzure
for line in sys.stdin:
    if (child := os.fork()) == 0:
        with LocalAzure(load_config(Path(sys.argv[1])), data=Path(sys.argv[2])) as azure:
            token = azure.azure.tokens.issue(azure.identity("system"), "https://vault.azure.net").text
            ready = {"pid": os.getpid(), "https": azure.https_url, "ca": str(azure.ca_file), "token": token}
            print(json.dumps(ready), flush=True)
            threading.Event().wait()
    os.waitpid(child, 0)
"""
CONFIG = """
[vaults.contoso-kv]
[identities.system]
roles = { contoso-kv = ["Key Vault Secrets Officer", "Key Vault Crypto Officer", "Key Vault Certificates Officer"] }
"""
EC_KEY = {"key_props": {"kty": "EC"}}

# A name, a version, and what tells it from any other: a secret's value, a key's public part, a certificate, its request.
Written = tuple[str, str, str]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes versions of one kind of objects to a vault.

    Attributes:
        session: Asks the vault.
        url: Where the vault is.
        kind: What is written: ``orders`` are certificates that are not there yet.
        elsewhere: A vault in this process, whose certificates are brought to the other.
    """

    session: requests.Session
    url: str
    kind: str
    elsewhere: Vault

    def ask(self, method: str, path: str, content: object, expected: int = 200) -> dict[str, Any]:
        answer = self.session.request(method, f"{self.url}/{path}?api-version=7.4", json=content, timeout=10)
        body: dict[str, Any] = answer.json()
        assert answer.status_code == expected, body
        return body

    def write(self, name: str, number: int) -> Written:
        if self.kind == "secrets":
            body = self.ask("PUT", f"secrets/{name}", {"value": f"{name}-{number}"})
            return name, body["id"].rpartition("/")[2], body["value"]
        if self.kind == "keys":
            body = self.ask("POST", f"keys/{name}/create", {"kty": "EC"})
            return name, body["key"]["kid"].rpartition("/")[2], body["key"]["x"]
        if self.kind == "certificates":
            self.elsewhere.create_certificate(name, "CN=x", policy=EC_KEY)
            body = self.ask("POST", f"certificates/{name}/import", {"value": self.elsewhere.get_secret(name).value})
            return name, body["id"].rpartition("/")[2], body["cer"]
        # Only one version can be on its way.
        name = f"{name}-{number}-{uuid.uuid4().hex}"
        policy = {**EC_KEY, "x509_props": {"subject": "CN=x"}, "issuer": {"name": "Self"}}
        return name, "", self.ask("POST", f"certificates/{name}/create", {"policy": policy}, expected=202)["csr"]


def write_until_the_end(ready: dict[str, str], kind: str, name: str, acknowledged: list[Written]) -> None:
    """Write version after version, and note each one that the vault has acknowledged."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = ready["ca"]
        session.headers.update({"Host": "contoso-kv.vault.azure.net", "Authorization": f"Bearer {ready['token']}"})
        writer = Writer(session=session, url=ready["https"], kind=kind, elsewhere=Azure().vault("contoso-kv"))
        for number in range(100_000):
            try:
                acknowledged.append(writer.write(name, number))
            except requests.RequestException:
                return


def kept(vault: Vault, kind: str, name: str, version: str) -> str | None:
    """Return what a vault kept of a version, read from the private key where there is one; None where it kept nothing."""
    if kind == "secrets":
        secret = vault.find_secret(name, version)
        return secret.value if secret else None
    if kind == "orders":
        ordered = vault.certificates.operation(name)
        return ordered.csr if ordered else None
    key = vault.keys.find(name, version)
    if key is None or kind == "keys":
        return public_members(vault.keys.private(key))["x"] if key else None
    # The certificate that the secret has, with the key that is in the secret and in the vault.
    package = read_package(vault.get_secret(name, version).value, None)
    assert public_members(package.key) == public_members(vault.keys.private(key))
    cer = base64.b64encode(package.leaf.public_bytes(Encoding.DER)).decode()
    certificate = vault.certificates.find(name, version)
    return cer if certificate and certificate.facts["cer"] == cer else None


# Half an answer of a server that was killed: requests leaves its socket to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", KILLS)
def test_every_acknowledged_write_survives_kills(tmp_path: Path, kind: str) -> None:
    config, data = tmp_path / "keyless.toml", tmp_path / "data"
    config.write_text(CONFIG)
    acknowledged: list[Written] = []
    authorities = set()
    rounds_with_writes = 0
    command = [sys.executable, "-c", SERVERS, str(config), str(data)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as servers:
        assert servers.stdin is not None
        assert servers.stdout is not None
        for _ in range(KILLS[kind]):
            before = len(acknowledged)
            servers.stdin.write("start\n")
            servers.stdin.flush()
            ready = json.loads(servers.stdout.readline())
            authorities.add(Path(ready["ca"]).read_bytes())
            writers = [
                threading.Thread(target=write_until_the_end, args=(ready, kind, name, acknowledged))
                for name in ("a", "b")
            ]
            for writer in writers:
                writer.start()
            # Killed in the midst of writing: both writers are at it, and some writes are in.
            while len(acknowledged) < before + 5 and any(writer.is_alive() for writer in writers):
                writers[0].join(timeout=0.002)
            os.kill(ready["pid"], signal.SIGKILL)
            for writer in writers:
                writer.join(timeout=20)
            rounds_with_writes += len(acknowledged) > before
    with closing(Azure(load_config(config), database=Database(data / "secrets.db"))) as azure:
        vault = azure.vault("contoso-kv")
        lost = [(name, version) for name, version, wanted in acknowledged if kept(vault, kind, name, version) != wanted]
    assert lost == []
    assert rounds_with_writes == KILLS[kind]
    assert len(authorities) == 1, "the CA file is the same after every restart"


def test_the_folder_and_its_files_are_their_owners_alone_whatever_the_umask_is(tmp_path: Path) -> None:
    data = tmp_path / "data"
    umask = os.umask(0)
    try:
        with LocalAzure(data=data) as azure:
            azure.vault("contoso-kv").set_secret("fresh", "x")
            assert mode(data) == 0o700
            files = {file.name: mode(file) for file in data.iterdir()}
    finally:
        os.umask(umask)
    public = {name: bits for name, bits in files.items() if name.endswith(".pem") and name != "authority.pem"}
    private = {name: bits for name, bits in files.items() if name not in public}
    assert {"secrets.db", "secrets.db-wal", "secrets.db-shm", "secrets.lock", "authority.pem"} <= set(private)
    assert set(private.values()) == {0o600}
    assert all("PRIVATE KEY" not in (data / name).read_text() for name in public)


def test_a_file_that_was_opened_to_others_is_closed_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with LocalAzure(data=data):
        pass
    for name in ("secrets.db", "authority.pem"):
        (data / name).chmod(0o644)
    with LocalAzure(data=data):
        assert (mode(data / "secrets.db"), mode(data / "authority.pem")) == (0o600, 0o600)


def test_a_folder_that_others_may_enter_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    data = tmp_path / "shared"
    data.mkdir()
    data.chmod(0o755)
    with pytest.raises(LocalAzureError, match=r"open to other users .mode 0755") as caught, LocalAzure(data=data):
        pass
    assert f"chmod 700 {data}" in caught.value.remedy
    assert mode(data) == 0o755
    assert list(data.iterdir()) == []


def test_a_second_server_on_the_folder_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with LocalAzure(data=data) as first:
        with pytest.raises(LocalAzureError, match="is in use") as caught, LocalAzure(data=data):
            pass
        assert f"process {os.getpid()}" in caught.value.cause
        assert first.vault("contoso-kv").get_secret("api-key").value == "local-api-key"
    with LocalAzure(data=data) as second:
        assert second.vault("contoso-kv").get_secret("api-key").value == "local-api-key"


def test_a_store_of_a_newer_release_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with LocalAzure(data=data):
        pass
    file = data / "secrets.db"
    database = sqlite3.connect(file)
    database.execute(f"PRAGMA user_version = {schema.SCHEMA_VERSION + 1}")
    database.close()
    before = file.read_bytes()
    with pytest.raises(LocalAzureError, match=r"cannot be read") as caught, LocalAzure(data=data):
        pass
    assert f"version {schema.SCHEMA_VERSION + 1}" in caught.value.cause
    assert file.read_bytes() == before


def test_tokens_and_the_authority_are_good_after_a_restart(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with LocalAzure(data=data) as azure:
        token = azure.azure.tokens.issue(azure.identity("system"), "https://vault.azure.net").text
        root, ca_file = azure.ca_file.read_bytes(), azure.ca_file
    assert ca_file.read_bytes() == root, "the file that clients were told to trust stays"
    with LocalAzure(data=data) as azure, requests.Session() as session:
        session.trust_env = False
        answer = session.get(
            f"{azure.https_url}/secrets/api-key?api-version=7.4",
            headers={"Host": "contoso-kv.vault.azure.net", "Authorization": f"Bearer {token}"},
            verify=str(ca_file),
            timeout=10,
        )
        assert answer.status_code == 200


@pytest.mark.parametrize("content", ["", "nothing of the kind"])
def test_an_authority_that_cannot_be_used_is_told_by_its_file(tmp_path: Path, content: str) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "authority.pem").write_text(content)
    with pytest.raises(LocalAzureError, match=r"authority\.pem") as caught, LocalAzure(data=data):
        pass
    assert "Remove the file" in caught.value.remedy


def test_roles_are_those_of_the_configuration_at_every_start(tmp_path: Path) -> None:
    (tmp_path / "keyless.toml").write_text(CONFIG)
    config = load_config(tmp_path / "keyless.toml")
    with LocalAzure(config, data=tmp_path / "data") as azure:
        azure.identity("system").revoke("Key Vault Secrets Officer", on="contoso-kv")
    with LocalAzure(config, data=tmp_path / "data") as azure:
        held = azure.azure.role_assignments.held_by(azure.identity("system").object_id)
        assert {found.role.name for found in held} == {
            "Key Vault Secrets Officer",
            "Key Vault Crypto Officer",
            "Key Vault Certificates Officer",
        }


def test_a_program_that_was_started_before_a_restart_goes_on_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def environment_and_ports(azure: LocalAzure) -> tuple[dict[str, str], list[int]]:
        return azure.environment(), [
            urlsplit(url).port or 0 for url in (azure.http_url, azure.https_url, azure.proxy_url)
        ]

    with LocalAzure(data=tmp_path) as before:
        environment, (http, https, proxy) = environment_and_ports(before)
        before.vault("contoso-kv").set_secret("db-password", "kept")
    with LocalAzure(data=tmp_path, http_port=http, https_port=https, proxy_port=proxy) as after:
        changed = {name for name, value in after.environment().items() if environment[name] != value}
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with SecretReader("https://contoso-kv.vault.azure.net") as reader:
            assert reader.get("db-password").value == "kept"
    silent = {"AZURE_POD_IDENTITY_AUTHORITY_HOST", "ARM_MSI_ENDPOINT"}  # Nothing answers there, before or after.
    assert changed <= silent | {"AZURE_CONFIG_DIR", "AZD_CONFIG_DIR"}
