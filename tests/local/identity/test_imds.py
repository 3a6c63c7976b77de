"""The metadata service of virtual machines: probes, paths, guards, and the proxy to it that is a proxy to nothing else."""

from __future__ import annotations

import http.client
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests

if TYPE_CHECKING:
    from tests.local.identity.conftest import Wire

VAULT = "https://vault.azure.net"


def error_of(answer: requests.Response) -> tuple[int, str]:
    """Return the status and the text of an error in any source's form."""
    body = answer.json()
    error = body.get("error")
    text = error["message"] if isinstance(error, dict) else None
    return answer.status_code, text or body.get("error_description") or body.get("message") or body["Message"]


IMDS = "/metadata/identity/oauth2/token"


@pytest.mark.parametrize(
    "query", ["", f"?api-version=2018-02-01&resource={VAULT}", "?nonsense"], ids=["bare", "full", "nonsense"]
)
def test_imds_answers_a_probe_at_once_and_counts_it_as_no_request_for_a_token(wire: Wire, query: str) -> None:
    started = time.perf_counter()
    answer = requests.get(f"{wire.local.http_url}{IMDS}{query}", timeout=5)
    assert time.perf_counter() - started < 1, "clients give it one second"
    assert error_of(answer) == (400, "Required metadata header not specified")
    assert wire.local.journal.count(operation="getToken") == 0
    assert wire.local.journal.count(operation="probe") == 1


@pytest.mark.parametrize("value", ["true", "True", "TRUE"])
def test_imds_takes_its_header_in_any_case(wire: Wire, value: str) -> None:
    assert wire.get("imds", headers={"metadata": value}).status_code == 200


def test_imds_refuses_what_a_proxy_was_tricked_into(wire: Wire) -> None:
    answer = wire.get("imds", headers={"Metadata": "true", "X-Forwarded-For": "203.0.113.7"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    [f"{IMDS}/", f"/{IMDS}", f"{IMDS}//", IMDS.replace("/identity/", "//identity/")],
)
def test_imds_answers_at_its_path_however_it_is_joined(wire: Wire, path: str) -> None:
    answer = wire.raw(f"GET {path}?api-version=2018-02-01&resource={VAULT} HTTP/1.1\nHost: localhost\nMetadata: true")
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("path", ["getplatformmetadata", "issuecredential"])
@pytest.mark.parametrize("headers", [{}, {"Metadata": "true"}])
def test_imds_has_no_second_version(wire: Wire, path: str, headers: dict[str, str]) -> None:
    answer = requests.get(f"{wire.local.http_url}/metadata/identity/{path}", headers=headers, timeout=5)
    assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})


def test_imds_tells_its_tenant(wire: Wire) -> None:
    url = f"{wire.local.http_url}/metadata/identity/info?api-version=2018-02-01"
    answer = requests.get(url, headers={"Metadata": "true"}, timeout=5)
    assert answer.json() == {"tenantId": wire.azure.tenant_id}


def test_imds_tells_what_the_machine_is_called(wire: Wire) -> None:
    url = f"{wire.local.http_url}/metadata/instance/compute"
    answer = requests.get(f"{url}?api-version=2021-02-01", headers={"Metadata": "true"}, timeout=5).json()
    assert (answer["name"], answer["resourceGroupName"]) == ("keyless", wire.azure.resource_group)
    assert answer["subscriptionId"] == wire.azure.subscription_id
    assert requests.get(f"{url}?api-version=2021-02-01", timeout=5).status_code == 400
    assert "api-version was not specified" in requests.get(url, headers={"Metadata": "true"}, timeout=5).text


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("location?api-version=2021-02-01&format=text", "westus2"),
        ("/location/?api-version=2019-08-15&format=TEXT", "westus2"),
        ("name?api-version=2021-02-01&format=json", '"keyless"'),
        ("name?api-version=2021-02-01", '"keyless"'),
        ("vmScaleSetName?api-version=2021-02-01&format=text", ""),
    ],
)
def test_imds_tells_one_value_as_it_is_asked_for(wire: Wire, path: str, text: str) -> None:
    url = f"{wire.local.http_url}/metadata/instance/compute/{path}"
    answer = requests.get(url, headers={"Metadata": "true"}, timeout=5)
    assert (answer.status_code, answer.text) == (200, text)
    kind = "text/plain" if "text" in path.lower() else "application/json"
    assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"


@pytest.mark.parametrize("path", ["nosuch", "name/x", "location/text"])
def test_imds_knows_no_value_that_there_is_not(wire: Wire, path: str) -> None:
    url = f"{wire.local.http_url}/metadata/instance/compute/{path}?api-version=2021-02-01&format=text"
    assert requests.get(url, headers={"Metadata": "true"}, timeout=5).status_code == 404


