"""Which identity each source gives, and that none gives any without its secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from keyless.local.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.identity.conftest import Wire

VAULT = "https://vault.azure.net"
NOBODY = "99999999-9999-9999-9999-999999999999"
BY_GET = [source for source in SOURCES if source not in {"cloud-shell", "workload"}]


def error_of(answer: requests.Response) -> tuple[int, str]:
    """Return the status and the text of an error in any source's form."""
    body = answer.json()
    error = body.get("error")
    text = error["message"] if isinstance(error, dict) else None
    return answer.status_code, text or body.get("error_description") or body.get("message") or body["Message"]


NOT_FOUND = {
    "app-service": (
        400,
        "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
    ),
    "app-service-2017": (400, "No MSI found for specified ClientId/ResourceId."),
    "imds": (400, "Identity not found"),
    "arc": (404, "the requested identity has not been assigned to this resource"),
    "service-fabric": (404, "Managed identity not found for the specified application host."),
    "machine-learning": (400, "Identity not found"),
}
SEVERAL = "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request"
# What a host answers that has no system-assigned identity, to a request that names none.
NONE_CHOSEN = {
    **NOT_FOUND,
    "app-service": (400, "Unable to load the proper Managed Identity."),
    "arc": (400, "The requested identity was not found"),
}


@pytest.mark.parametrize("source", BY_GET)
def test_without_an_id_the_system_assigned_identity_answers(wire: Wire, source: str) -> None:
    assert wire.holder(wire.ask(source)) == "system"


@pytest.mark.parametrize("source", BY_GET)
@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_a_client_id_is_compared_without_case(wire: Wire, source: str, case: Callable[[str], str]) -> None:
    parameter = "clientid" if source in {"app-service-2017", "machine-learning"} else "client_id"
    ids = {parameter: case(wire.local.identity("reporting").client_id)}
    assert wire.holder(wire.ask(source, **ids)) == "reporting"


@pytest.mark.parametrize("source", [source for source in BY_GET if source != "app-service-2017"])
@pytest.mark.parametrize(
    ("parameter", "kind"),
    [
        ("object_id", "object_id"),
        ("principal_id", "object_id"),
        ("principalId", "object_id"),
        ("mi_res_id", "resource_id"),
        ("msi_res_id", "resource_id"),
        ("resource_id", "resource_id"),
    ],
)
def test_every_spelling_of_an_id_is_understood(wire: Wire, source: str, parameter: str, kind: str) -> None:
    value = getattr(wire.local.identity("reporting"), kind).upper()
    assert wire.holder(wire.ask(source, **{parameter: value})) == "reporting"


@pytest.mark.parametrize("source", BY_GET)
@pytest.mark.parametrize("whose", ["nobody", "leaver", "reporting's object id"])
def test_an_id_that_no_identity_of_the_host_has_is_refused_and_the_journal_says_why(
    wire: Wire, source: str, whose: str
) -> None:
    value, reason = {
        "nobody": (NOBODY, f"No identity has the client_id '{NOBODY}'."),
        "leaver": (
            wire.local.identity("leaver").client_id,
            "The identity leaver exists and is not assigned to the host.",
        ),
        "reporting's object id": (wire.local.identity("reporting").object_id, "is an id of reporting, and not its"),
    }[whose]
    parameter = "clientid" if source in {"app-service-2017", "machine-learning"} else "client_id"
    assert error_of(wire.ask(source, **{parameter: value})) == NOT_FOUND[source]
    *_, entry = wire.local.journal.entries(operation="getToken")
    assert (entry.source, entry.identity) == (source, None)
    assert reason in entry.reason


@pytest.mark.parametrize("source", BY_GET)
def test_two_ids_are_refused(wire: Wire, source: str) -> None:
    reporting = wire.local.identity("reporting")
    answer = wire.ask(source, client_id=reporting.client_id, object_id=reporting.object_id)
    assert answer.status_code in {400, 404}
    assert "access_token" not in answer.text


