"""Faults of the local Azure at each source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keyless.local.instruments.faults import Fault
from keyless.local.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local.identity.conftest import Wire

BY_GET = [source for source in SOURCES if source not in {"cloud-shell", "workload"}]


@pytest.fixture(autouse=True)
def no_fault_stays(wire: Wire) -> Iterator[None]:
    yield
    wire.azure.faults.clear()


@pytest.mark.parametrize("source", BY_GET)
def test_a_fault_takes_the_identity_away_in_the_source_s_own_words(wire: Wire, source: str) -> None:
    parameter = "clientid" if source in {"app-service-2017", "machine-learning"} else "client_id"
    reporting = wire.local.identity("reporting")
    reporting.unassign()
    real = wire.ask(source, **{parameter: reporting.client_id})
    reporting.assign()
    wire.azure.faults.add_named("identity-not-assigned", source=source, times=1)
    struck = wire.ask(source, **{parameter: reporting.client_id})
    assert struck.status_code == real.status_code

    def same_words(body: dict[str, object]) -> str:
        return str(body.get("message") or body.get("Message") or body.get("error_description") or body["error"])[-40:]

    assert same_words(struck.json()) == same_words(real.json())
    assert wire.holder(wire.ask(source, **{parameter: reporting.client_id})) == "reporting"


@pytest.mark.parametrize("source", BY_GET)
def test_a_fault_of_one_identity_at_one_source_strikes_as_often_as_it_is_to(wire: Wire, source: str) -> None:
    wire.azure.faults.add_named(
        "identity-throttled", source=source, identity="system", headers={"Retry-After": "3"}, times=1
    )
    others = [other for other in BY_GET if other not in {source, "arc"}]
    assert {wire.get(other).status_code for other in others} == {200}
    struck = wire.ask(source)
    assert (struck.status_code, struck.headers["Retry-After"]) == (429, "3")
    assert wire.holder(wire.ask(source)) == "system"
    assert (
        wire.local.journal.count(operation="getToken", status=429)
        + wire.local.journal.count(operation="getChallenge", status=429)
        == 1
    )


def test_neither_a_probe_nor_a_wrong_secret_uses_a_fault_up(wire: Wire) -> None:
    wire.azure.faults.add(Fault(service="identity", status=503, times=1))
    assert wire.get("imds", headers={}).status_code == 400
    assert wire.get("app-service", headers={"X-IDENTITY-HEADER": "wrong"}).status_code == 403
    assert wire.get("app-service").status_code == 503


def test_a_key_of_arc_is_good_for_the_retry_after_a_fault(wire: Wire) -> None:
    challenge = wire.ask("arc", resource="nonsense")  # Skips where there is no Azure Arc, and leaves its key unused.
    assert challenge.status_code == 400
    file = Path(wire.get("arc").headers["WWW-Authenticate"].removeprefix("Basic realm="))
    headers = {"Metadata": "true", "Authorization": f"Basic {file.read_text(encoding='ascii')}"}
    wire.azure.faults.add(Fault(service="identity", operation="getToken", source="arc", status=503, times=1))
    assert wire.get("arc", headers=headers).status_code == 503
    assert wire.get("arc", headers=headers).status_code == 200