def test_imds_names_itself_alike_in_every_answer(wire: Wire) -> None:
    query = "?api-version=2021-02-01"
    asked = [
        (f"{IMDS}{query}&resource={VAULT}", {"Metadata": "true"}),
        (f"{IMDS}{query}&resource={VAULT}", {}),
        (f"{IMDS}{query}&resource={VAULT}&client_id=unknown", {"Metadata": "true"}),
        (f"/metadata/instance/compute{query}", {"Metadata": "true"}),
        ("/metadata/instance/compute", {"Metadata": "true"}),
        ("/metadata/identity/getplatformmetadata", {}),
    ]
    answers = [requests.get(f"{wire.local.http_url}{path}", headers=headers, timeout=5) for path, headers in asked]
    assert [answer.status_code for answer in answers] == [200, 400, 400, 200, 400, 404]
    assert {answer.headers["Server"] for answer in answers} == {"IMDS/150.870.65.512"}


@pytest.mark.parametrize("agent", ["azsdk-net-Core/1.64.0 (.NET 10.0.12; Linux)", "azsdk-net-Identity/1.14.2"])
def test_the_probe_of_azure_identity_for_net_gets_the_token_at_the_moved_address(wire: Wire, agent: str) -> None:
    answer = wire.get("imds", headers={"User-Agent": agent})
    assert wire.holder(answer) == "system"


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "azsdk-python-identity/1.27.0"},
        {"User-Agent": "azsdk-net-Core/1.64.0", "X-Forwarded-For": "203.0.113.7"},
        {"User-Agent": "azsdk-net-Core/1.64.0", "Origin": "https://web.example"},
        {"User-Agent": "azsdk-net-Core/1.64.0", "Host": "169.254.169.254"},
        {"User-Agent": "Mozilla/5.0"},
    ],
)
def test_no_other_request_without_the_header_gets_a_token(wire: Wire, headers: dict[str, str]) -> None:
    assert error_of(wire.get("imds", headers=headers))[0] == 400


@pytest.mark.parametrize("version", ["2018-02-01", "2018-10-01", "2019-08-01", "2021-12-13"])
def test_imds_takes_every_version_from_the_first_on(wire: Wire, version: str) -> None:
    body = wire.get("imds", api_version=version).json()
    assert {name for name, value in body.items() if not isinstance(value, str)} == set()
    assert list(body)[-4:] == ["expires_on", "not_before", "resource", "token_type"]


def test_imds_names_the_audience_that_entra_does_not_know_in_entra_s_words(wire: Wire) -> None:
    body = wire.get("imds", resource="nonsense").json()
    assert body["error"] == "invalid_resource"
    assert body["error_description"].startswith("AADSTS500011: The resource principal named nonsense was not found")
    assert body["error_codes"] == [500011]


def test_clients_that_have_the_address_of_imds_built_in_reach_it_as_a_proxy(wire: Wire) -> None:
    proxy = wire.local.environment(source="imds")["HTTP_PROXY"]
    connection = http.client.HTTPConnection(urlsplit(proxy).netloc, timeout=5)
    url = f"http://169.254.169.254{IMDS}?api-version=2018-02-01&resource={VAULT}"
    connection.request("GET", url, headers={"Metadata": "true", "Host": "169.254.169.254"})
    assert connection.getresponse().status == 200
    connection.close()


@pytest.mark.parametrize(
    "target",
    [
        "http://example.com/",
        f"http://example.com{IMDS}",
        "http://127.0.0.1:1/metadata/identity/oauth2/token",
        f"http://169.254.169.254:8080{IMDS}",
        f"http://169.254.169.254.example.com{IMDS}",
        f"http://169.254.169.254@example.com{IMDS}",
        f"http://2852039166{IMDS}",
        f"https://169.254.169.254{IMDS}",
        f"ftp://169.254.169.254{IMDS}",
        "http://169.254.169.254/msi/token",
        "http://169.254.169.254/metadatax",
        "example.com:443",
        "*",
    ],
)
@pytest.mark.parametrize("method", ["GET", "CONNECT", "POST"])
def test_the_listener_is_no_proxy_to_anything_else(wire: Wire, method: str, target: str) -> None:
    answer = wire.raw(f"{method} {target} HTTP/1.1\nHost: 169.254.169.254\nMetadata: true")
    assert re.match(rb"HTTP/1\.[01] 4\d\d", answer), answer
    assert b"access_token" not in answer


@pytest.mark.parametrize("host", ["rebound.example.com", "169.254.169.254.example.com", "localhost.example.com:80"])
def test_a_web_page_that_renamed_itself_to_this_machine_is_refused(wire: Wire, host: str) -> None:
    answer = wire.raw(f"GET {IMDS}?api-version=2018-02-01&resource={VAULT} HTTP/1.1\nHost: {host}\nMetadata: true")
    assert answer.startswith(b"HTTP/1.1 403")
