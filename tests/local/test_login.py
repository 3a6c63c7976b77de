"""Microsoft Entra ID by its own names: what is about the local authority is answered here, all else goes where it was going."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import requests
from requests.exceptions import ProxyError

from keyless.errors import ConfigurationError
from keyless.local.azure.config.config import Config
from keyless.local.server import LocalAzure
from keyless.local.wire.serving.hosts import ARM_HOSTS, GRAPH_HOSTS, LOGIN_HOSTS

if TYPE_CHECKING:
    from collections.abc import Iterator

DISCOVERY = "/common/discovery/instance?api-version=1.1&authorization_endpoint="


@pytest.fixture(params=["app-service", "imds", "workload"])
def local(request: pytest.FixtureRequest) -> Iterator[LocalAzure]:
    """The local Azure for each kind of source."""
    with LocalAzure(source=request.param) as azure:
        yield azure


def get(local: LocalAzure, url: str) -> requests.Response:
    """Ask as a program does that goes by the environment."""
    environment = local.environment()
    proxies = {"https": environment["HTTPS_PROXY"], "http": environment["HTTP_PROXY"]}
    return requests.get(url, proxies=proxies, verify=environment["SSL_CERT_FILE"], timeout=10)


@pytest.mark.parametrize("host", ["login.microsoftonline.com", "login.microsoftonline.us", "login.windows.net"])
def test_msal_for_go_and_java_asks_about_the_local_authority_and_is_answered(local: LocalAzure, host: str) -> None:
    authority = f"{local.authority_url}/{local.azure.tenant_id}"
    answer = get(local, f"https://{host}{DISCOVERY}{authority}/oauth2/v2.0/authorize")
    assert answer.status_code == 200
    body = answer.json()
    assert body["tenant_discovery_endpoint"] == f"{authority}/v2.0/.well-known/openid-configuration"
    assert local.authority_url.removeprefix("https://") in body["metadata"][0]["aliases"]
    assert local.journal.count(operation="discover") == 1


def test_an_authority_that_is_no_address_is_answered_as_one_that_nobody_knows(local: LocalAzure) -> None:
    answer = get(local, f"{local.authority_url}{DISCOVERY}https://[")
    assert answer.json()["tenant_discovery_endpoint"].startswith(local.authority_url)


def test_msal_for_net_asks_on_the_local_authority_s_port_and_is_answered(local: LocalAzure) -> None:
    port = local.authority_url.rpartition(":")[2]
    authority = f"{local.authority_url}/{local.azure.tenant_id}/oauth2/v2.0/authorize"
    answer = get(local, f"https://login.microsoftonline.com:{port}{DISCOVERY}{authority}")
    assert answer.json()["tenant_discovery_endpoint"].startswith(local.authority_url)


@pytest.mark.parametrize("path", ["/v2.0/.well-known/openid-configuration", "/discovery/v2.0/keys"])
def test_the_tenant_s_paths_are_the_local_authority_s(local: LocalAzure, path: str) -> None:
    tenant = local.azure.tenant_id
    here = requests.get(f"{local.authority_url}/{tenant}{path}", verify=str(local.ca_file), timeout=10)
    there = get(local, f"https://login.microsoftonline.com/{tenant.upper()}{path}")
    assert there.status_code == here.status_code == 200
    as_here = there.text.lower().replace("https://login.microsoftonline.com", local.authority_url)
    assert as_here == here.text.lower()


def test_discovery_for_the_local_tenant_at_the_public_authority_is_answered_with_its_own_names(
    local: LocalAzure,
) -> None:
    authority = f"https://login.microsoftonline.com/{local.azure.tenant_id}/oauth2/v2.0/authorize"
    body = get(local, f"https://login.microsoftonline.com{DISCOVERY}{authority}").json()
    assert body["tenant_discovery_endpoint"].startswith(
        f"https://login.microsoftonline.com/{local.azure.tenant_id}/v2.0/"
    )
    assert any("login.microsoftonline.com" in each["aliases"] for each in body["metadata"])


@pytest.mark.parametrize("cloud", range(3))
@pytest.mark.parametrize("hosts", [ARM_HOSTS, GRAPH_HOSTS, LOGIN_HOSTS])
def test_the_hosts_that_manage_vaults_are_local_in_every_cloud(
    local: LocalAzure, hosts: tuple[str, ...], cloud: int
) -> None:
    answer = get(local, f"https://{hosts[cloud]}/no-such-path")
    assert answer.status_code in {400, 401, 404}


@pytest.mark.parametrize("host", ["management.azure.com", "graph.microsoft.com", "login.microsoftonline.com"])
def test_a_host_that_manages_vaults_is_not_asked_over_plain_http(local: LocalAzure, host: str) -> None:
    answer = get(local, f"http://{host}/")
    assert (answer.status_code, answer.reason) == (502, f"{host} answers https alone")


def test_another_tenant_is_unknown_and_the_journal_says_how_to_reach_the_real_one(local: LocalAzure) -> None:
    path = "/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0/.well-known/openid-configuration"
    answer = get(local, f"https://login.microsoftonline.com{path}")
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])
    assert "`--real arm` leaves Microsoft Entra ID alone" in local.journal.entries()[-1].reason


@contextmanager
def refusing() -> Iterator[tuple[str, list[str]]]:
    """A company's proxy, which notes what it is asked for and lets nothing out."""
    asked: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                asked.append(client.recv(65_536).decode().splitlines()[0])
                client.sendall(b"HTTP/1.1 403 Not From Here\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.mark.parametrize(
    "path",
    [
        "/72f988bf-86f1-41af-91ab-2d7cd011db47/oauth2/v2.0/token",
        "/common/oauth2/v2.0/authorize",
        f"{DISCOVERY}https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/",
        "/",
    ],
)
def test_what_is_not_about_the_local_authority_goes_where_it_was_going(
    monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    with refusing() as (company, asked):
        monkeypatch.setenv("HTTPS_PROXY", company)
        with LocalAzure(real=["arm"]) as local:
            answer = get(local, f"https://login.microsoftonline.com{path}")
            assert answer.status_code == 502
            assert "did not let login.microsoftonline.com through" in answer.text
    assert asked == ["CONNECT login.microsoftonline.com:443 HTTP/1.1"]


@pytest.mark.parametrize("host", [*ARM_HOSTS, *GRAPH_HOSTS])
def test_the_management_plane_goes_where_it_was_going_where_it_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    with refusing() as (company, asked):
        monkeypatch.setenv("HTTPS_PROXY", company)
        with LocalAzure(Config(real=frozenset({"arm"}))) as local, pytest.raises(ProxyError):
            get(local, f"https://{host}/")
    assert asked == [f"CONNECT {host}:443 HTTP/1.1"]


def test_what_is_to_be_left_alone_must_have_a_name_that_is_known() -> None:
    with pytest.raises(ConfigurationError, match="Nothing of Azure is called 'graph' here"):
        LocalAzure(real=["graph"])  # type: ignore[list-item]


def test_a_plain_request_goes_through_the_proxy_for_plain_requests_that_was_there_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with refusing() as (company, asked), refusing() as (other, others):
        monkeypatch.setenv("http_proxy", company)
        monkeypatch.setenv("HTTPS_PROXY", other)
        with LocalAzure() as local:
            assert get(local, "http://intranet.example:8080/a?b=c").status_code == 403
            with pytest.raises(ProxyError):
                get(local, "https://intranet.example/")
    assert asked == ["GET http://intranet.example:8080/a?b=c HTTP/1.1"]
    assert others == ["CONNECT intranet.example:443 HTTP/1.1"]
