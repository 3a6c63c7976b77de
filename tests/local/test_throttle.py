"""Azure's limit on the requests of a vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keyless import SecretReader, VaultThrottledError
from keyless.local.azure.keyvault.throttle import MOST_REQUESTS, WINDOW_SECONDS, Throttle
from keyless.local.clock import Clock

if TYPE_CHECKING:
    from tests.local.conftest import VaultWire

    from keyless.local.server import LocalAzure


def use_up(throttle: Throttle | None) -> None:
    assert throttle is not None
    assert all(throttle.lets_in() for _ in range(MOST_REQUESTS))


def test_what_is_above_the_limit_is_turned_away_as_recorded_until_time_has_passed(wire: VaultWire) -> None:
    vault = wire.azure.vault("contoso-kv")
    vault.keep_limits()
    use_up(vault.throttle)
    answer = wire.ask("GET", "/secrets/db-password")
    body = (
        '{"error":{"code":"Throttled","message":"Request was not processed because too many requests were received. '
        'Reason: VaultRequestTypeLimitReached"}}'
    )
    assert (answer.status_code, answer.text) == (429, body)
    assert len(answer.content) == 146
    assert "Retry-After" not in answer.headers
    assert wire.azure.journal.entries()[-1].code == "Throttled"
    wire.azure.clock.advance(seconds=WINDOW_SECONDS + 1)
    assert wire.ask("GET", "/secrets/db-password").status_code == 200


def test_one_vault_at_its_limit_leaves_the_others_alone(wire: VaultWire) -> None:
    wire.azure.vault("contoso-kv").keep_limits()
    use_up(wire.azure.vault("contoso-kv").throttle)
    other = wire.azure.add_vault("fabrikam-kv")
    other.keep_limits()
    wire.azure.identity("system").grant("Key Vault Reader", on=other)
    assert wire.ask("GET", "/secrets", host=other.host).status_code == 200
    assert wire.ask("GET", "/secrets").status_code == 429


def test_requests_that_are_turned_away_do_not_count() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    use_up(throttle)
    assert not any(throttle.lets_in() for _ in range(1000))
    clock.advance(seconds=WINDOW_SECONDS / 2)
    assert not throttle.lets_in()
    clock.advance(seconds=WINDOW_SECONDS / 2)
    use_up(throttle)


def test_requests_without_a_token_do_not_count(wire: VaultWire) -> None:
    vault = wire.azure.vault("contoso-kv")
    vault.keep_limits()
    for _ in range(5):
        assert wire.ask("GET", "/secrets/db-password", authorization=None).status_code == 401
    use_up(vault.throttle)


def test_the_library_says_that_the_vault_gets_too_many_requests(
    local_azure: LocalAzure, azure_environment: dict[str, str]
) -> None:
    local_azure.vault("contoso-kv").keep_limits()
    use_up(local_azure.vault("contoso-kv").throttle)
    with (
        SecretReader("https://contoso-kv.vault.azure.net", timeout=5) as reader,
        pytest.raises(VaultThrottledError) as info,
    ):
        reader.get("db-password")
    assert (info.value.code, info.value.status, info.value.retry_after) == ("Throttled", 429, None)