@pytest.mark.parametrize("source", BY_GET)
def test_an_identity_that_is_taken_away_while_running_is_gone_at_once_and_comes_back(wire: Wire, source: str) -> None:
    for name in ("system", "reporting", "newcomer"):
        wire.local.identity(name).unassign()
    assert error_of(wire.ask(source)) == NONE_CHOSEN[source]
    wire.local.identity("system").assign()
    assert wire.holder(wire.ask(source)) == "system"


@pytest.mark.parametrize("source", BY_GET)
def test_with_several_user_assigned_identities_and_no_other_one_must_be_named(wire: Wire, source: str) -> None:
    wire.local.identity("system").unassign()
    expected = (400, SEVERAL) if source == "imds" else NONE_CHOSEN[source]
    assert error_of(wire.ask(source)) == expected


@pytest.mark.parametrize("source", [*BY_GET, "cloud-shell"])
def test_the_only_user_assigned_identity_answers_where_the_platform_takes_it(wire: Wire, source: str) -> None:
    for name in ("system", "newcomer"):
        wire.local.identity(name).unassign()
    if source == "cloud-shell":
        answer = wire.post("/oauth2/token", data={"resource": VAULT}, headers={"Metadata": "true"})
    else:
        answer = wire.ask(source)
    if source in {"imds", "service-fabric", "machine-learning", "cloud-shell"}:
        assert wire.holder(answer) == "reporting"
    else:
        assert error_of(answer) == NONE_CHOSEN[source]


@pytest.mark.parametrize("source", BY_GET)
@pytest.mark.parametrize("sent", ["nothing", "wrong"])
def test_without_its_secret_or_header_a_source_gives_nothing(wire: Wire, source: str, sent: str) -> None:
    headers = {} if sent == "nothing" else dict.fromkeys(wire.headers(source), "wrong")
    answer = wire.get(source, headers=headers)
    expected = {"app-service": 403, "app-service-2017": 403, "machine-learning": 401}.get(source, 400)
    assert answer.status_code == (401 if (source, sent) == ("service-fabric", "wrong") else expected)
    assert "access_token" not in answer.text


@pytest.mark.parametrize("source", [*BY_GET, "cloud-shell"])
def test_the_secret_of_one_source_opens_no_other(wire: Wire, source: str) -> None:
    secrets = {header: value for other in BY_GET if other != source for header, value in wire.headers(other).items()}
    wrong = {header: secrets.get(header.lower(), "0" * 32) for header in wire.headers(source) if header != "Metadata"}
    if wrong:
        assert wire.get(source, headers=wrong).status_code in {401, 403}
    else:
        assert wire.get(source, headers={}).status_code == 400


@pytest.mark.parametrize("source", BY_GET)
@pytest.mark.parametrize(("name", "value"), [("api_version", None), ("api_version", "2000-01-01"), ("resource", None)])
def test_a_request_without_a_version_or_a_resource_is_refused(
    wire: Wire, source: str, name: str, value: str | None
) -> None:
    changes: dict[str, Any] = {name: value}
    answer = wire.get(source, **changes)
    assert answer.status_code == 400
    assert error_of(answer)[1]


@pytest.mark.parametrize("source", BY_GET)
def test_a_resource_that_entra_cannot_know_is_refused(wire: Wire, source: str) -> None:
    answer = wire.ask(source, resource=f"{VAULT}/.default")
    expected = 500 if source in {"app-service", "app-service-2017", "service-fabric"} else 400
    assert answer.status_code == expected
    assert "access_token" not in answer.text


@pytest.mark.parametrize("source", BY_GET)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_not_allowed(wire: Wire, source: str, method: str) -> None:
    address = wire.address(source)
    answer = requests.request(method, address, headers=wire.headers(source), verify=wire.trust, timeout=10)
    assert answer.status_code == 405
    assert "Access-Control-Allow-Origin" not in answer.headers
