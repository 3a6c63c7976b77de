"""Faults, over the wire and through the library."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import TYPE_CHECKING

import pytest
import requests

from keyless import (
    AccessDeniedError,
    DeadlineExceededError,
    IdentityRefusedError,
    IdentityServiceError,
    IdentityThrottledError,
    IdentityUnavailableError,
    KeylessError,
    SecretDisabledError,
    SecretReader,
    VaultAuthenticationError,
    VaultServiceError,
    VaultThrottledError,
    VaultUnreachableError,
)
from keyless.errors import LocalAzureError
from keyless.local.instruments.faults import NAMED, OPERATIONS, Fault, Faults
from keyless.local.wire.keyvault.certificates import handlers as certificates
from keyless.local.wire.keyvault.keys import handlers as keys
from keyless.local.wire.keyvault.secrets import handlers as secrets

if TYPE_CHECKING:
    from tests.local.conftest import VaultWire

    from keyless.local.server import LocalAzure

URL = "https://contoso-kv.vault.azure.net"

# What the library makes of each, with the service's literal code. The silent ones end at the deadline.
SEEN: dict[str, tuple[type[KeylessError], str | None, int | None]] = {
    "throttled": (VaultThrottledError, "Throttled", 429),
    "vault-outage": (VaultServiceError, "ServiceUnavailable", 503),
    "vault-silent": (DeadlineExceededError, None, None),
    "vault-reset": (VaultUnreachableError, None, None),
    "vault-slow": (DeadlineExceededError, None, None),
    "firewall": (AccessDeniedError, "ForbiddenByFirewall", 403),
    "perimeter": (AccessDeniedError, "ForbiddenByNsp", 403),
    "secret-disabled": (SecretDisabledError, "SecretDisabled", 403),
    "role-not-propagated": (AccessDeniedError, "ForbiddenByRbac", 403),
    "wrong-tenant": (VaultAuthenticationError, "Unauthorized", 401),
    "clock-skew": (VaultAuthenticationError, "Unauthorized", 401),
    "identity-not-assigned": (IdentityRefusedError, None, 400),
    "imds-upgrade": (IdentityServiceError, None, 410),
    "identity-throttled": (IdentityThrottledError, "too_many_requests", 429),
    "identity-outage": (IdentityServiceError, "unknown", 500),
    "identity-silent": (DeadlineExceededError, None, None),
    "identity-reset": (IdentityUnavailableError, None, None),
    "identity-html": (IdentityServiceError, None, 200),
}
OUTAGES = ("throttled", "vault-outage", "vault-silent", "vault-reset", "vault-slow")
REFUSALS = ("firewall", "perimeter", "secret-disabled", "role-not-propagated", "wrong-tenant", "clock-skew")


def test_every_named_fault_is_shown_here() -> None:
    assert set(SEEN) == set(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_the_library_tells_each_fault_for_what_it_is_within_its_deadline(
    local_azure: LocalAzure, azure_environment: dict[str, str], name: str
) -> None:
    local_azure.azure.faults.add_named(name)
    kind, code, status = SEEN[name]
    started = time.monotonic()
    # Where the deadline is what is seen, it comes soon; elsewhere a busy machine must not let it come first.
    timeout = 0.8 if kind is DeadlineExceededError else 2.0
    with SecretReader(URL, timeout=timeout) as reader, pytest.raises(kind) as info:
        reader.get("db-password")
    assert time.monotonic() - started < timeout + 2
    assert (info.value.code, info.value.status) == (code, status)
    assert_journalled(local_azure, name)
    local_azure.azure.faults.clear()
    with SecretReader(URL, timeout=20) as reader:
        assert reader.get("db-password").value == "local-db-password", "without the fault there is no such error"


def assert_journalled(local_azure: LocalAzure, name: str) -> None:
    """A server that waits or drips sees within a moment that its client has left."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        if any(entry.reason == f"Fault {name}." for entry in local_azure.journal.entries()):
            return
        time.sleep(0.01)
    pytest.fail(f"the journal does not tell of {name}")


