"""LocalAzure: what it serves, the environment that leads to it, and that nothing of it is left."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
import requests

from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local.azure.config.config import Config, default_config
from keyless.local.programs.environment import proxy_variables
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VAULT_URL = "https://contoso-kv.vault.azure.net"
SECRET_URL = f"{VAULT_URL}/secrets/db-password?api-version=7.4"


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def token(azure: LocalAzure, session: requests.Session) -> str:
    environment = azure.environment()
    answer = session.get(
        environment["IDENTITY_ENDPOINT"],
        params={"api-version": "2019-08-01", "resource": "https://vault.azure.net"},
        headers={"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"]},
        timeout=10,
    )
    assert answer.status_code == 200
    return str(answer.json()["access_token"])


def test_requests_reads_a_secret_from_the_production_url_with_verification_on(
    local_azure: LocalAzure, azure_environment: dict[str, str], session: requests.Session
) -> None:
    bearer = {"Authorization": f"Bearer {token(local_azure, session)}"}
    answer = session.get(SECRET_URL, headers=bearer, timeout=10)
    assert answer.status_code == 200
    assert answer.json()["value"] == local_azure.vault("contoso-kv").get_secret("db-password").value


async def test_aiohttp_reads_a_secret_from_the_production_url_with_verification_on(
    local_azure: LocalAzure, azure_environment: dict[str, str], session: requests.Session
) -> None:
    bearer = {"Authorization": f"Bearer {token(local_azure, session)}"}
    context = ssl.create_default_context()
    async with (
        aiohttp.ClientSession(trust_env=True, connector=aiohttp.TCPConnector(ssl=context)) as client,
        client.get(SECRET_URL, headers=bearer) as answer,
    ):
        assert answer.status == 200
        assert (await answer.json())["id"].startswith(f"{VAULT_URL}/secrets/db-password/")


def test_the_vaults_are_also_served_without_the_proxy(local_azure: LocalAzure, session: requests.Session) -> None:
    session.trust_env = False
    url = f"{local_azure.https_url}/secrets/db-password?api-version=7.4"
    answer = session.get(
        url, headers={"Host": "contoso-kv.vault.azure.net"}, verify=str(local_azure.ca_file), timeout=10
    )
    assert answer.status_code == 401
    assert 'resource="https://vault.azure.net"' in answer.headers["WWW-Authenticate"]


def test_a_client_without_the_local_root_refuses_the_vault(
    local_azure: LocalAzure,
    azure_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    session: requests.Session,
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    monkeypatch.delenv("CURL_CA_BUNDLE")
    with pytest.raises(requests.exceptions.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        session.get(SECRET_URL, timeout=10)


def test_a_vault_that_does_not_exist_is_an_unreachable_host_and_a_line_on_stderr(
    azure_environment: dict[str, str], session: requests.Session, written: Callable[[str], str]
) -> None:
    with pytest.raises(requests.exceptions.ProxyError, match="502 No vault ghost"):
        session.get("https://ghost.vault.azure.net/secrets/x", timeout=10)
    assert "Vaults that exist: contoso-kv.vault.azure.net.\n" in written(
        "Vaults that exist: contoso-kv.vault.azure.net.\n"
    )


def test_a_vault_that_is_added_while_it_runs_is_reached(
    local_azure: LocalAzure, azure_environment: dict[str, str], session: requests.Session
) -> None:
    local_azure.azure.add_vault("fabrikam")
    assert session.get("https://fabrikam.vault.azure.net/secrets?api-version=7.4", timeout=10).status_code == 401


def test_the_environment_names_every_variable_that_clients_read(local_azure: LocalAzure) -> None:
    environment = local_azure.environment()
    assert environment == {
        "KEYLESS_LOCAL_AZURE": "app-service",
        "IDENTITY_ENDPOINT": f"{local_azure.http_url}/msi/token",
        "IDENTITY_HEADER": environment["IDENTITY_HEADER"],
        "MSI_ENDPOINT": f"{local_azure.http_url}/msi/token",
        "MSI_SECRET": environment["IDENTITY_HEADER"],
        "REGION_NAME": "westus2",
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"],
        "ARM_MSI_ENDPOINT": f"{environment['AZURE_POD_IDENTITY_AUTHORITY_HOST']}/metadata/identity/oauth2/token",
        "AZURE_CONFIG_DIR": environment["AZURE_CONFIG_DIR"],
        "AZD_CONFIG_DIR": environment["AZD_CONFIG_DIR"],
        **dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), environment["HTTPS_PROXY"]),
        "NO_PROXY": "localhost,127.0.0.1,::1",
        "no_proxy": "localhost,127.0.0.1,::1",
        "SSL_CERT_FILE": str(local_azure.bundle_file),
        "REQUESTS_CA_BUNDLE": str(local_azure.bundle_file),
        "CURL_CA_BUNDLE": str(local_azure.bundle_file),
        "NODE_EXTRA_CA_CERTS": str(local_azure.ca_file.with_name("node-ca.pem")),
        "NODE_USE_ENV_PROXY": "1",
    }
    assert len(environment["IDENTITY_HEADER"]) >= 32
    assert environment["HTTPS_PROXY"].rpartition(":")[2] == local_azure.proxy_url.rpartition(":")[2]


def test_without_an_identity_the_environment_has_no_endpoint(local_azure: LocalAzure) -> None:
    environment = local_azure.environment(identity=False)
    assert "IDENTITY_ENDPOINT" not in environment
    assert "IDENTITY_HEADER" not in environment
    assert environment == {name: local_azure.environment()[name] for name in environment}


def test_whoever_asks_for_the_metadata_service_is_refused_at_once(
    local_azure: LocalAzure, session: requests.Session
) -> None:
    host = local_azure.environment()["AZURE_POD_IDENTITY_AUTHORITY_HOST"]
    assert host.startswith("http://127.0.0.1:")
    with pytest.raises(requests.ConnectionError, match="refused"):
        session.get(f"{host}/metadata/identity/oauth2/token", timeout=5)


@pytest.mark.parametrize(
    ("existing", "expected"),
    [
        ("", "localhost,127.0.0.1,::1"),
        ("example.com, 10.0.0.0/8 ,,localhost", "localhost,127.0.0.1,::1,example.com,10.0.0.0/8"),
        ("*", "localhost,127.0.0.1,::1"),
        (".vault.azure.net,vault.azure.net,*.vault.azure.net", "localhost,127.0.0.1,::1"),
        (
            "contoso-kv.vault.azure.net,CONTOSO-KV.VAULT.AZURE.NET:443,contoso-kv.vault.azure.cn.",
            "localhost,127.0.0.1,::1",
        ),
        ("login.microsoftonline.com,.microsoftonline.us,login.windows.net:443", "localhost,127.0.0.1,::1"),
        ("168.63.129.16,168.63.0.0/16,168.*", "localhost,127.0.0.1,::1"),
        (".azure.net,azure.net,.net,net,et,*.usgovcloudapi.net,cn", "localhost,127.0.0.1,::1"),
        (
            ".blob.core.windows.net,myvault.example,cnn.example",
            "localhost,127.0.0.1,::1,.blob.core.windows.net,myvault.example,cnn.example",
        ),
    ],
)
def test_no_proxy_keeps_what_was_there_and_never_excepts_what_the_proxy_answers_for(
    existing: str, expected: str
) -> None:
    variables = proxy_variables("http://127.0.0.1:1", host="127.0.0.1", no_proxy=existing)
    assert variables["NO_PROXY"] == variables["no_proxy"] == expected


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_no_proxy_of_this_process_is_merged(
    local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "internal.example,.azure.net")
    assert local_azure.environment()["NO_PROXY"] == "localhost,127.0.0.1,::1,internal.example"


def test_the_bundle_holds_the_public_roots_and_the_local_one(local_azure: LocalAzure) -> None:
    context = ssl.create_default_context(cafile=str(local_azure.bundle_file))
    subjects = [str(found["subject"]) for found in context.get_ca_certs()]
    assert len(subjects) > 50
    assert sum("Keyless local root" in subject for subject in subjects) == 1
    alone = ssl.create_default_context(cafile=str(local_azure.ca_file))
    assert alone.cert_store_stats()["x509_ca"] == 1


def test_the_files_of_a_run_are_private_and_hold_no_key_and_go_with_it() -> None:
    with LocalAzure() as azure:
        folder = azure.ca_file.parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        names = {file.name for file in folder.iterdir()}
        assert names == {"bundle.pem", "ca.pem", "lock", "node-ca.pem", "service-fabric-node-ca.pem"}
        assert not any(b"PRIVATE" in file.read_bytes() for file in folder.iterdir())
    assert not folder.exists()


def open_sockets() -> int:
    gc.collect()
    listed = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum(link.startswith("socket:") for link in listed)


def running_threads() -> set[threading.Thread]:
    # Those of an event loop's executor end with asyncio.run; another local Azure of these tests may start one meanwhile.
    return {thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are listed in /proc on Linux alone")
def test_no_thread_and_no_socket_outlives_it_even_with_clients_that_stay_connected() -> None:
    threads, sockets = running_threads(), open_sockets()
    with LocalAzure() as azure, requests.Session() as session:
        session.trust_env = False
        proxies = {"https": azure.proxy_url}
        session.get(SECRET_URL, proxies=proxies, verify=str(azure.ca_file), timeout=10)
        session.get(f"{azure.https_url}/secrets", verify=str(azure.ca_file), timeout=10)
        token(azure, session)
        ports = [int(url.rpartition(":")[2]) for url in (azure.http_url, azure.https_url, azure.proxy_url)]
        silent = [socket.create_connection(("127.0.0.1", port)) for port in ports]
        for connection in silent:
            connection.sendall(b"\x16\x03\x01")  # The first bytes of a TLS handshake that never goes on.
        token(azure, session)
        began = time.perf_counter()
        azure.__exit__(None, None, None)
        assert time.perf_counter() - began < 2
    for connection in silent:
        connection.close()
    assert running_threads() == threads
    assert open_sockets() == sockets
    for port in ports:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def test_it_starts_and_stops_many_times_in_one_process(own_keys: None) -> None:
    with LocalAzure() as azure:
        first = azure.environment()
        with LocalAzure() as other:
            assert not set(first.values()) & {other.http_url, other.https_url, other.proxy_url, str(other.ca_file)}
    starts = []
    for _ in range(5):
        began = time.process_time()  # Not the time that a busy machine takes for others.
        with azure:
            starts.append(time.process_time() - began)
            assert azure.environment() != first
    assert min(starts) < 0.3


def test_it_cannot_be_started_while_it_runs(local_azure: LocalAzure) -> None:
    with pytest.raises(LocalAzureError, match="It runs already"), local_azure:
        pytest.fail("it started")
    assert local_azure.vault("contoso-kv").url == VAULT_URL


@pytest.mark.parametrize(
    "ask", ["azure", "clock", "journal", "http_url", "https_url", "proxy_url", "ca_file", "bundle_file"]
)
def test_what_exists_only_while_it_runs_says_so(ask: str) -> None:
    azure = LocalAzure()
    with pytest.raises(LocalAzureError, match="is not running"):
        getattr(azure, ask)


def test_a_start_at_once_answers_who_connects_before_it_serves() -> None:
    with LocalAzure(at_once=True) as azure:
        environment = azure.environment()
        found = requests.get(
            environment["IDENTITY_ENDPOINT"],
            params={"api-version": "2019-08-01", "resource": "https://vault.azure.net"},
            headers={"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"]},
            timeout=30,
        )
        azure.wait()
    assert found.json()["token_type"] == "Bearer"


def test_a_start_at_once_can_end_before_it_serves(tmp_path: Path) -> None:
    with LocalAzure(data=tmp_path / "data", at_once=True) as azure:
        port, folder = int(azure.http_url.rpartition(":")[2]), azure.ca_file
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    with LocalAzure(data=tmp_path / "data") as again:
        assert again.ca_file == folder


@pytest.mark.parametrize("name", ["http_port", "https_port", "proxy_port"])
def test_a_port_in_use_is_an_error_that_names_it_and_leaves_nothing(name: str) -> None:
    threads = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ports = {"http_port": 0, "https_port": 0, "proxy_port": 0, name: port}
        azure = LocalAzure(http_port=ports["http_port"], https_port=ports["https_port"], proxy_port=ports["proxy_port"])
        with pytest.raises(LocalAzureError, match=f"cannot listen at 127.0.0.1 port {port}") as caught, azure:
            pytest.fail("it started")
    assert caught.value.cause == "Another program listens there."
    assert name in caught.value.remedy
    assert set(threading.enumerate()) == threads


def test_named_ports_are_used() -> None:
    free = []
    for _ in range(3):
        with socket.create_server(("127.0.0.1", 0)) as found:
            free.append(found.getsockname()[1])
    with LocalAzure(http_port=free[0], https_port=free[1], proxy_port=free[2]) as azure:
        assert azure.http_url == f"http://127.0.0.1:{free[0]}"
        assert azure.https_url == f"https://127.0.0.1:{free[1]}"
        assert azure.proxy_url.endswith(f"@127.0.0.1:{free[2]}")


@pytest.mark.parametrize("host", ["203.0.113.1", "no such host"])
def test_an_address_that_cannot_be_had_is_an_error(host: str) -> None:
    with pytest.raises(LocalAzureError, match=f"cannot listen at {host} port 0: ") as caught, LocalAzure(host=host):
        pytest.fail("it started")
    assert caught.value.remedy == "Give another host."


@pytest.mark.parametrize("port", [-1, 65_536])
def test_what_is_not_a_port_is_an_error(port: int) -> None:
    with pytest.raises(ConfigurationError, match=f"proxy_port={port} is not a port"), LocalAzure(proxy_port=port):
        pytest.fail("it started")


def test_listening_everywhere_gives_addresses_that_can_be_reached(session: requests.Session) -> None:
    with LocalAzure(host="0.0.0.0") as azure:
        assert azure.http_url.startswith("http://127.0.0.1:")
        assert token(azure, session)


def test_secrets_outlive_a_run_that_keeps_data(tmp_path: Path) -> None:
    data = tmp_path / "new" / "folder"
    with LocalAzure(data=data) as azure:
        azure.vault("contoso-kv").set_secret("db-password", "kept")
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    with LocalAzure(data=data) as azure:
        assert azure.vault("contoso-kv").get_secret("db-password").value == "kept"
    with LocalAzure() as azure:
        assert azure.vault("contoso-kv").get_secret("db-password").value != "kept"


def test_data_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("not a folder")
    for data in (file, file / "below"):
        with pytest.raises(LocalAzureError, match=str(data)) as caught, LocalAzure(data=data):
            pytest.fail("it started")
        assert "folder that can be written to" in caught.value.remedy


def test_an_error_inside_still_stops_it() -> None:
    azure, threads = LocalAzure(), set(threading.enumerate())
    ports = []
    with pytest.raises(ZeroDivisionError), azure:
        ports.append(int(azure.http_url.rpartition(":")[2]) / 0)
    assert ports == []
    assert set(threading.enumerate()) <= threads


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_of_a_configuration_will_do(tmp_path: Path, kind: type[str | Path]) -> None:
    file = tmp_path / "keyless.toml"
    file.write_text('[vaults.fabrikam.secrets]\na = "b"\n[identities.system]\n')
    with LocalAzure(kind(file)) as azure:
        assert azure.vault("fabrikam").get_secret("a").value == "b"
    with pytest.raises(ConfigurationError, match=r"missing\.toml"):
        LocalAzure(kind(tmp_path / "missing.toml"))


def test_a_config_decides_what_exists() -> None:
    config: Config = default_config()
    with LocalAzure(config) as azure:
        assert set(azure.azure.vaults) == set(config.vaults)
        with pytest.raises(LocalAzureError, match="contoso-kv"):
            azure.vault("ghost")
        with pytest.raises(LocalAzureError, match="system"):
            azure.identity("ghost")


def test_it_can_be_used_from_a_running_event_loop() -> None:
    async def main() -> int:
        with LocalAzure() as azure:
            async with aiohttp.ClientSession() as client, client.get(f"{azure.http_url}/msi/token") as answer:
                return answer.status

    assert asyncio.run(main()) in {400, 401, 403}


ON_DEMAND = """
import sys
import threading
from keyless.local.server import LocalAzure

with LocalAzure(on_demand=True) as azure:
    azure.vault("contoso-kv").set_secret("db-password", "set before")
    azure.reset()
    azure.environment()
assert "httptools" not in sys.modules
assert threading.enumerate() == [threading.main_thread()]

with LocalAzure(on_demand=True) as azure:
    azure.wait()
    assert "httptools" in sys.modules
assert threading.enumerate() == [threading.main_thread()]
"""


def test_one_on_demand_loads_no_web_server_until_it_is_wanted() -> None:
    done = subprocess.run([sys.executable, "-c", ON_DEMAND], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_first_client_of_one_on_demand_is_answered(session: requests.Session) -> None:
    with LocalAzure(on_demand=True) as azure:
        url = azure.http_url
        assert token(azure, session)
    with pytest.raises(requests.ConnectionError):
        session.get(url, timeout=10)
