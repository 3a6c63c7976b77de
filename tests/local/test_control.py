"""The control API: whom it answers, and that it does what the Python API does."""

from __future__ import annotations

import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "vaults/contoso-kv/secrets/db-password"


@pytest.fixture(scope="module")
def azure() -> Iterator[LocalAzure]:
    with LocalAzure() as running:
        yield running


def ask(
    azure: LocalAzure,
    method: str,
    path: str,
    body: object = None,
    *,
    headers: dict[str, str] | None = None,
    authorization: str | None = "",
) -> tuple[int, Any]:
    """Send one request just as it stands; None leaves the authorization out."""
    sent = dict(headers or {})
    if authorization is not None:
        sent["Authorization"] = authorization or f"Bearer {azure.control_token}"
    connection = http.client.HTTPConnection(urlsplit(azure.control_url).netloc, timeout=10)
    try:
        text = body if isinstance(body, (str, bytes, type(None))) else json.dumps(body)
        connection.request(method, f"/_keyless/{path}", text, sent)
        answer = connection.getresponse()
        assert answer.headers["Cache-Control"] == "no-store" or answer.status in {403, 404}
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def did(azure: LocalAzure, method: str, path: str, body: object = None) -> Any:
    status, found = ask(azure, method, path, body)
    assert status == 200, found
    return found


@pytest.mark.parametrize("authorization", [None, "Bearer", "Bearer x", "Basic eDp4", "x"])
def test_nobody_is_answered_without_the_token(azure: LocalAzure, authorization: str | None) -> None:
    status, body = ask(azure, "GET", f"{SECRET}?value=true", authorization=authorization)
    assert status == 401
    assert "local-db-password" not in json.dumps(body)
    assert "Authorization: Bearer" in body["error"]["remedy"]


@pytest.mark.parametrize("origin", ["http://localhost:3000", "null", "https://example.com", ""])
def test_no_web_page_is_answered_even_with_the_token(azure: LocalAzure, origin: str) -> None:
    status, body = ask(azure, "GET", f"{SECRET}?value=true", headers={"Origin": origin})
    assert (status, "local-db-password" in json.dumps(body)) == (403, False)


