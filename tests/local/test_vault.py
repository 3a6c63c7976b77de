"""The secrets API on the wire: what it answers when all is well, and how it lists."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from keyless.local.operations.secrets import READ_METADATA

if TYPE_CHECKING:
    from tests.local.conftest import VaultWire

BASE = "https://contoso-kv.vault.azure.net"


def _set(wire: VaultWire, name: str, body: dict[str, Any]) -> dict[str, Any]:
    response = wire.ask("PUT", f"/secrets/{name}", body=json.dumps(body))
    assert response.status_code == 200, response.text
    bundle: dict[str, Any] = response.json()
    return bundle


def test_a_secret_is_set_and_read_with_its_fields_in_the_recorded_order(wire: VaultWire) -> None:
    body = {
        "value": "it's +1 ☂ <b>",
        "contentType": "password",
        "attributes": {"enabled": True, "nbf": 1422864000, "exp": 2527401600},
        "tags": {"foo": "created tag"},
    }
    written = wire.ask("PUT", "/secrets/Crud-Secret", body=json.dumps(body))
    created = wire.azure.vault("contoso-kv").get_secret("crud-secret")
    assert re.fullmatch("[0-9a-f]{32}", created.version)
    expected = (
        '{"value":"it\'s +1 ☂ <b>","contentType":"password",'
        f'"id":"{BASE}/secrets/Crud-Secret/{created.version}",'
        f'"attributes":{{"enabled":true,"nbf":1422864000,"exp":2527401600,"created":{created.created_on},'
        f'"updated":{created.created_on},"recoveryLevel":"Recoverable+Purgeable","recoverableDays":90}},'
        '"tags":{"foo":"created tag"}}'
    )
    for response in (
        written,
        wire.ask("GET", "/secrets/Crud-Secret"),
        wire.ask("GET", "/secrets/CRUD-SECRET/"),
        wire.ask("GET", f"/secrets/crud-secret/{created.version}"),
        wire.ask("GET", f"/secrets/crud-secret/{created.version.upper()}/"),
        wire.ask("GET", "//secrets/crud-secret"),
    ):
        assert (response.status_code, response.content.decode()) == (200, expected)


def test_fields_that_were_not_given_are_left_out(wire: VaultWire) -> None:
    bundle = _set(wire, "plain", {"value": "", "attributes": {}, "contentType": None, "tags": {}})
    assert list(bundle) == ["value", "id", "attributes"]
    assert list(bundle["attributes"]) == ["enabled", "created", "updated", "recoveryLevel", "recoverableDays"]
    assert wire.ask("GET", "/secrets/plain").json() == bundle


def test_a_disabled_secret_is_set_with_its_value_in_the_answer(wire: VaultWire) -> None:
    bundle = _set(wire, "off", {"value": "SECRET_VALUE", "attributes": {"enabled": False}})
    assert (bundle["value"], bundle["attributes"]["enabled"]) == ("SECRET_VALUE", False)


def test_read_only_attributes_are_ignored(wire: VaultWire) -> None:
    attributes = {"created": 1, "updated": 1, "recoveryLevel": "Purgeable", "recoverableDays": 3}
    bundle = _set(wire, "given-back", {"value": "x", "attributes": attributes})
    assert bundle["attributes"]["created"] > 1
    assert bundle["attributes"]["recoverableDays"] == 90


def test_times_before_1970_are_taken_since_one_sdk_wraps_late_dates_to_them(wire: VaultWire) -> None:
    assert _set(wire, "late", {"value": "x", "attributes": {"exp": -1770359296}})["attributes"]["exp"] == -1770359296


def test_a_secret_outside_its_times_is_read_all_the_same(wire: VaultWire) -> None:
    _set(wire, "expired", {"value": "old", "attributes": {"exp": 1}})
    _set(wire, "not-yet", {"value": "young", "attributes": {"nbf": 4102444800}})
    assert wire.ask("GET", "/secrets/expired").json()["value"] == "old"
    assert wire.ask("GET", "/secrets/not-yet").json()["value"] == "young"


def test_an_old_version_is_read_by_its_id(wire: VaultWire) -> None:
    old = _set(wire, "rotated", {"value": "old"})
    _set(wire, "rotated", {"value": "new"})
    assert wire.ask("GET", urlsplit(old["id"]).path).json() == old
    assert wire.ask("GET", "/secrets/rotated").json()["value"] == "new"


@pytest.mark.parametrize("version", ["2016-10-01", "7.0"])
def test_old_api_versions_know_no_recoverable_days(wire: VaultWire, version: str) -> None:
    attributes = wire.ask("GET", "/secrets/db-password", api_version=version).json()["attributes"]
    assert list(attributes) == ["enabled", "created", "updated", "recoveryLevel"]


@pytest.mark.parametrize("version", ["7.1", "7.6", "7.4-preview.1", "2025-07-01", "2026-04-01", "2026-03-01-preview"])
def test_api_versions_that_clients_send_are_taken(wire: VaultWire, version: str) -> None:
    assert wire.ask("GET", "/secrets/db-password", api_version=version).status_code == 200


def test_names_of_parameters_may_be_escaped(wire: VaultWire) -> None:
    # As @azure/keyvault-secrets sends the first request of a list.
    assert wire.ask("GET", "/secrets?api%2Dversion=2025-07-01", api_version=None).status_code == 200


def test_ids_are_built_from_the_host_that_the_client_names(wire: VaultWire) -> None:
    response = wire.ask("GET", "/secrets/db-password", host="Contoso-KV.vault.azure.net:8443")
    assert response.json()["id"].startswith("https://Contoso-KV.vault.azure.net:8443/secrets/db-password/")


def test_ids_never_show_the_port_of_https_and_next_links_do(wire: VaultWire) -> None:
    host = "contoso-kv.vault.azure.net:443"
    page = wire.ask("GET", "/secrets?maxresults=1", host=host).json()
    assert page["value"][0]["id"].startswith(f"{BASE}/secrets/")
    assert page["nextLink"].startswith(f"{BASE}:443/secrets?")


def test_every_answer_has_the_recorded_headers(wire: VaultWire) -> None:
    response = wire.ask("GET", "/secrets/db-password", headers={"x-ms-client-request-id": "echo-me"})
    headers = {name.lower(): value for name, value in response.headers.items()}
    assert headers.pop("x-ms-request-id")
    assert headers.pop("date")
    assert re.fullmatch("[0-9a-f-]{36}", headers.pop("x-ms-keyvault-rbac-assignment-id"))
    assert headers.pop("x-ms-keyvault-rbac-cache").startswith("ra_age=")
    assert headers == {
        "cache-control": "no-cache",
        "pragma": "no-cache",
        "content-type": "application/json; charset=utf-8",
        "expires": "-1",
        "x-ms-keyvault-region": "westus2",
        "x-ms-keyvault-service-version": "1.9.1720.1",
        "x-ms-keyvault-network-info": "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;",
        "x-content-type-options": "nosniff",
        "strict-transport-security": "max-age=31536000;includeSubDomains",
        "content-length": str(len(response.content)),
        "x-ms-client-request-id": "echo-me",
    }


def test_secrets_are_listed_by_name_without_values_or_versions(wire: VaultWire) -> None:
    _set(wire, "Zeta", {"value": "x", "attributes": {"enabled": False}})
    listed = wire.ask("GET", "/secrets").json()
    assert list(listed) == ["value", "nextLink"]
    assert listed["nextLink"] is None
    ids = [item["id"] for item in listed["value"]]
    assert ids == [f"{BASE}/secrets/{name}" for name in ("api-key", "db-password", "Zeta")]
    assert list(listed["value"][0]) == ["contentType", "id", "attributes", "tags"]
    assert listed["value"][2]["attributes"]["enabled"] is False


def _pages(wire: VaultWire, path: str, size: int) -> list[list[str]]:
    pages, link = [], f"{path}?maxresults={size}"
    while link:
        answer = wire.ask("GET", link, api_version="7.4" if "api-version" not in link else None).json()
        pages.append([item["id"] for item in answer["value"]])
        link = (answer["nextLink"] or "").removeprefix(f"{BASE}:443")
    return pages


def test_pages_follow_one_another_to_the_last(wire: VaultWire) -> None:
    vault = wire.azure.add_vault("paged-kv")
    names = [f"Secret-{number:02}" for number in range(53)]
    for name in names:
        vault.set_secret(name, "x")
    wire.azure.identity("system").grant("Key Vault Reader", on=vault)
    ids, link = [], "/secrets"
    while link:
        answer = wire.ask("GET", link, host=vault.host, api_version=None if "$skiptoken" in link else "7.6").json()
        ids += [item["id"] for item in answer["value"]]
        link = (answer["nextLink"] or "").removeprefix(f"{vault.url}:443")
    assert ids == [f"{vault.url}/secrets/{name}" for name in names]


def test_versions_are_listed_by_id_and_not_by_age(wire: VaultWire) -> None:
    ids = [_set(wire, "versioned", {"value": str(number)})["id"] for number in range(7)]
    pages = _pages(wire, "/secrets/versioned/versions", 3)
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [version for page in pages for version in page] == sorted(ids)


def test_a_last_page_that_is_full_has_no_link(wire: VaultWire) -> None:
    assert _pages(wire, "/secrets", 2) == [[f"{BASE}/secrets/api-key", f"{BASE}/secrets/db-password"]]


def test_versions_of_an_unknown_secret_are_an_empty_list(wire: VaultWire) -> None:
    assert wire.ask("GET", "/secrets/nothing/versions").content == b'{"value":[],"nextLink":null}'


def test_a_next_link_has_the_recorded_form(wire: VaultWire) -> None:
    link = wire.ask("GET", "/secrets?maxresults=1", api_version="7.0").json()["nextLink"]
    assert re.fullmatch(rf"{BASE}:443/secrets\?api-version=7\.0&\$skiptoken=[\w-]+&maxresults=1", link)
    other = wire.ask("GET", "/secrets?maxresults=1", host="contoso-kv.vault.azure.net:8443").json()["nextLink"]
    assert other.startswith(f"{BASE}:8443/secrets?")


def test_a_skiptoken_comes_back_in_any_spelling(wire: VaultWire) -> None:
    link = wire.ask("GET", "/secrets?maxresults=1").json()["nextLink"]
    (token,) = parse_qs(urlsplit(link).query)["$skiptoken"]
    for spelling in (f"$skiptoken={token}", f"%24skiptoken={token}", f"$skiptoken={quote(token + '==')}"):
        listed = wire.ask("GET", f"/secrets?{spelling}").json()
        assert [item["id"] for item in listed["value"]] == [f"{BASE}/secrets/db-password"]


def test_a_page_begins_where_the_last_ended_even_if_secrets_were_added(wire: VaultWire) -> None:
    link = wire.ask("GET", "/secrets?maxresults=1").json()["nextLink"].removeprefix(f"{BASE}:443")
    _set(wire, "aaa", {"value": "before"})
    _set(wire, "zzz", {"value": "after"})
    listed = wire.ask("GET", link.replace("maxresults=1", "maxresults=9"), api_version=None).json()["value"]
    assert [item["id"] for item in listed] == [f"{BASE}/secrets/db-password", f"{BASE}/secrets/zzz"]


def test_each_operation_stands_in_the_journal_with_its_reason(wire: VaultWire) -> None:
    version = wire.azure.vault("contoso-kv").get_secret("db-password").version
    wire.ask("GET", "/secrets/db-password")
    wire.ask("GET", f"/secrets/db-password/{version}")
    wire.ask("PUT", "/secrets/other", body='{"value":"canary"}')
    wire.ask("GET", "/secrets")
    wire.ask("GET", "/secrets/other/versions")
    entries = wire.azure.journal.entries(service="vault", identity="system", vault="CONTOSO-KV")
    assert [(entry.operation, entry.secret, entry.version) for entry in entries] == [
        ("getSecret", "db-password", None),
        ("getSecret", "db-password", version),
        ("setSecret", "other", None),
        ("listSecrets", None, None),
        ("listSecretVersions", "other", None),
    ]
    assert {(entry.status, entry.code) for entry in entries} == {(200, None)}
    assert entries[0].reason == "system has Key Vault Secrets Officer on contoso-kv."
    assert wire.azure.journal.count(operation="getSecret", secret="DB-Password") == 2
    assert "canary" not in repr(wire.azure.journal.entries())
    wire.azure.journal.clear()
    assert wire.azure.journal.count() == 0


def test_a_reader_lists_and_cannot_read(wire: VaultWire) -> None:
    wire.azure.identity("newcomer").grant("Key Vault Reader", on="contoso-kv")
    assert wire.ask("GET", "/secrets", identity="newcomer").status_code == 200
    assert wire.ask("GET", "/secrets/db-password/versions", identity="newcomer").status_code == 200
    assert wire.ask("GET", "/secrets/db-password", identity="newcomer").status_code == 403


def test_a_role_on_one_secret_opens_that_one_alone(wire: VaultWire) -> None:
    wire.azure.identity("newcomer").grant("Key Vault Secrets User", on="contoso-kv/db-password")
    asked = ("/secrets/db-password", "/secrets/DB-Password/versions", "/secrets/api-key", "/secrets")
    statuses = [wire.ask("GET", path, identity="newcomer").status_code for path in asked]
    assert statuses == [200, 200, 403, 403]
    assert READ_METADATA in wire.ask("GET", "/secrets", identity="newcomer").text
