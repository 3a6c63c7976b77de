from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt
import msal
import pytest
import requests

from keyless.local.azure.azure import Azure
from keyless.local.wire.http.app import App
from keyless.local.wire.identity.app_service import AppService
from keyless.local.wire.identity.routes import by_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.conftest import Serve

    Ask = Callable[..., requests.Response]

VAULT = "https://vault.azure.net"
SECRET = "the-identity-header"
RESOURCE_ID = (
    "/subscriptions/5d1f2a3b-4c5d-6e7f-8091-a2b3c4d5e6f7/resourceGroups/rg"
    "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/fabrikam"
)
CLIENT_ID = "0f2a1b3c-4d5e-6f70-8192-a3b4c5d6e7f8"
OBJECT_ID = "11112222-3333-4444-5555-666677778888"


@pytest.fixture
def azure() -> Azure:
    azure = Azure()
    azure.add_identity("fabrikam", client_id=CLIENT_ID, object_id=OBJECT_ID, resource_id=RESOURCE_ID)
    return azure


@pytest.fixture
def endpoint(azure: Azure, serve: Serve) -> str:
    return f"{serve(App(by_path(AppService(azure, secret=SECRET).endpoints())))}/msi/token"


@pytest.fixture
def ask(endpoint: str) -> Ask:
    def asking(**changes: str | None) -> requests.Response:
        query = {"api-version": "2019-08-01", "resource": VAULT, **changes}
        parameters = {name: value for name, value in query.items() if value is not None}
        return requests.get(endpoint, params=parameters, headers={"X-IDENTITY-HEADER": SECRET}, timeout=10)

    return asking


def test_a_token_is_answered_with_strings_in_the_order_that_every_client_reads(azure: Azure, ask: Ask) -> None:
    response = ask()
    body = response.json()
    assert response.status_code == 200
    assert list(body) == ["access_token", "expires_on", "resource", "token_type", "client_id"]
    assert all(isinstance(value, str) for value in body.values())
    assert int(body["expires_on"]) == pytest.approx(time.time() + 86_400, abs=10)
    assert (body["resource"], body["token_type"]) == (VAULT, "Bearer")
    assert body["client_id"] == azure.identity("system").client_id
    assert jwt.decode(body["access_token"], options={"verify_signature": False})["aud"] == VAULT
    assert response.headers["Content-Type"] == "application/json; charset=utf-8"
    assert response.headers["X-CORRELATION-ID"]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("client_id", CLIENT_ID),
        ("client_id", CLIENT_ID.upper()),
        ("object_id", OBJECT_ID),
        ("principal_id", OBJECT_ID.upper()),
        ("mi_res_id", RESOURCE_ID),
        ("mi_res_id", RESOURCE_ID.upper()),
        ("msi_res_id", RESOURCE_ID),
        ("resource_id", RESOURCE_ID),
    ],
)
def test_a_user_assigned_identity_is_chosen_by_any_of_its_ids(ask: Ask, parameter: str, value: str) -> None:
    response = ask(**{parameter: value})
    assert (response.status_code, response.json()["client_id"]) == (200, CLIENT_ID)


def test_parameters_may_come_unescaped(endpoint: str) -> None:
    # As azure-identity sends them.
    url = f"{endpoint}?api-version=2019-08-01&resource={VAULT}&mi_res_id={RESOURCE_ID}"
    assert requests.get(url, headers={"x-identity-header": SECRET}, timeout=10).json()["client_id"] == CLIENT_ID


def _refused(response: requests.Response, status: int, message: str) -> None:
    body = response.json()
    assert (response.status_code, list(body)) == (status, ["statusCode", "message", "correlationId"])
    assert (body["statusCode"], body["message"]) == (status, message)
    assert body["correlationId"] == response.headers["X-CORRELATION-ID"]


def test_a_host_without_a_system_assigned_identity_refuses(azure: Azure, ask: Ask) -> None:
    azure.identity("system").unassign()
    _refused(ask(), 400, "Unable to load the proper Managed Identity.")
    azure.identity("system").assign()
    assert ask().status_code == 200


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("client_id", "99999999-9999-9999-9999-999999999999"),
        ("client_id", OBJECT_ID),
        ("object_id", CLIENT_ID),
        ("mi_res_id", "/subscriptions/none"),
        ("client_id", ""),
    ],
)
def test_an_id_that_no_identity_of_the_host_has_is_refused(ask: Ask, parameter: str, value: str) -> None:
    _refused(
        ask(**{parameter: value}),
        400,
        "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
    )


def test_an_identity_that_is_not_assigned_is_refused_and_the_journal_says_so(azure: Azure, ask: Ask) -> None:
    azure.identity("fabrikam").unassign()
    assert ask(client_id=CLIENT_ID).status_code == 400
    (entry,) = azure.journal.entries(status=400)
    assert entry.reason == "The identity fabrikam exists and is not assigned to the host."


@pytest.mark.parametrize("other", ["object_id", "mi_res_id", "principal_id"])
def test_two_ids_are_refused(ask: Ask, other: str) -> None:
    response = ask(client_id=CLIENT_ID, **{other: OBJECT_ID})
    _refused(response, 400, f"Only one id of an identity may be given, not client_id, {other}.")


