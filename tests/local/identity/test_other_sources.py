"""What each of the other sources has of its own."""

from __future__ import annotations

import hashlib
import ssl
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests

if TYPE_CHECKING:
    from tests.local.identity.conftest import Wire

VAULT = "https://vault.azure.net"
NOBODY = "99999999-9999-9999-9999-999999999999"


def test_service_fabric_is_known_by_its_thumbprint(wire: Wire) -> None:
    environment = wire.local.environment(source="service-fabric")
    at = urlsplit(environment["IDENTITY_ENDPOINT"])
    assert at.hostname is not None
    certificate = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((at.hostname, at.port or 0), timeout=5))
    assert environment["IDENTITY_SERVER_THUMBPRINT"] == hashlib.sha1(certificate).hexdigest().upper()


def test_service_fabric_gives_another_token_for_one_that_was_refused_and_for_no_other(wire: Wire) -> None:
    first = wire.get("service-fabric").json()["access_token"]
    other = hashlib.sha256(b"another token").hexdigest()
    assert wire.get("service-fabric", token_sha256_to_refresh=other).json()["access_token"] == first
    refused = hashlib.sha256(first.encode()).hexdigest()
    second = wire.get("service-fabric", token_sha256_to_refresh=refused, xms_cc="CP1").json()["access_token"]
    assert second != first
    assert wire.get("service-fabric").json()["access_token"] == second
    assert wire.get("service-fabric", token_sha256_to_refresh=refused).json()["access_token"] == second


def test_service_fabric_s_expiry_is_a_number_and_its_errors_have_their_codes(wire: Wire) -> None:
    body = wire.get("service-fabric", api_version="2020-05-01").json()
    assert list(body) == ["token_type", "access_token", "expires_on", "resource"]
    assert isinstance(body["expires_on"], int)
    error = wire.get("service-fabric", headers={}).json()["error"]
    assert (error["code"], error["message"]) == ("SecretHeaderNotFound", "Secret is not found in the request headers.")
    assert wire.get("service-fabric", resource=None).json()["error"]["code"] == "ArgumentNullOrEmpty"


def test_the_first_app_service_tells_expiry_as_a_date(wire: Wire) -> None:
    body = wire.get("app-service-2017").json()
    assert list(body) == ["access_token", "expires_on", "resource", "token_type"]
    expiry = datetime.strptime(body["expires_on"], "%m/%d/%Y %H:%M:%S %z")
    assert abs((expiry - datetime.now(UTC)).total_seconds() - 86_400) < 10


def test_machine_learning_tells_expiry_in_seconds_and_knows_the_default_identity(wire: Wire) -> None:
    environment = wire.local.environment(source="machine-learning")
    assert environment["DEFAULT_IDENTITY_CLIENT_ID"] == wire.local.identity("system").client_id
    answer = wire.get("machine-learning", clientid=environment["DEFAULT_IDENTITY_CLIENT_ID"])
    assert wire.holder(answer) == "system"
    assert answer.json()["expires_on"].isdigit()
    named = wire.local.environment(source="machine-learning", identity="reporting")
    assert named["DEFAULT_IDENTITY_CLIENT_ID"] == wire.local.identity("reporting").client_id


def test_cloud_shell_reads_a_form_that_comes_in_pieces(wire: Wire) -> None:
    headers = {"Metadata": "true", "Content-Type": "application/x-www-form-urlencoded"}
    answer = wire.post("/oauth2/token", data=iter([b"resource=https%3A%2F%2F", b"vault.azure.net"]), headers=headers)
    body = answer.json()
    assert wire.holder(answer) == "system"
    assert body["resource"] == VAULT
    assert int(body["expires_in"]) == pytest.approx(3600, abs=2)
    assert all(isinstance(value, str) for value in body.values())


@pytest.mark.parametrize(
    ("headers", "form", "code"),
    [
        ({}, {"resource": VAULT}, "bad_request_102"),
        ({"Metadata": "true"}, {}, "invalid_request"),
        ({"Metadata": "true"}, {"resource": "nonsense"}, "AudienceNotSupported"),
        ({"Metadata": "true"}, {"resource": VAULT, "client_id": NOBODY}, "invalid_request"),
    ],
)
def test_cloud_shell_refuses_in_its_own_form(
    wire: Wire, headers: dict[str, str], form: dict[str, str], code: str
) -> None:
    answer = wire.post("/oauth2/token", data=form, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_cloud_shell_is_also_asked_by_get(wire: Wire) -> None:
    url = f"{wire.local.http_url}/oauth2/token?resource={VAULT}"
    assert wire.holder(requests.get(url, headers={"Metadata": "true"}, timeout=5)) == "system"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"resource=\xff\xfe"),
        ("application/x-www-form-urlencoded; charset=klingon", b"resource=x"),
        ("application/x-www-form-urlencoded; charset=idna", b"resource=" + b"x" * 1000),
        ("application/x-www-form-urlencoded; charset=punycode", b"resource=x-y"),
        ("application/x-www-form-urlencoded; charset=raw_unicode_escape", b"resource=\\ud800"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="resource"\r\n\r\nhttps://vault.azure.net\r\n--x--',
        ),
        ("application/json", b'{"resource": "https://vault.azure.net"}'),
        ("text/plain", b""),
    ],
)
def test_a_body_that_is_no_form_is_refused_as_one_without_fields(wire: Wire, content_type: str, body: bytes) -> None:
    headers = {"Metadata": "true", "Content-Type": content_type}
    answer = wire.post("/oauth2/token", data=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    url = f"{wire.local.authority_url}/{wire.azure.tenant_id}/oauth2/v2.0/token"
    answer = requests.post(url, data=body, headers=headers, verify=str(wire.local.ca_file), timeout=10)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
