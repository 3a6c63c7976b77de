"""Workload identity: the service account token of a pod, exchanged at the authority."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import requests

from keyless.errors import LocalAzureError
from keyless.local.azure.identities.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.identity.conftest import Wire

    Exchange = Callable[..., requests.Response]

SCOPE = "https://vault.azure.net/.default"


@pytest.fixture
def exchange(wire: Wire) -> Exchange:
    """Exchange a pod's token as azure-identity does; a field that is None is left out."""
    environment = wire.local.environment(source="workload", identity="reporting")

    def exchanging(*, tenant: str = environment["AZURE_TENANT_ID"], **changes: str | None) -> requests.Response:
        fields = {
            "client_assertion": Path(environment["AZURE_FEDERATED_TOKEN_FILE"]).read_text(encoding="ascii"),
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_id": environment["AZURE_CLIENT_ID"],
            "grant_type": "client_credentials",
            "scope": SCOPE,
            **changes,
        }
        url = f"{environment['AZURE_AUTHORITY_HOST']}{tenant}/oauth2/v2.0/token"
        form = {name: value for name, value in fields.items() if value is not None}
        return requests.post(url, data=form, verify=str(wire.local.ca_file), timeout=10)

    return exchanging


def test_a_pod_s_token_is_exchanged_for_its_identity_s(wire: Wire, exchange: Exchange) -> None:
    answer = exchange()
    body = answer.json()
    assert wire.holder(answer) == "reporting"
    assert list(body) == ["token_type", "expires_in", "ext_expires_in", "access_token"]
    assert (body["token_type"], type(body["expires_in"])) == ("Bearer", int)
    (entry,) = wire.local.journal.entries()
    assert (entry.source, entry.operation, entry.identity) == ("workload", "getToken", "reporting")
    assert entry.reason == "reporting trusts the service account system:serviceaccount:default:reporting."


@pytest.mark.parametrize(
    "scope", [f"{SCOPE} openid offline_access profile", f"openid offline_access profile {SCOPE}", f"{SCOPE} OpenId"]
)
def test_the_scopes_that_msal_for_go_and_java_add_are_passed_over(wire: Wire, exchange: Exchange, scope: str) -> None:
    answer = exchange(scope=scope)
    assert wire.holder(answer) == "reporting"
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert claims["aud"] == "https://vault.azure.net"


@pytest.mark.parametrize("scope", ["openid profile", f"{SCOPE} https://graph.microsoft.com/.default"])
def test_a_scope_that_means_no_resource_or_two_is_refused(exchange: Exchange, scope: str) -> None:
    answer = exchange(scope=scope)
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [1002012])


def test_the_file_is_for_its_owner_and_a_newline_at_its_end_is_forgiven(wire: Wire, exchange: Exchange) -> None:
    file = Path(wire.local.environment(source="workload", identity="reporting")["AZURE_FEDERATED_TOKEN_FILE"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert exchange(client_assertion=f"{file.read_text(encoding='ascii')}\n").status_code == 200


def _assertion(wire: Wire, **changes: Any) -> str:
    file = wire.local.environment(source="workload", identity="reporting")["AZURE_FEDERATED_TOKEN_FILE"]
    claims = jwt.decode(Path(file).read_text(encoding="ascii"), options={"verify_signature": False})
    return wire.azure.tokens.sign({**claims, **changes})


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"iss": "https://elsewhere"}, 700211, "presented assertion issuer 'https://elsewhere'"),
        ({"aud": ["api://elsewhere"]}, 700212, "presented assertion audience 'api://elsewhere'"),
        ({"sub": "system:serviceaccount:default:x"}, 700213, "subject 'system:serviceaccount:default:x'"),
        ({"exp": 1}, 700024, "not within its valid time range"),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
def test_an_assertion_that_the_identity_does_not_trust_is_refused_with_what_differs(
    wire: Wire, exchange: Exchange, changes: dict[str, Any], code: int, says: str
) -> None:
    answer = exchange(client_assertion=_assertion(wire, **changes))
    body = answer.json()
    assert (answer.status_code, body["error"], body["error_codes"]) == (401, "invalid_client", [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert says in body["error_description"]
    assert set(body) == {
        *("error", "error_description", "error_codes", "timestamp", "trace_id", "correlation_id", "error_uri"),
    }


def test_an_assertion_of_another_key_or_none_is_refused(wire: Wire, exchange: Exchange) -> None:
    stranger = Tokens(tenant_id=wire.azure.tenant_id, clock=wire.azure.clock)
    assert exchange(client_assertion=stranger.sign({"sub": "x"})).json()["error_codes"] == [50013]
    head, payload, _ = _assertion(wire).split(".")
    signature = _assertion(wire, sub="x").split(".")[2]
    assert exchange(client_assertion=f"{head}.{payload}.{signature}").json()["error_codes"] == [50013]
    assert exchange(client_assertion="no token at all").json()["error_codes"] == [50027]


def test_a_managed_identity_s_own_token_is_no_assertion(wire: Wire, exchange: Exchange) -> None:
    own = wire.azure.tokens.issue(wire.local.identity("reporting"), "api://AzureADTokenExchange").text
    assert exchange(client_assertion=own).json()["error_codes"] == [700211]


def test_an_assertion_is_no_token_for_a_vault(wire: Wire) -> None:
    headers = {"Host": "contoso-kv.vault.azure.net", "Authorization": f"Bearer {_assertion(wire)}"}
    url = f"{wire.local.https_url}/secrets/db-password?api-version=7.4"
    answer = requests.get(url, headers=headers, verify=str(wire.local.ca_file), timeout=10)
    assert answer.status_code == 401


def test_an_identity_that_is_not_assigned_trusts_nobody(wire: Wire, exchange: Exchange) -> None:
    wire.local.identity("reporting").unassign()
    assert exchange().json()["error_codes"] == [700213]
    assert wire.local.journal.entries()[-1].reason.endswith("(the identity reporting is not assigned)")


def test_another_identity_s_client_id_is_refused(wire: Wire, exchange: Exchange) -> None:
    answer = exchange(client_id=wire.local.identity("newcomer").client_id)
    assert answer.json()["error_codes"] == [700213]


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"client_id": None}, "invalid_request", 900144),
        ({"grant_type": "password"}, "unsupported_grant_type", 70003),
        ({"client_id": "99999999-9999-9999-9999-999999999999"}, "unauthorized_client", 700016),
        ({"scope": "https://vault.azure.net"}, "invalid_scope", 1002012),
        ({"tenant": "99999999-9999-9999-9999-999999999999"}, "invalid_request", 90002),
        ({"client_assertion_type": "password"}, "invalid_request", 50027),
    ],
)
def test_what_is_wrong_with_a_request_is_said_in_entra_s_words(
    exchange: Exchange, changes: dict[str, str | None], error: str, code: int
) -> None:
    answer = exchange(**changes)
    assert (answer.status_code, answer.json()["error"], answer.json()["error_codes"]) == (400, error, [code])


def test_a_request_that_shows_neither_secret_nor_assertion_is_refused(exchange: Exchange) -> None:
    answer = exchange(client_assertion=None)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.json()["error_codes"] == [7000218]


def test_the_system_assigned_identity_cannot_be_a_pod_s(wire: Wire) -> None:
    with pytest.raises(LocalAzureError, match="Only a user-assigned identity can trust a cluster"):
        wire.local.environment(source="workload", identity="system")
