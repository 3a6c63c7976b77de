"""Faults, over the wire and through the library."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import requests

from keyless import (
    AccessDeniedError,
    DeadlineExceededError,
    IdentityRefusedError,
    IdentityServiceError,
    IdentityThrottledError,
    KeylessError,
    SecretDisabledError,
    SecretReader,
    VaultAuthenticationError,
    VaultServiceError,
    VaultThrottledError,
    VaultUnreachableError,
)
from keyless.errors import LocalAzureError
from keyless.local.faults import NAMED, Fault, Faults
from keyless.local.throttle import MOST_REQUESTS

if TYPE_CHECKING:
    from tests.local.conftest import VaultWire

    from keyless.local.server import LocalAzure

URL = "https://contoso-kv.vault.azure.net"

# What the library makes of each. The silent ones end at the deadline, and hanging up is told by whom it was.
SEEN: dict[str, tuple[type[KeylessError], ...]] = {
    "throttled": (VaultThrottledError,),
    "vault-outage": (VaultServiceError,),
    "vault-silent": (DeadlineExceededError,),
    "vault-reset": (VaultUnreachableError, DeadlineExceededError),
    "vault-slow": (DeadlineExceededError, VaultUnreachableError),
    "firewall": (AccessDeniedError,),
    "secret-disabled": (SecretDisabledError,),
    "role-not-propagated": (AccessDeniedError,),
    "wrong-tenant": (VaultAuthenticationError,),
    "clock-skew": (VaultAuthenticationError,),
    "identity-not-assigned": (IdentityRefusedError,),
    "imds-upgrade": (IdentityServiceError,),
    "identity-throttled": (IdentityThrottledError,),
    "identity-outage": (IdentityServiceError,),
    "identity-silent": (DeadlineExceededError,),
    "identity-reset": (KeylessError,),
    "identity-html": (IdentityServiceError,),
}


def test_every_named_fault_is_shown_here() -> None:
    assert set(SEEN) == set(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_the_library_tells_each_fault_for_what_it_is_within_its_deadline(
    local_azure: LocalAzure, azure_environment: dict[str, str], name: str
) -> None:
    local_azure.azure.faults.add_named(name)
    started = time.monotonic()
    with SecretReader(URL, timeout=0.8) as reader, pytest.raises(SEEN[name]):
        reader.get("db-password")
    assert time.monotonic() - started < 5
    local_azure.azure.faults.clear()
    with SecretReader(URL, timeout=20) as reader:
        assert reader.get("db-password").value == "local-db-password", "without the fault there is no such error"


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
    ],
)
def test_a_fault_that_cannot_strike_is_refused(fault: Fault) -> None:
    with pytest.raises(LocalAzureError):
        Faults().add(fault)


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


def test_a_vault_that_keeps_azures_limits_turns_away_what_is_above_them_until_time_has_passed(wire: VaultWire) -> None:
    vault = wire.azure.vault("contoso-kv")
    vault.keep_limits()
    assert vault.throttle is not None
    assert all(vault.throttle.lets_in() for _ in range(MOST_REQUESTS))
    answer = wire.ask("GET", "/secrets/db-password")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "Throttled")
    wire.azure.clock.advance(seconds=11)
    assert wire.ask("GET", "/secrets/db-password").status_code == 200


def test_a_fault_of_one_source_leaves_the_others_alone(
    local_azure: LocalAzure, azure_environment: dict[str, str]
) -> None:
    local_azure.azure.faults.add_named("identity-throttled", source="imds", headers={"Retry-After": "3"})
    token = (
        f"{local_azure.http_url}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net"
    )
    answer = requests.get(token, headers={"Metadata": "true"}, timeout=10)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
    assert requests.get(token, timeout=10).status_code == 400, "a probe is no request for a token"
    with SecretReader(URL, timeout=20) as reader:
        assert reader.get("db-password").value
