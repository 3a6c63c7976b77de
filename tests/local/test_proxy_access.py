"""Who may use the proxy: whoever has its password, and the programs of the same user where the kernel says so."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import pytest
import requests
from requests.exceptions import ProxyError

from keyless.local.server import LocalAzure
from keyless.local.wire.proxy import peer
from keyless.local.wire.proxy.peer import same_user
from keyless.local.wire.proxy.proxy import ConnectProxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRETS = "https://contoso-kv.vault.azure.net/secrets?api-version=7.4"


@pytest.fixture(scope="module")
def wary() -> Iterator[LocalAzure]:
    """The local Azure on a system whose kernel does not say whose a connection is."""
    import_module("keyless.local.serving")  # Loaded in the context below, it would keep what is there for other tests.
    azure = LocalAzure()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ConnectProxy.__init__.__kwdefaults__ or {}, "trusts", lambda _peer, _here: False)
        patch.setattr(peer, "same_user", lambda _peer, _here: False)
        azure.__enter__()
    yield azure
    azure.__exit__(None, None, None)


def without_password(url: str) -> str:
    return f"http://{url.rpartition('@')[2]}"


@pytest.mark.parametrize("credentials", ["", "keyless:wrong@", "other:{password}@", "keyless@", "%C3%BC:x@"])
def test_whoever_has_not_the_password_is_refused(wary: LocalAzure, credentials: str) -> None:
    own = wary.proxy_url.removeprefix("http://")
    given = credentials.format(password=own.partition("@")[0].partition(":")[2])
    proxies = {"https": f"http://{given}{own.rpartition('@')[2]}"}
    with pytest.raises(ProxyError, match="407 This proxy wants the password"):
        requests.get(SECRETS, proxies=proxies, verify=str(wary.ca_file), timeout=10)


def test_a_refused_client_is_told_how_to_prove_itself(wary: LocalAzure) -> None:
    host, port = without_password(wary.proxy_url).removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"CONNECT contoso-kv.vault.azure.net:443 HTTP/1.1\r\n\r\n")
        answer = client.makefile("rb").read().decode()
    assert answer.startswith("HTTP/1.1 407 ")
    assert 'Proxy-Authenticate: Basic realm="keyless"\r\n' in answer
    assert "contoso-kv" not in answer


def test_requests_gives_the_password_of_the_url(wary: LocalAzure) -> None:
    answer = requests.get(SECRETS, proxies={"https": wary.proxy_url}, verify=str(wary.ca_file), timeout=10)
    assert answer.status_code == 401


def test_every_start_has_another_password(wary: LocalAzure) -> None:
    with LocalAzure() as other:
        assert other.proxy_url.partition("@")[0] != wary.proxy_url.partition("@")[0]
        assert len(other.proxy_url.partition("@")[0]) > 40


def run(wary: LocalAzure, *command: str) -> str:
    environment = {**os.environ, **wary.environment()}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
    return done.stdout + done.stderr


def test_curl_gives_the_password_of_the_url(wary: LocalAzure) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("CURL IS NOT TESTED: it is missing on this machine.")
    assert "AKV10000" in run(wary, curl, "-sS", SECRETS)


def test_aiohttp_gives_the_password_of_the_url(wary: LocalAzure) -> None:
    program = (
        "import asyncio, aiohttp\n"
        "async def main():\n"
        "    async with aiohttp.ClientSession(trust_env=True) as session:\n"
        f"        async with session.get({SECRETS!r}) as answer: print(answer.status)\n"
        "asyncio.run(main())"
    )
    assert run(wary, sys.executable, "-c", program).strip() == "401"


def test_the_azure_sdk_for_javascript_gives_the_password_of_the_url(wary: LocalAzure, javascript: Path) -> None:
    program = (
        f"const load = require('module').createRequire({str(javascript / 'x.js')!r});"
        "const { ManagedIdentityCredential } = load('@azure/identity');"
        "const { SecretClient } = load('@azure/keyvault-secrets');"
        "new SecretClient('https://contoso-kv.vault.azure.net', new ManagedIdentityCredential())"
        ".getSecret('db-password').then((secret) => console.log(secret.value));"
    )
    assert run(wary, "node", "-e", program).strip() == "local-db-password"


@pytest.mark.parametrize("source", ["app-service", "imds"])
def test_where_the_kernel_tells_whose_a_connection_is_no_program_is_given_a_password_to_print(
    local_azure: LocalAzure, source: str
) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux says whose a connection is")
    environment = local_azure.environment(source=source)
    addresses = {environment[name] for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")}
    assert len(addresses) == 1
    assert "@" not in addresses.pop()
    assert not any(local_azure.proxy_url.partition("@")[0].rpartition(":")[2] in each for each in environment.values())


@pytest.mark.parametrize("source", ["app-service", "imds"])
def test_nuget_takes_the_proxy_for_plain_requests_for_tls_and_is_served(local_azure: LocalAzure, source: str) -> None:
    proxies = {"https": local_azure.environment(source=source)["http_proxy"]}
    answer = requests.get(SECRETS, proxies=proxies, verify=str(local_azure.ca_file), timeout=10)
    assert answer.status_code == 401


def test_elsewhere_a_program_is_given_the_password(wary: LocalAzure) -> None:
    assert wary.environment()["HTTPS_PROXY"] == wary.proxy_url


def test_a_program_of_the_same_user_needs_no_password(local_azure: LocalAzure) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux says whose a connection is")
    proxies = {"https": without_password(local_azure.proxy_url)}
    answer = requests.get(SECRETS, proxies=proxies, verify=str(local_azure.ca_file), timeout=10)
    assert answer.status_code == 401


def test_a_program_of_the_same_user_that_gives_a_wrong_password_is_refused(local_azure: LocalAzure) -> None:
    proxies = {"https": local_azure.proxy_url.replace("keyless:", "keyless:x")}
    with pytest.raises(ProxyError, match="407"):
        requests.get(SECRETS, proxies=proxies, verify=str(local_azure.ca_file), timeout=10)


def test_a_program_of_another_user_needs_the_password(local_azure: LocalAzure) -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only the superuser of Linux can start a program as another user")
    program = (
        "import socket, sys\n"
        "client = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
        "client.sendall(b'CONNECT contoso-kv.vault.azure.net:443 HTTP/1.1\\r\\n\\r\\n')\n"
        "print(client.recv(12).decode())"
    )
    port = local_azure.proxy_url.rpartition(":")[2]
    python = shutil.which("python3", path="/usr/bin") or sys.executable
    for user, expected in ((65534, "HTTP/1.1 407"), (0, "HTTP/1.1 200")):
        command = [python, "-c", program, port]
        done = subprocess.run(command, user=user, capture_output=True, text=True, timeout=30, check=True, cwd="/")
        assert done.stdout.strip() == expected


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says whose a connection is")
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_peer_is_found_whether_its_socket_is_of_either_family(family: socket.AddressFamily) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(family) as client:
        address = ("127.0.0.1" if family is socket.AF_INET else "::ffff:127.0.0.1", server.getsockname()[1])
        client.connect(address)
        with server.accept()[0] as accepted:
            peer, here = accepted.getpeername(), accepted.getsockname()
            assert same_user(peer, here)
            assert not same_user(here, ("127.0.0.2", peer[1]))