@pytest.mark.parametrize("host", ["192.0.2.1", "contoso-kv.vault.azure.net"])
def test_no_other_name_is_answered_even_with_the_token(host: str) -> None:
    with LocalAzure(host="0.0.0.0") as azure:
        status, body = ask(azure, "GET", f"{SECRET}?value=true", headers={"Host": host})
    assert (status, "local-db-password" in json.dumps(body)) == (403, False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:1", "[::1]:80"])
def test_every_name_of_this_machine_is_answered(azure: LocalAzure, host: str) -> None:
    assert ask(azure, "GET", "vaults", headers={"Host": host})[0] == 200


def test_every_run_has_a_token_of_its_own(azure: LocalAzure) -> None:
    with LocalAzure() as other:
        assert other.control_token != azure.control_token
        assert ask(other, "GET", "vaults", authorization=f"Bearer {azure.control_token}")[0] == 401


def test_a_secret_is_set_listed_shown_rotated_and_deleted() -> None:
    with LocalAzure() as azure:
        path = "vaults/contoso-kv/secrets/fresh"
        fields = {"value": "canary", "content_type": "t", "tags": {"a": "b"}, "expires_on": "2030-01-31T12:00:00Z"}
        made = did(azure, "PUT", path, fields)
        assert (made["content_type"], made["tags"], made["enabled"]) == ("t", {"a": "b"}, True)
        assert made["expires_on"] == "2030-01-31T12:00:00+00:00"
        listed = did(azure, "GET", "vaults/contoso-kv/secrets")
        assert [item["name"] for item in listed] == ["api-key", "db-password", "fresh"]
        assert "canary" not in json.dumps([made, listed, did(azure, "GET", path)])
        assert did(azure, "GET", f"{path}?value=true")["value"] == "canary"
        rotated = did(azure, "POST", f"{path}/rotate")
        assert rotated["version"] != made["version"]
        assert (rotated["content_type"], rotated["tags"]) == ("t", {"a": "b"})
        assert azure.vault("contoso-kv").get_secret("fresh").value != "canary"
        assert did(azure, "GET", f"{path}?value=true&version={made['version']}")["value"] == "canary"
        assert did(azure, "DELETE", path)["scheduled_purge_on"] is not None
        assert ask(azure, "GET", path)[0] == 400


def test_roles_and_identities_are_those_that_the_vault_goes_by() -> None:
    with LocalAzure() as azure:
        grant = {"identity": "newcomer", "role": "key vault reader", "on": "contoso-kv/api-key"}
        before = did(azure, "GET", "roles")
        made = did(azure, "POST", "roles", grant)
        assert made == {"identity": "newcomer", "role": "Key Vault Reader", "on": "contoso-kv/api-key"}
        assert [held for held in did(azure, "GET", "roles") if held not in before] == [made]
        did(azure, "DELETE", "roles", grant)
        assert did(azure, "GET", "roles") == before
        assert did(azure, "POST", "identities", {"name": "another"})["kind"] == "user"
        assert did(azure, "PATCH", "identities/another", {"assigned": False})["assigned"] is False
        assert not azure.identity("another").assigned
        assert [found["name"] for found in did(azure, "GET", "identities")][-1] == "another"


def test_faults_are_added_listed_and_taken_away() -> None:
    with LocalAzure() as azure:
        made = did(azure, "POST", "faults", {"name": "throttled", "secret": "api-key", "times": 2})
        did(azure, "POST", "faults", {"name": "identity-outage"})
        active = did(azure, "GET", "faults")["active"]
        assert [(fault["name"], fault["secret"], fault["times"]) for fault in active] == [
            ("throttled", "api-key", 2),
            ("identity-outage", None, None),
        ]
        did(azure, "DELETE", f"faults/{made['id']}")
        assert [fault.name for fault in azure.azure.faults.active()] == ["identity-outage"]
        did(azure, "DELETE", "faults")
        assert azure.azure.faults.active() == ()


def test_the_clock_moves_forward(azure: LocalAzure) -> None:
    before = did(azure, "GET", "clock")["now"]
    assert did(azure, "POST", "clock", {"days": 1, "seconds": 0.5})["now"] - before >= 86_400.5


def test_the_journal_is_read_from_a_number_on_and_never_shows_a_value() -> None:
    with LocalAzure() as azure:
        assert did(azure, "GET", "journal") == {"entries": [], "next": 0}
        did(azure, "PUT", SECRET, {"value": "canary"})
        token = azure.azure.tokens.issue(azure.identity("system"), "https://vault.azure.net").text
        secure = http.client.HTTPConnection(urlsplit(azure.http_url).netloc, timeout=10)
        secure.request("GET", "/msi/token", headers={"X-IDENTITY-HEADER": "wrong"})
        secure.getresponse().read()
        secure.close()
        page = did(azure, "GET", "journal")
        assert [entry["operation"] for entry in page["entries"]] == ["getToken"]
        assert not {"canary", token, azure.control_token} & set(json.dumps(page).split('"'))
        assert did(azure, "GET", f"journal?start={page['next']}")["entries"] == []
        did(azure, "DELETE", "journal")
        assert did(azure, "GET", "journal?start=0") == {"entries": [], "next": 1}


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("PUT", SECRET, "not json", "not a JSON object"),
        ("PUT", SECRET, "[1]", "not a JSON object"),
        ("PUT", SECRET, b"\xff", "UTF-8"),
        ("PUT", SECRET, "[" * 100_000, "not a JSON object"),
        ("PUT", SECRET, {}, "'value'"),
        ("PUT", SECRET, {"value": 1}, "'value'"),
        ("PUT", SECRET, {"value": "canary", "valeu": "x"}, "'valeu'"),
        ("PUT", SECRET, {"value": "canary", "enabled": "yes"}, "'enabled'"),
        ("PUT", SECRET, {"value": "canary", "expires_on": "soon"}, "'expires_on'"),
        ("PUT", SECRET, {"value": "canary", "expires_on": "2030-01-31T12:00:00"}, "'expires_on'"),
        ("PUT", SECRET, {"value": "canary", "tags": {"a": 1}}, "'tags.a'"),
        ("PUT", "vaults/contoso-kv/secrets/a.b", {"value": "canary"}, "a.b"),
        ("GET", f"{SECRET}?value=1", None, "'value'"),
        ("GET", "vaults/none/secrets", None, "no vault 'none'"),
        ("POST", "roles", {"identity": "system", "role": "Ownr", "on": "contoso-kv"}, "no role 'Ownr'"),
        ("POST", "identities", {"name": "new one"}, "'name'"),
        ("POST", "identities", {"name": "new", "client_id": "mine"}, "'client_id' cannot be used: it is not a GUID"),
        ("POST", "identities", {"client_id": None}, "the identity has no name"),
        ("POST", "clock", {"seconds": -1}, "'seconds'"),
        ("POST", "clock", '{"seconds": 1e999}', "'seconds'"),
        ("GET", "journal?start=x", None, "'start'"),
        ("POST", "faults", {"name": "none"}, "no fault 'none'"),
        ("POST", "faults", {"name": "throttled", "times": 0}, "never strike"),
        ("DELETE", "faults/77", None, "'77'"),
        ("GET", "nothing/here", None, "nothing/here"),
        ("DELETE", "vaults", None, "no such path or method"),
    ],
)
def test_what_cannot_be_done_is_told_with_the_remedy_and_without_a_value(
    azure: LocalAzure, method: str, path: str, body: object, said: str
) -> None:
    before = azure.vault("contoso-kv").get_secret("db-password")
    status, answer = ask(azure, method, path, body)
    assert status == 400, answer
    assert said in answer["error"]["what"]
    assert answer["error"]["remedy"]
    assert "canary" not in json.dumps(answer)
    assert azure.vault("contoso-kv").get_secret("db-password") == before
