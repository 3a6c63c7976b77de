"""Microsoft Graph: who there is in the tenant, as the Azure CLI's commands ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from keyless.local.azure.config.config import read_config
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Ask = Callable[..., requests.Response]

CONFIG = {
    "vaults": {"contoso-kv": {"secrets": {"db-password": "the-value"}}},
    "identities": {"system": {}, "reporting": {"groups": ["ops"]}},
    "applications": {"ci": {"secret": "a-secret"}},
    "groups": {"ops": {"roles": {"contoso-kv": "Key Vault Secrets User"}}},
}
NOBODY = "99999999-9999-9999-9999-999999999999"


@pytest.fixture
def local() -> Iterator[LocalAzure]:
    with LocalAzure(read_config("test", CONFIG)) as azure:
        yield azure


@pytest.fixture
def ask(local: LocalAzure) -> Ask:
    """Ask as a program does that goes by the environment and has a token of the system-assigned identity."""
    environment = local.environment()
    proxies = {"https": environment["HTTPS_PROXY"]}

    def asking(method: str, path: str, *, token: str | None = "", **options: Any) -> requests.Response:
        shown = token or local.azure.tokens.issue(local.identity("system"), "https://graph.microsoft.com").text
        headers = {} if token is None else {"Authorization": f"Bearer {shown}"}
        return requests.request(
            method,
            f"https://graph.microsoft.com/v1.0{path}",
            headers=headers,
            proxies=proxies,
            verify=environment["SSL_CERT_FILE"],
            timeout=10,
            **options,
        )

    return asking


def names(answer: requests.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return sorted(each["displayName"] for each in answer.json()["value"])


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("", ["Azure Key Vault", "ci", "reporting", "system"]),
        ("servicePrincipalNames/any(c:c eq '{ci}')", ["ci"]),
        ("appId eq '{ci}'", ["ci"]),
        ("displayName eq 'REPORTING'", ["reporting"]),
        ("startswith(displayName,'s')", ["system"]),
        ("startswith(displayName, 's') and servicePrincipalType eq 'ManagedIdentity'", ["system"]),
        ("startswith(displayName,'s') and appId eq '{ci}'", []),
        ("displayName eq 'it''s none'", []),
    ],
)
def test_service_principals_are_found_by_the_filters_that_az_sends(
    local: LocalAzure, ask: Ask, said: str, found: list[str]
) -> None:
    said = said.format(ci=local.azure.directory.application("ci").client_id)
    assert names(ask("GET", "/servicePrincipals", params={"$filter": said} if said else {})) == found


@pytest.mark.parametrize("said", ["displayName ne 'x'", "appId eq 'x' or appId eq 'y'", "x/any(c:d eq 'x')", "x"])
def test_a_filter_that_is_not_known_is_refused(ask: Ask, said: str) -> None:
    answer = ask("GET", "/servicePrincipals", params={"$filter": said})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "Request_UnsupportedQuery")


def test_a_service_principal_is_found_by_its_ids(local: LocalAzure, ask: Ask) -> None:
    ci = local.azure.directory.application("ci")
    by_id = ask("GET", f"/servicePrincipals/{ci.object_id}").json()
    assert ask("GET", f"/servicePrincipals(appId='{ci.client_id}')").json() == by_id
    assert (by_id["appId"], by_id["servicePrincipalType"]) == (ci.client_id, "Application")
    assert "a-secret" not in str(by_id)
    identity = local.identity("reporting")
    shown = ask("GET", f"/servicePrincipals/{identity.object_id.upper()}").json()
    assert (shown["servicePrincipalType"], shown["alternativeNames"]) == (
        "ManagedIdentity",
        ["isExplicit=True", identity.resource_id],
    )


def test_ids_are_resolved_with_their_types(local: LocalAzure, ask: Ask) -> None:
    ops, system = local.azure.directory.group("ops"), local.identity("system")
    ids = [ops.object_id, system.object_id, NOBODY]
    every = ask("POST", "/directoryObjects/getByIds", json={"ids": ids, "types": ["group", "servicePrincipal"]}).json()
    assert {each["id"]: each["@odata.type"] for each in every["value"]} == {
        ops.object_id: "#microsoft.graph.group",
        system.object_id: "#microsoft.graph.servicePrincipal",
    }
    groups = ask("POST", "/directoryObjects/getByIds", json={"ids": ids, "types": ["group"]}).json()
    assert [each["id"] for each in groups["value"]] == [ops.object_id]
    assert ask("POST", "/directoryObjects/getByIds", json={"ids": "x"}).status_code == 400


def test_there_are_no_people(ask: Ask) -> None:
    assert names(ask("GET", "/users", params={"$filter": "userPrincipalName eq 'a@b.c'"})) == []
    assert ask("GET", "/users/a@b.c").json()["error"]["code"] == "Request_ResourceNotFound"
    me = ask("GET", "/me")
    assert me.json()["error"]["message"] == "/me request is only valid with delegated authentication flow."
    assert me.status_code == 400


def test_a_group_is_read_changed_and_what_it_may_its_members_may(local: LocalAzure, ask: Ask) -> None:
    ops, system = local.azure.directory.group("ops"), local.identity("system")
    assert names(ask("GET", f"/groups/{ops.object_id}/members")) == ["reporting"]
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{system.object_id}"}
    assert read(local, "system") == 403
    assert ask("POST", f"/groups/{ops.object_id}/members/$ref", json=reference).status_code == 204
    assert read(local, "system") == 200
    assert ask("POST", f"/groups/{ops.object_id}/members/$ref", json=reference).status_code == 400
    asked = {"groupIds": [ops.object_id, NOBODY]}
    checked = ask("POST", f"/directoryObjects/{system.object_id}/checkMemberGroups", json=asked)
    assert checked.json()["value"] == [ops.object_id]
    assert ask("DELETE", f"/groups/{ops.object_id}/members/{system.object_id}/$ref").status_code == 204
    assert read(local, "system") == 403
    assert ask("DELETE", f"/groups/{ops.object_id}/members/{system.object_id}/$ref").status_code == 404
    made = ask("POST", "/groups", json={"displayName": "second", "mailNickname": "x"}).json()
    assert names(ask("GET", "/groups", params={"$filter": "startswith(displayName,'se')"})) == ["second"]
    assert ask("DELETE", f"/groups/{made['id']}").status_code == 204
    assert ask("GET", f"/groups/{made['id']}").status_code == 404


def read(local: LocalAzure, identity: str) -> int:
    token = local.azure.tokens.issue(local.identity(identity), "https://vault.azure.net").text
    headers = {"Host": "contoso-kv.vault.azure.net", "Authorization": f"Bearer {token}"}
    url = f"{local.https_url}/secrets/db-password?api-version=7.4"
    return requests.get(url, headers=headers, verify=str(local.ca_file), timeout=10).status_code


def test_an_application_is_made_signs_in_with_its_password_and_is_gone(local: LocalAzure, ask: Ask) -> None:
    made = ask("POST", "/applications", json={"displayName": "made"}).json()
    assert ask("POST", "/applications", json={"displayName": "made"}).status_code == 400
    principal = ask("POST", "/servicePrincipals", json={"appId": made["appId"]})
    assert (principal.status_code, principal.json()["appId"]) == (201, made["appId"])
    path = f"/applications/{made['id']}"
    asked = {"passwordCredential": {"displayName": "rbac", "endDateTime": "2100-01-01T00:00:00Z"}}
    password = ask("POST", f"{path}/addPassword", json=asked).json()
    assert sign_in(local, made["appId"], password["secretText"]) == []
    shown = ask("GET", path)
    assert [each["keyId"] for each in shown.json()["passwordCredentials"]] == [password["keyId"]]
    assert password["secretText"] not in shown.text
    assert ask("POST", f"{path}/removePassword", json={"keyId": password["keyId"]}).status_code == 204
    assert sign_in(local, made["appId"], password["secretText"]) == [7000215]
    past = {"passwordCredential": {"endDateTime": "2020-01-01T00:00:00.1234567Z"}}
    assert sign_in(local, made["appId"], ask("POST", f"{path}/addPassword", json=past).json()["secretText"]) == [
        7000222
    ]
    assert ask("DELETE", path).status_code == 204
    assert sign_in(local, made["appId"], "x") == [700016]


def sign_in(local: LocalAzure, client_id: str, secret: str) -> list[int]:
    """Return the AADSTS numbers that a sign-in is answered with; none where it gets a token."""
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": secret,
        "scope": "https://vault.azure.net/.default",
    }
    url = f"{local.authority_url}/{local.azure.tenant_id}/oauth2/v2.0/token"
    answer = requests.post(url, data=form, verify=str(local.ca_file), timeout=10).json()
    found: list[int] = answer.get("error_codes", [])
    return found


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (None, "Access token is empty."),
        ("no token at all", "CompactToken parsing failed with error code: 80049217"),
        ("for a vault", "Access token validation failure. Invalid audience."),
    ],
)
def test_a_token_that_is_not_for_graph_is_refused(local: LocalAzure, ask: Ask, token: str | None, message: str) -> None:
    if token == "for a vault":
        token = local.azure.tokens.issue(local.identity("system"), "https://vault.azure.net").text
    answer = ask("GET", "/groups", token=token)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (401, "InvalidAuthenticationToken")
    assert error["message"] == message
    assert set(error["innerError"]) == {"date", "request-id", "client-request-id"}


def test_what_is_not_there_and_what_is_no_json_is_said_in_graph_s_form(ask: Ask) -> None:
    assert ask("GET", "/no/such").json()["error"]["message"] == "Resource not found for the segment 'such'."
    assert ask("POST", "/groups", data=b"[1]").json()["error"]["code"] == "BadRequest"
    assert ask("POST", "/groups", json={"displayName": "\ud800"}).json()["error"]["code"] == "BadRequest"
    assert ask("POST", "/groups", json={}).json()["error"]["code"] == "Request_BadRequest"
    of_no_key = {"displayName": "x", "keyCredentials": [{}]}
    assert ask("POST", "/applications", json=of_no_key).json()["error"]["code"] == "Request_BadRequest"


def test_the_journal_says_who_asked_graph_and_nothing_that_was_sent(local: LocalAzure, ask: Ask) -> None:
    ask("GET", "/groups")
    ask("POST", "/groups", json={"displayName": "third"})
    reading, changing = local.journal.entries(service="graph")
    assert (reading.operation, reading.identity, reading.status) == ("readDirectory", "system", 200)
    assert (changing.operation, changing.status) == ("changeDirectory", 201)
    assert "third" not in repr(changing)
