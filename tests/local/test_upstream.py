"""Other hosts than vaults go through the proxy that was configured before, and what was trusted before stays trusted."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from base64 import b64encode
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
import pytest

from keyless.errors import ConfigurationError
from keyless.local.files.private_folder import private_folder
from keyless.local.pki.authority import CertificateAuthority
from keyless.local.pki.trust import write_trust
from keyless.local.server import LocalAzure
from keyless.local.wire.proxy.proxy import ConnectProxy
from keyless.local.wire.proxy.reached import Local
from keyless.local.wire.proxy.target import Target
from keyless.local.wire.proxy.upstream import Upstream

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

VAULT = "contoso-kv.vault.azure.net"


class Company:
    """A company's proxy: it notes what it is asked, and is every host itself, naming the host that it stands for."""

    def __init__(self, answer: str) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.credentials: list[str] = []
        self.address = ("", 0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.split()[1])
        self.credentials += [line.partition(": ")[2] for line in head.splitlines() if "Proxy-Authorization" in line]
        writer.write(f"{self.answer}\r\n\r\n".encode() if self.answer else b"")
        if " 200 " in self.answer:
            writer.write(f"here is {head.split()[1]}".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def company(*, answer: str = "HTTP/1.1 200 OK", tls: ssl.SSLContext | None = None) -> AsyncIterator[Company]:
    made = Company(answer)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    made.address = server.sockets[0].getsockname()
    yield made
    server.close()


async def through(upstream: Upstream | None, target: str) -> str:
    """Ask the local proxy for a target and return all that it answers."""
    proxy = ConnectProxy(
        Local(vault_hosts=lambda: {VAULT}, vaults_at=("127.0.0.1", 9)),
        password="x",
        upstream=upstream,
        connect_timeout=2,
    )
    listener = socket.create_server(("127.0.0.1", 0))
    await proxy.start(listener)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    credentials = b64encode(b"keyless:x").decode()
    writer.write(f"CONNECT {target} HTTP/1.1\r\nProxy-Authorization: Basic {credentials}\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await proxy.close()
    return answer


def of(url: str, no_proxy: str = "") -> Upstream:
    upstream = Upstream.of({"HTTPS_PROXY": url, "NO_PROXY": no_proxy})
    assert upstream is not None
    return upstream


async def test_another_host_is_reached_through_the_proxy_with_its_credentials() -> None:
    async with company() as proxy:
        upstream = of(f"http://user:p%40ss@127.0.0.1:{proxy.address[1]}")
        answer = await through(upstream, "pypi.example:443")
    assert answer.endswith("here is pypi.example:443")
    assert proxy.credentials == [f"Basic {b64encode(b'user:p@ss').decode()}"]


async def test_a_proxy_that_speaks_tls_is_spoken_to_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = CertificateAuthority()
    (tmp_path / "ca.pem").write_bytes(authority.root_pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    async with company(tls=authority.server_context()) as proxy:
        answer = await through(of(f"https://localhost:{proxy.address[1]}"), "[2001:db8::1]:443")
    assert answer.endswith("here is [2001:db8::1]:443")


@pytest.mark.parametrize(
    "target", [f"{VAULT}:443", "missing.vault.azure.net:443", "x.vault.azure.cn:443", "169.254.169.254:443"]
)
async def test_no_vault_and_no_metadata_service_is_asked_for_outside(target: str) -> None:
    async with company() as proxy:
        await through(of(f"http://127.0.0.1:{proxy.address[1]}"), target)
        assert proxy.asked == []


async def test_what_no_proxy_names_is_reached_straight() -> None:
    async with company() as proxy:
        answer = await through(of(f"http://127.0.0.1:{proxy.address[1]}", ".invalid"), "straight.invalid:443")
        assert proxy.asked == []
    assert answer.startswith("HTTP/1.1 502 No connection to straight.invalid port 443")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("HTTP/1.1 407 Proxy Authentication Required", "502 The proxy 127.0.0.1 answered 407 Proxy Authentication"),
        ("HTTP/1.1 403 Forbidden", "502 The proxy 127.0.0.1 answered 403 Forbidden"),
        ("SSH-2.0-OpenSSH", "502 The proxy 127.0.0.1 answered"),
        ("", "502 No connection to pypi.example port 443"),
    ],
)
async def test_a_proxy_that_refuses_is_quoted(answer: str, expected: str) -> None:
    async with company(answer=answer) as proxy:
        said = await through(of(f"http://127.0.0.1:{proxy.address[1]}"), "pypi.example:443")
    assert said.startswith(f"HTTP/1.1 {expected}")


@pytest.mark.parametrize(
    ("no_proxy", "host", "served"),
    [
        ("", "a.example", True),
        ("*", "a.example", False),
        ("example", "a.example", False),
        (".example", "a.example", False),
        ("*.example", "a.example", False),
        ("a.example:443", "a.example", False),
        ("a.example:8443", "a.example", True),
        ("A.Example, b.example", "a.example", False),
        ("b.example a.example", "a.example", False),
        ("ample", "a.example", True),
        ("10.0.0.0/8", "10.1.2.3", False),
        ("10.0.0.0/8", "11.1.2.3", True),
        ("2001:db8::/32", "2001:db8::1", False),
        ("[2001:db8::1]", "2001:db8::1", False),
        ("", "127.0.0.1", False),
        ("", "localhost", False),
    ],
)
def test_no_proxy_is_read_as_clients_read_it(no_proxy: str, host: str, served: bool) -> None:  # noqa: FBT001
    assert of("http://proxy.example", no_proxy).serves(Target(host, 443)) is served


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HTTPS_PROXY": "proxy.example:3128"}, ("proxy.example", 3128, False)),
        ({"https_proxy": "http://proxy.example"}, ("proxy.example", 80, False)),
        ({"ALL_PROXY": "https://proxy.example"}, ("proxy.example", 443, True)),
        ({"HTTPS_PROXY": "", "all_proxy": "http://[::1]:8080"}, ("::1", 8080, False)),
    ],
)
def test_the_proxy_is_taken_from_the_variables_that_clients_read(
    environment: dict[str, str], expected: tuple[str, int, bool]
) -> None:
    upstream = Upstream.of(environment)
    assert upstream is not None
    assert (upstream.host, upstream.port, upstream.tls) == expected