@pytest.mark.parametrize("name", ["vault-silent", "vault-slow", "identity-silent"])
def test_no_task_waits_for_a_silent_service_beyond_its_deadline(
    local_azure: LocalAzure, azure_environment: dict[str, str], name: str
) -> None:
    local_azure.azure.faults.add_named(name)

    async def read() -> None:
        async with SecretReader(URL, timeout=0.5) as reader:
            await reader.aget("db-password")

    started = time.monotonic()
    with pytest.raises(DeadlineExceededError):
        asyncio.run(read())
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("name", [*OUTAGES, *REFUSALS])
def test_an_outage_is_outlived_on_the_old_value_and_a_refusal_is_not(
    local_azure: LocalAzure, azure_environment: dict[str, str], name: str
) -> None:
    later = 0.0
    with SecretReader(URL, timeout=0.8, clock=lambda: time.monotonic() + later) as reader:
        value = reader.get("db-password", timeout=20).value  # A busy machine may take longer than an outage is given.
        local_azure.azure.faults.add_named(name)
        later = 600.0
        if name in OUTAGES:
            stale = reader.get("db-password")
            assert (stale.value, stale.source) == (value, "stale")
        else:
            with pytest.raises(SEEN[name][0]):
                reader.get("db-password", timeout=20)
        local_azure.azure.faults.clear()
        later = 1200.0
        assert reader.get("db-password", timeout=20).value == value


def test_a_vault_in_another_tenant_challenges_for_that_tenant_and_the_library_names_it(
    local_azure: LocalAzure, azure_environment: dict[str, str], wire: VaultWire
) -> None:
    for azure in (local_azure.azure, wire.azure):
        azure.faults.add_named("wrong-tenant")
    answer = wire.ask("GET", "/secrets/db-password")
    challenge = answer.headers["WWW-Authenticate"]
    tenant = challenge.partition("https://login.microsoftonline.com/")[2].partition('"')[0]
    assert uuid.UUID(tenant) != uuid.UUID(wire.azure.tenant_id)
    message = answer.json()["error"]["message"]
    assert message.startswith(f"AKV10032: Invalid issuer. Expected one of https://sts.windows.net/{tenant}/, ")
    assert message.endswith(f", found https://sts.windows.net/{wire.azure.tenant_id}/.")
    with SecretReader(URL, timeout=5) as reader, pytest.raises(VaultAuthenticationError) as info:
        reader.get("db-password")
    assert f"The vault belongs to the tenant {tenant}" in info.value.cause


@pytest.mark.parametrize("name", ["role-not-propagated", "secret-disabled"])
def test_a_fault_that_comes_after_the_roles_shows_their_headers_as_the_real_answer_does(
    wire: VaultWire, name: str
) -> None:
    wire.azure.faults.add_named(name)
    answer = wire.ask("GET", "/secrets/db-password")
    assert answer.status_code == 403
    assert "x-ms-keyvault-rbac-cache" in answer.headers
    assert ("x-ms-keyvault-rbac-assignment-id" in answer.headers) is (name == "secret-disabled")


def test_a_fault_that_strikes_twice_is_outlived_by_a_patient_reader(
    local_azure: LocalAzure, azure_environment: dict[str, str]
) -> None:
    local_azure.azure.faults.add_named("vault-outage", times=2)
    with SecretReader(URL) as reader:
        assert reader.get("db-password").value == "local-db-password"
    assert [entry.status for entry in local_azure.journal.entries(operation="getSecret")] == [503, 503, 200]
    assert local_azure.journal.entries(status=503)[0].reason == "Fault vault-outage."
    assert local_azure.azure.faults.active() == ()


def test_a_throttled_vault_answers_to_the_letter_and_without_retry_after(wire: VaultWire) -> None:
    wire.azure.faults.add_named("throttled")
    answer = wire.ask("GET", "/secrets/db-password")
    assert (answer.status_code, len(answer.content)) == (429, 146)
    assert "Retry-After" not in answer.headers
    assert answer.headers["x-ms-keyvault-region"] == "westus2"


def test_the_first_request_of_an_sdk_gets_its_challenge_and_uses_no_fault_up(wire: VaultWire) -> None:
    wire.azure.faults.add_named("throttled", times=1)
    assert wire.ask("GET", "/secrets/db-password", authorization=None).status_code == 401
    assert wire.ask("GET", "/secrets/db-password").status_code == 429
    assert wire.ask("GET", "/secrets/db-password").status_code == 200


@pytest.mark.parametrize(
    ("narrow", "struck"),
    [
        ({"secret": "DB-Password"}, [429, 200, 200]),
        ({"operation": "listSecrets"}, [200, 200, 429]),
        ({"identity": "system"}, [429, 429, 429]),
        ({"identity": "reporting"}, [200, 200, 200]),
        ({"vault": "other-kv"}, [200, 200, 200]),
    ],
)
def test_a_fault_strikes_only_what_it_names(wire: VaultWire, narrow: dict[str, str], struck: list[int]) -> None:
    wire.azure.faults.add_named("throttled", **narrow)  # type: ignore[arg-type]
    paths = ["/secrets/db-password", "/secrets/api-key", "/secrets"]
    assert [wire.ask("GET", path).status_code for path in paths] == struck


