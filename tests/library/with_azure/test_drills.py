"""Hours of trouble in a moment: what readers get, and what the vault is asked, while the clock is moved."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from keyless import AccessDeniedError, Secret, SecretReader
from keyless._identity.choice import choose
from keyless._reading.fetch import Fetcher
from keyless.errors import KeylessError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.local.server import LocalAzure

URL = "https://contoso-kv.vault.azure.net"
STEP = 10.0
MAX_STALE = 30 * 3600.0


class Application:
    """Reads a secret every ten seconds; every pause, its own and its reader's, moves the clock of the local Azure."""

    def __init__(self, azure: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> None:
        self._azure = azure
        self.reader = SecretReader(URL, max_stale=MAX_STALE)
        moved = Fetcher(URL, choose(), self.reader._reads._options, emit=lambda _: None, pause=self.pause)
        monkeypatch.setattr(self.reader._refresher._backroom, "_fetcher", moved)

    def pause(self, seconds: float) -> bool:
        self._azure.clock.advance(seconds=seconds)
        return False

    def run(self, seconds: float) -> list[Secret]:
        """Read on for as long, and let each refresh end before the next read."""
        found = []
        for _ in range(int(seconds / STEP)):
            self.pause(STEP)
            found.append(self.reader.get("db-password"))
            self._land()
        return found

    def _land(self) -> None:
        look = threading.Event()
        for _ in range(2000):
            if self.reader.stats().in_flight == 0:
                return
            look.wait(0.002)
        pytest.fail("a flight did not land in 4 s")

    def count(self) -> int:
        return self._azure.journal.count(operation="getSecret") + self._azure.journal.count(operation="getToken")


@pytest.fixture
def application(local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    made = Application(local_azure, monkeypatch)
    yield made
    made.reader.close()


@pytest.mark.parametrize(
    "fault", ["vault-outage", "vault-reset", "throttled", "identity-outage", "identity-throttled", "identity-reset"]
)
def test_an_hour_of_trouble_loses_no_answer_and_sends_no_burst_and_a_rotation_is_seen_soon_after_it(
    local_azure: LocalAzure, application: Application, fault: str
) -> None:
    application.run(STEP)
    trouble = local_azure.faults.add_named(fault)
    if fault.startswith("identity"):
        application.pause(24 * 3600)  # The token in hand is over: that is the worst hour.
    before = application.count()
    answers = application.run(3600)
    assert {secret.value for secret in answers} == {answers[0].value}
    assert answers[-1].is_stale
    # Pauses double to a minute, shortened by chance to half of it at most; a token is sought four times before it is given up.
    asked = application.count() - before
    assert asked > 10, "it is asked again, or nobody would see the end of it"
    assert asked <= 4 * 3600 / 30 if fault.startswith("identity") else asked <= 3600 / 30 + 6
    local_azure.faults.remove(trouble.id)
    local_azure.vault("contoso-kv").set_secret("db-password", "newer")
    assert application.run(120)[-1].value == "newer"


def test_a_value_is_never_served_beyond_the_bound_and_reads_recover_by_themselves(
    local_azure: LocalAzure, application: Application
) -> None:
    application.run(STEP)
    trouble = local_azure.faults.add_named("vault-outage")
    application.run(600)
    application.pause(MAX_STALE - 600 - 2 * STEP)
    application.run(STEP)
    assert application.reader.stats().oldest_age < MAX_STALE
    with pytest.raises(KeylessError):
        application.run(3 * STEP)
    local_azure.faults.remove(trouble.id)
    assert application.run(STEP)[-1].source in {"vault", "cache"}


def test_a_rotation_a_minute_for_hours_is_followed_with_a_request_a_ttl(
    local_azure: LocalAzure, application: Application
) -> None:
    vault, behind = local_azure.vault("contoso-kv"), 0
    for number in range(240):
        vault.set_secret("db-password", str(number))
        behind = max(behind, number - int(application.run(60)[-1].value))
    assert behind <= 7, "the TTL with its fifth is six minutes, and a read begins the refresh"
    assert local_azure.journal.count(operation="getSecret") <= 240 * 60 / 240 + 2
    assert local_azure.journal.count(operation="getToken") <= 2


def test_a_revocation_bites_at_the_next_refresh_and_at_once_after_invalidate(
    local_azure: LocalAzure, application: Application
) -> None:
    system, vault = local_azure.identity("system"), local_azure.vault("contoso-kv")
    application.run(STEP)
    system.revoke("Key Vault Secrets User", on=vault)
    application.reader.invalidate("db-password")
    with pytest.raises(AccessDeniedError):
        application.run(STEP)
    system.grant("Key Vault Secrets User", on=vault)
    application.run(STEP)
    system.revoke("Key Vault Secrets User", on=vault)
    with pytest.raises(AccessDeniedError):
        application.run(360 + 2 * STEP)
