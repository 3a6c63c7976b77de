"""The mission in Azure's own Functions host: our function app, and any app, in it and in the development host."""

from __future__ import annotations

import json
import os
import sys
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
import requests
from tests.function.parity import EVENTS, compare
from tests.function.real_host import EVENT_KEY, RealHost, needs_real_host
from tests.function.test_runtime import APP, CASES

from keyless.cli.run import child_environment
from keyless.local.functions.bundled import bundled_function_app
from keyless.local.functions.delivery import delivered
from keyless.local.functions.host import FunctionHost
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY_VAULT = {"KEY_VAULT_URL": "https://contoso-kv.vault.azure.net", "SECRET_NAME": "db-password"}
UNKNOWN = "11111111-1111-1111-1111-111111111111"


@pytest.fixture(scope="module")
def azure() -> Iterator[LocalAzure]:
    needs_real_host()
    with LocalAzure(source="app-service") as started:
        yield started


@pytest.fixture(scope="module")
def ours(azure: LocalAzure) -> Iterator[RealHost]:
    """Our function app in the real host, with the environment that ``keyless run --source app-service`` gives."""
    with RealHost(bundled_function_app(), environment={**child_environment(azure, os.environ), **KEY_VAULT}) as host:
        yield host


def call(host: RealHost, method: str = "GET", *, query: str = "", key: bool = True) -> requests.Response:
    end = host.functions["AcquireTokenMsi"]
    headers = {"x-functions-key": str(end.key)} if key else {}
    return requests.request(method, f"{end.url}{query}", headers=headers, timeout=30)


def test_the_real_host_loads_all_four_functions(ours: RealHost) -> None:
    assert sorted(ours.functions) == ["AcquireTokenMsi", "doctor", "health"]
    assert sorted(ours.event_functions) == ["SecretRotated"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_function_answers_the_secret(ours: RealHost, method: str) -> None:
    answer = call(ours, method)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json()["secret"]["value"] == "local-db-password"
    assert answer.headers["Cache-Control"] == "no-store"


def test_without_a_key_it_is_401(ours: RealHost) -> None:
    assert (call(ours, key=False).status_code, call(ours, "PUT").status_code) == (401, 404)


def test_an_identity_that_is_not_assigned_is_503_and_one_without_a_role_403(ours: RealHost, azure: LocalAzure) -> None:
    unknown = call(ours, query=f"?userAssignedClientId={UNKNOWN}")
    newcomer = call(ours, query=f"?userAssignedClientId={azure.identity('newcomer').client_id}")
    assert (unknown.status_code, unknown.headers["Content-Type"]) == (503, "application/problem+json")
    assert (newcomer.status_code, newcomer.json()["code"]) == (403, "ForbiddenByRbac")


def test_health_and_the_doctor_answer(ours: RealHost) -> None:
    call(ours)
    health = requests.get(ours.functions["health"].url, timeout=30)
    assert (health.status_code, health.json()["status"]) == (200, "ok")
    end = ours.functions["doctor"]
    doctor = requests.get(end.url, headers={"x-functions-key": str(end.key)}, timeout=60)
    assert doctor.status_code == 200
    assert doctor.json()["findings"]


def test_a_rotation_reaches_the_function_through_the_real_event_grid_extension(
    ours: RealHost, azure: LocalAzure
) -> None:
    assert call(ours).json()["secret"]["value"] == "local-db-password"
    with delivered(azure.event_grid, lambda: ours.event_functions):
        azure.vault("contoso-kv").set_secret("db-password", "rotated")
        for _ in range(100):
            taken = azure.journal.entries(operation="deliverEvent", secret="db-password")
            if taken:
                break
            call(ours)
    assert [entry.status for entry in taken] == [202]
    assert call(ours).json()["secret"]["value"] == "rotated"
    azure.vault("contoso-kv").set_secret("db-password", "local-db-password")


def test_the_same_under_keyless_run(tmp_path: Path) -> None:
    needs_real_host()
    through = (sys.executable, "-m", "keyless", "run", "--source", "app-service", "--")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}
    with RealHost(bundled_function_app(), environment={**environment, **KEY_VAULT}, through=through) as host:
        answer = call(host)
        assert (answer.status_code, call(host, "POST").status_code, call(host, key=False).status_code) == (
            200,
            200,
            401,
        )
    assert answer.json()["secret"]["value"] == "local-db-password"


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    needs_real_host()
    folder = tmp_path_factory.mktemp("app")
    (folder / "function_app.py").write_text(dedent(APP), "utf-8")
    host = {"version": "2.0", "extensions": {"http": {"routePrefix": "v1"}}}
    (folder / "host.json").write_text(json.dumps(host), "utf-8")
    with RealHost(folder, environment=os.environ) as real, FunctionHost(folder, environment={}) as dev:
        yield {"real": real, "dev host": dev}


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_the_real_host_and_ours_answer_the_same(
    hosts: dict[str, Any], table: list[tuple[str, str, str]], case: tuple[str, str, str, int, dict[str, Any]]
) -> None:
    compare(hosts, table, case)


def test_both_take_events_at_the_same_path_with_the_system_key(hosts: dict[str, Any]) -> None:
    assert {EVENTS + name for name in hosts["dev host"].event_functions} == {
        end.url.removeprefix(hosts["real"].url) for end in hosts["real"].event_functions.values()
    }
    assert all(end.key == EVENT_KEY for end in hosts["real"].event_functions.values())