def test_a_share_strikes_the_same_requests_at_every_run() -> None:
    runs = []
    for _ in range(2):
        faults = Faults()
        faults.add_named("throttled", share=0.3, seed=7)
        runs.append([faults.strike("vault", operation="getSecret", identity=None) is not None for _ in range(200)])
    assert runs[0] == runs[1]
    assert 30 <= sum(runs[0]) <= 90


def test_a_fault_of_ones_own_gives_its_status_its_body_and_its_headers(wire: VaultWire) -> None:
    wire.azure.faults.add(Fault(service="vault", status=418, body="tea", headers={"Retry-After": "7"}))
    answer = wire.ask("GET", "/secrets/db-password")
    assert (answer.status_code, answer.text, answer.headers["Retry-After"]) == (418, "tea", "7")


def test_a_delay_alone_answers_as_ever(wire: VaultWire) -> None:
    wire.azure.faults.add(Fault(service="vault", delay=0.05))
    started = time.monotonic()
    assert wire.ask("GET", "/secrets/db-password").status_code == 200
    assert time.monotonic() - started >= 0.05


@pytest.mark.parametrize(
    "fault",
    [
        Fault(service="vault"),
        Fault(service="vault", status=500, share=0.0),
        Fault(service="vault", status=500, times=0),
        Fault(service="vault", delay=-1.0),
        Fault(service="vault", delay=float("nan")),
        Fault(service="vault", status=99),
        Fault(service="vault", status=500, operation="getSecrt"),
        Fault(service="vault", status=500, operation="getToken"),
        Fault(service="vault", status=500, source="imds"),
        Fault(service="identity", status=500, source="aks"),
        Fault(service="identity", status=500, secret="db-password"),
        Fault(service="vault", status=500, headers={"Retry-After": "1\r\nX: y"}),
        Fault(service="vault", status=500, headers={"Retry After": "1"}),
    ],
)
def test_a_fault_that_cannot_strike_is_refused(fault: Fault) -> None:
    faults = Faults()
    with pytest.raises(LocalAzureError):
        faults.add(fault)
    assert faults.active() == ()


def test_an_unknown_name_or_id_is_told_with_those_there_are() -> None:
    faults = Faults()
    with pytest.raises(LocalAzureError) as info:
        faults.add_named("outage")
    assert "vault-outage" in info.value.remedy
    kept = faults.add_named("throttled")
    with pytest.raises(LocalAzureError):
        faults.remove("99")
    faults.remove(kept.id)
    assert faults.active() == ()


def test_the_operations_that_a_fault_can_name_are_those_of_the_vault() -> None:
    assert set(OPERATIONS["vault"]) == {*secrets.HANDLERS, *keys.HANDLERS, *certificates.HANDLERS}


@pytest.mark.parametrize("body", ["", "<html>Bad Gateway</html>"])
def test_the_answer_of_a_gateway_is_a_failure_of_the_service(
    local_azure: LocalAzure, azure_environment: dict[str, str], body: str
) -> None:
    local_azure.azure.faults.add(Fault(service="vault", status=502, body=body, content_type="text/html"))
    with SecretReader(URL, timeout=5) as reader, pytest.raises(VaultServiceError) as info:
        reader.get("db-password")
    assert info.value.status == 502


def test_a_fault_of_one_source_leaves_the_others_alone(
    local_azure: LocalAzure, azure_environment: dict[str, str]
) -> None:
    local_azure.azure.faults.add_named("identity-throttled", source="imds", headers={"Retry-After": "3"})
    local_azure.environment(source="imds")  # It is served from then on.
    token = (
        f"{local_azure.http_url}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net"
    )
    answer = requests.get(token, headers={"Metadata": "true"}, timeout=10)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
    assert requests.get(token, timeout=10).status_code == 400, "a probe is no request for a token"
    with SecretReader(URL, timeout=20) as reader:
        assert reader.get("db-password").value


def test_a_connection_that_the_vault_cuts_is_tried_again_although_a_proxy_stands_between(
    local_azure: LocalAzure, azure_environment: dict[str, str]
) -> None:
    local_azure.azure.faults.add_named("vault-reset", times=2)
    with SecretReader(URL) as reader:
        assert reader.get("db-password").value == "local-db-password"