def test_the_same_id_twice_is_refused(endpoint: str) -> None:
    url = f"{endpoint}?api-version=2019-08-01&resource={VAULT}&client_id={CLIENT_ID}&client_id={CLIENT_ID}"
    assert requests.get(url, headers={"X-IDENTITY-HEADER": SECRET}, timeout=10).status_code == 400


@pytest.mark.parametrize("headers", [{}, {"X-IDENTITY-HEADER": ""}, {"X-IDENTITY-HEADER": "wrong"}, {"Secret": SECRET}])
def test_without_the_identity_header_nothing_is_told(azure: Azure, endpoint: str, headers: dict[str, str]) -> None:
    response = requests.get(
        endpoint, params={"api-version": "2019-08-01", "resource": VAULT}, headers=headers, timeout=10
    )
    assert (response.status_code, response.content, response.headers["Content-Length"]) == (403, b"", "0")
    assert azure.journal.count(operation="getToken", status=403) == 1


def test_only_get_is_answered(endpoint: str) -> None:
    response = requests.post(endpoint, headers={"X-IDENTITY-HEADER": SECRET}, timeout=10)
    assert response.status_code == 405


@pytest.mark.parametrize("changes", [{"api-version": None}, {"api-version": "2016-01-01"}, {"resource": None}])
def test_a_request_that_lacks_what_it_needs_is_refused(ask: Ask, changes: dict[str, Any]) -> None:
    assert ask(**changes).status_code == 400


def older(endpoint: str, secret: str = SECRET, **changes: str) -> requests.Response:
    """Ask as adal and the first @azure/identity do: MSI_ENDPOINT and MSI_SECRET are the same address and secret."""
    query = {"api-version": "2017-09-01", "resource": VAULT, **changes}
    return requests.get(endpoint, params=query, headers={"secret": secret}, timeout=10)


def test_the_same_endpoint_answers_the_version_that_older_clients_ask_for(azure: Azure, endpoint: str) -> None:
    body = older(endpoint).json()
    assert list(body) == ["access_token", "expires_on", "resource", "token_type"]
    assert body["expires_on"].endswith(" +00:00")
    claims = jwt.decode(older(endpoint, clientid=CLIENT_ID).json()["access_token"], options={"verify_signature": False})
    assert claims["oid"] == azure.identity("fabrikam").object_id
    assert {entry.source for entry in azure.journal.entries()} == {"app-service"}


def test_the_older_version_has_its_own_header_and_words(endpoint: str) -> None:
    assert older(endpoint, secret="wrong").status_code == 403
    refused = older(endpoint, clientid="unknown")
    assert (refused.status_code, refused.json()["Message"]) == (400, "No MSI found for specified ClientId/ResourceId.")


@pytest.mark.parametrize("resource", ["vault", "https://", f"{VAULT}/.default", "https://vault azure"])
def test_a_resource_that_entra_cannot_know_fails_as_entra_fails(ask: Ask, resource: str) -> None:
    _refused(ask(resource=resource), 500, "An unexpected error occured while fetching the AAD Token.")


@pytest.mark.parametrize("resource", [f"{VAULT}/", "api://my-app", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"])
def test_the_resource_is_echoed_as_it_was_asked_for(ask: Ask, resource: str) -> None:
    body = ask(resource=resource).json()
    assert body["resource"] == resource
    assert jwt.decode(body["access_token"], options={"verify_signature": False})["aud"] == resource


def test_the_same_token_is_answered_until_it_is_nearly_over(azure: Azure, ask: Ask) -> None:
    first = ask().json()["access_token"]
    azure.clock.advance(hours=20)
    again = ask().json()
    assert again["access_token"] == first
    assert int(again["expires_on"]) == pytest.approx(azure.clock.now() + 4 * 3600, abs=10)
    azure.clock.advance(hours=4)
    assert ask().json()["access_token"] != first


def test_the_journal_says_who_asked_and_never_the_token(azure: Azure, ask: Ask) -> None:
    token = ask(client_id=CLIENT_ID).json()["access_token"]
    (entry,) = azure.journal.entries(service="identity")
    assert (entry.operation, entry.identity, entry.status, entry.code) == ("getToken", "fabrikam", 200, None)
    assert entry.client.startswith("python-requests/")
    assert entry.ms > 0
    assert token not in repr(azure.journal.entries())
    assert SECRET not in repr(azure.journal.entries())


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        (msal.SystemAssignedManagedIdentity(), "system"),
        (msal.UserAssignedManagedIdentity(client_id=CLIENT_ID), "fabrikam"),
        (msal.UserAssignedManagedIdentity(object_id=OBJECT_ID), "fabrikam"),
        (msal.UserAssignedManagedIdentity(resource_id=RESOURCE_ID), "fabrikam"),
    ],
)
def test_msal_gets_a_token(
    azure: Azure, endpoint: str, monkeypatch: pytest.MonkeyPatch, identity: Any, name: str
) -> None:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")
    monkeypatch.setenv("IDENTITY_ENDPOINT", endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", SECRET)
    with requests.Session() as session:
        client = msal.ManagedIdentityClient(identity, http_client=session)
        result = client.acquire_token_for_client(resource=VAULT)
    claims = jwt.decode(result["access_token"], options={"verify_signature": False})
    assert claims["oid"] == azure.identity(name).object_id
    assert result["expires_in"] == pytest.approx(86_400, abs=10)