def test_without_such_a_variable_there_is_no_proxy() -> None:
    assert Upstream.of({"HTTP_PROXY": "http://proxy.example", "HTTPS_PROXY": ""}) is None


@pytest.mark.parametrize("url", ["socks5://user:s3cr3t@proxy.example", "http://", "http://user:s3cr3t@h:99999"])
def test_a_proxy_that_cannot_be_chained_is_refused_without_showing_its_password(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    with pytest.raises(ConfigurationError, match="HTTPS_PROXY") as info, LocalAzure():
        pass
    assert "s3cr3t" not in str(info.value)
    assert "s3cr3t" not in repr(Upstream.of({"HTTPS_PROXY": "http://u:s3cr3t@h:1"}))


def test_what_the_environment_trusted_before_stays_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, node = (CertificateAuthority().root_pem for _ in range(3))
    (tmp_path / "company.pem").write_bytes(first.rstrip())
    folder = tmp_path / "certs"
    folder.mkdir()
    (folder / "one.pem").write_bytes(second)
    (folder / "README").write_text("not a certificate")
    (tmp_path / "node.pem").write_bytes(node)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "company.pem"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(folder))
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(tmp_path / "node.pem"))
    with LocalAzure() as azure:
        own = azure.ca_file.read_bytes()
        bundle, for_node = azure.bundle_file.read_bytes(), Path(azure.environment()["NODE_EXTRA_CA_CERTS"]).read_bytes()
    assert all(each.rstrip() in bundle for each in (own, first, second, node))
    assert b"not a certificate" not in bundle
    assert own in for_node
    assert node.rstrip() in for_node


def test_a_certificate_that_several_variables_name_stands_in_the_bundle_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = CertificateAuthority().root_pem
    company = tmp_path / "company.pem"
    company.write_bytes(Path(certifi.where()).read_bytes() + b"# ours" + b"\r\n" + own.replace(b"\n", b"\r\n"))
    for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        monkeypatch.setenv(variable, str(company))
    with LocalAzure() as azure:
        bundle = azure.bundle_file.read_bytes()
    assert bundle.count(own.strip()) == 1
    certificates = bundle.split(b"-----BEGIN CERTIFICATE-----")
    assert len(certificates) == len(set(certificates))


def test_what_the_system_trusts_stays_trusted_by_programs_that_are_given_a_bundle(tmp_path: Path) -> None:
    system, local = CertificateAuthority().root_pem, CertificateAuthority().root_pem
    (tmp_path / "system.crt").write_bytes(system)
    files = write_trust(
        tmp_path,
        root_pem=local,
        service_fabric_pem=b"",
        environment={},
        system_files=[tmp_path / "nowhere.crt", tmp_path / "system.crt"],
    )
    assert system in files.bundle_file.read_bytes()
    assert local in files.bundle_file.read_bytes()


def test_a_bundle_that_is_not_there_is_left_out_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/company.pem")
    with LocalAzure() as azure:
        assert azure.ca_file.read_bytes() in azure.bundle_file.read_bytes()
    assert "SSL_CERT_FILE names /nowhere/company.pem, which cannot be read" in capsys.readouterr().err


def test_the_folder_of_a_killed_run_is_removed_by_the_next_and_that_of_a_living_run_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "keyless-notes").mkdir()
    program = (
        "from keyless.local.files.private_folder import private_folder\n"
        "with private_folder() as folder:\n"
        "    print(folder, flush=True); input()"
    )
    command = [sys.executable, "-c", program]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        with private_folder():
            assert folder.exists()
        process.send_signal(signal.SIGKILL)
    assert folder.exists()
    with private_folder() as own:
        assert sorted(tmp_path.iterdir()) == sorted([own, tmp_path / "keyless-notes"])
    assert list(tmp_path.iterdir()) == [tmp_path / "keyless-notes"]
