"""The local Azure for tests, and a machine that has no identity, no proxy and no metadata service of its own."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import pytest
from tests import slow
from tests.clients.programs import JAVASCRIPT
from tests.scripted import ScriptedEndpoint

from keyless.local.azure import azure
from keyless.local.azure.identities import signing_key
from keyless.local.programs.variables import IDENTITY_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from keyless.local.server import LocalAzure

METADATA_SERVICE = "169.254.169.254"
# The other address that a machine in Azure is served at, and the forms in which IPv6 carries both.
PLATFORM_ADDRESSES = (METADATA_SERVICE, "168.63.129.16", "a9fe:a9fe", "a83f:8110", "fe80:")
# Hosts of Azure itself: under these names no test may look for anything outside this machine.
AZURE_DOMAINS = (".azure.net", ".azure.cn", ".usgovcloudapi.net", ".azure.com", ".microsoftonline.com", ".windows.net")
NETWORK_VARIABLES = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make quick` leaves out."""
    names = slow.listed()
    for item in items:
        if item.nodeid.partition("[")[0] in names:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def azure_requests() -> list[str]:
    """Every attempt of this process to reach the metadata service or a host of Azure; the attempt itself is refused."""
    attempts: list[str] = []

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        if event == "socket.getaddrinfo":
            # A name may be text or bytes: repr ends either with its quotation mark.
            is_azure = repr(arguments[0]).lower().strip("'").rstrip(".").endswith(AZURE_DOMAINS)
            tried = f"{event} {arguments[0]!r}"
        elif event in {"socket.connect", "socket.sendto"}:
            tried = f"{event} {arguments[1]}"
            is_azure = any(each in tried for each in PLATFORM_ADDRESSES)
        else:
            return
        if is_azure:
            attempts.append(tried)
            raise PermissionError("A test must not reach Azure.")

    sys.addaudithook(refuse)  # It sees the sockets of every library and every thread.
    return attempts


@pytest.fixture(scope="session", autouse=True)
def machine_without_azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Take away what this machine's environment says of identities and proxies, and hide a local Azure of its user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        for name in (*IDENTITY_VARIABLES, *NETWORK_VARIABLES):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def unreachable_vault(monkeypatch: pytest.MonkeyPatch) -> None:
    """No vault is reached, for which a reader looks while the token is on its way."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")


@pytest.fixture(autouse=True)
def nothing_asks_azure(azure_requests: list[str]) -> Iterator[None]:
    """Fail a test that asks for a real identity or vault."""
    azure_requests.clear()
    yield
    assert azure_requests == [], "the test tried to reach Azure"


@pytest.fixture(scope="session", autouse=True)
def one_signing_key() -> Iterator[None]:
    """One key for the tokens of every local Azure of this process: to make one takes longer than most tests."""
    key = signing_key.new_key()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(azure, "new_key", lambda: key)
        yield


@pytest.fixture
def own_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every local Azure signs with a key of its own, as outside of tests: for tests of the keys themselves."""
    monkeypatch.setattr(azure, "new_key", signing_key.new_key)


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """Waits for a text on standard error and returns all that came: a thread writes lines, each once in ten seconds."""

    def wait(text: str) -> str:
        found, end = "", time.monotonic() + 10
        while text not in found and time.monotonic() < end:
            found += capsys.readouterr().err
            time.sleep(0.01)
        return found

    return wait


@pytest.fixture
def azure_environment(local_azure: LocalAzure) -> dict[str, str]:
    """The variables that lead to the local Azure, for programs: `local_azure` has led this process there."""
    return local_azure.environment()


@pytest.fixture(scope="session")
def javascript() -> Path:
    """The folder of the programs in JavaScript, with the clients that they use.

    A machine need not have Node.js. Where tests decide about a change, which CI says, what cannot be installed is a failure.
    """
    if missing := JAVASCRIPT.missing():
        pytest.skip(f"NO CLIENT FOR JAVASCRIPT IS TESTED: {', '.join(missing)} missing on this machine.")
    problem = JAVASCRIPT.make_ready()
    if problem and not os.environ.get("CI"):
        pytest.skip(f"NO CLIENT FOR JAVASCRIPT IS TESTED: npm install failed: {problem}")
    assert problem is None, problem
    return JAVASCRIPT.folder


@pytest.fixture
def endpoint() -> Iterator[ScriptedEndpoint]:
    server = ScriptedEndpoint()
    yield server
    server.close()


@pytest.fixture
def app_service(endpoint: ScriptedEndpoint, monkeypatch: pytest.MonkeyPatch) -> ScriptedEndpoint:
    """The endpoint, where App Service has it."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{endpoint.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header-secret")
    return endpoint
