"""Our own function, by Azure's own code in the Python worker and by the dev host: each status of which it is capable."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
import requests
from tests.function.parity import EVENT, RUNTIME, RuntimeHost, Told, answers, bringing, told

from keyless.local.functions.bundled import bundled_function_app
from keyless.local.functions.host import FunctionHost
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY_VAULT = {"KEY_VAULT_URL": "https://contoso-kv.vault.azure.net", "SECRET_NAME": "db-password"}
UNKNOWN = "11111111-1111-1111-1111-111111111111"


@pytest.fixture(scope="module")
def azure() -> Iterator[LocalAzure]:
    with LocalAzure() as started:
        yield started


@contextmanager
def both(folder: Path, environment: dict[str, str]) -> Iterator[dict[str, FunctionHost]]:
    with RuntimeHost(folder, environment=environment) as runtime, FunctionHost(folder, environment=environment) as dev:
        yield {"runtime": runtime, "dev host": dev}


@pytest.fixture(scope="module")
def ours(azure: LocalAzure) -> Iterator[dict[str, FunctionHost]]:
    with both(bundled_function_app(), {**azure.environment(), **KEY_VAULT}) as hosts:
        yield hosts


def compare(found: dict[str, Told], status: int, said: str) -> None:
    assert found["runtime"] == found["dev host"]
    assert found["runtime"][0] == status
    assert said in f"{found['runtime'][1]}{found['runtime'][2].decode()}"


def key(host: FunctionHost) -> dict[str, str]:
    return {"x-functions-key": str(host.functions["AcquireTokenMsi"].key)}


CASES = [
    ("a-secret", "GET", "", 200, "local-db-password"),
    ("post", "POST", "", 200, "local-db-password"),
    ("bad-id", "GET", "?userAssignedClientId=7", 400, "KL-100"),
    ("conflicting-ids", "GET", f"?userAssignedClientId={UNKNOWN}&userAssignedObjectId={UNKNOWN}", 400, "KL-100"),
    ("no-role", "GET", "?userAssignedClientId={newcomer}", 403, "ForbiddenByRbac"),
    ("identity-not-assigned", "GET", f"?userAssignedClientId={UNKNOWN}", 503, "kl-202"),
    ("wrong-method", "PUT", "", 404, ""),
]


@pytest.mark.parametrize(("case", "method", "query", "status", "said"), CASES, ids=[case[0] for case in CASES])
def test_our_function_answers_the_same(
    azure: LocalAzure,
    ours: dict[str, FunctionHost],
    table: list[tuple[str, str, str]],
    case: str,
    method: str,
    query: str,
    status: int,
    said: str,
) -> None:
    path = f"/api/AcquireTokenMsi{query.format(newcomer=azure.identity('newcomer').client_id)}"
    found = answers(ours, method, path, headers=key)
    compare(found, status, said)
    table.append((f"AcquireTokenMsi {case}", told(found["runtime"]), told(found["dev host"])))


FAULTS = [
    ("secret-disabled", {}, 403, "SecretDisabled"),
    ("throttled", {"Retry-After": "100"}, 503, "('retry-after', '100')"),
    ("identity-throttled", {"Retry-After": "100"}, 503, "('retry-after', '100')"),
    ("vault-outage", {"Retry-After": "100"}, 502, "kl-"),
]


@pytest.mark.parametrize(("fault", "headers", "status", "said"), FAULTS)
def test_whatever_goes_wrong_is_answered_the_same(
    azure: LocalAzure,
    ours: dict[str, FunctionHost],
    table: list[tuple[str, str, str]],
    fault: str,
    headers: dict[str, str],
    status: int,
    said: str,
) -> None:
    # The first read of an identity that is new: no reader has a token or a secret of it.
    case = f"{fault}{'-retry-after' if headers else ''}"
    identity = azure.azure.add_identity(case)
    identity.grant("Key Vault Secrets User", on="contoso-kv")
    added = azure.faults.add_named(fault, headers=headers)
    try:
        path = f"/api/AcquireTokenMsi?userAssignedClientId={identity.client_id}"
        found = answers(ours, "GET", path, headers=key)
    finally:
        azure.faults.remove(added.id)
    compare(found, status, said)
    table.append((f"AcquireTokenMsi {case}", told(found["runtime"]), told(found["dev host"])))


def test_a_deadline_that_passes_is_answered_the_same(
    azure: LocalAzure, table: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    for file in bundled_function_app().glob("*.py"):
        text = file.read_text("utf-8").replace("app = build_app()", "app = build_app(timeout=0.5)")
        (tmp_path / file.name).write_text(text, "utf-8")
    azure.faults.add_named("vault-silent")
    with both(tmp_path, {**azure.environment(), **KEY_VAULT}) as hosts:
        found = answers(hosts, "GET", "/api/AcquireTokenMsi", headers=key)
    azure.faults.clear()
    compare(found, 504, "kl-401")
    table.append(("AcquireTokenMsi deadline-passed", told(found["runtime"]), told(found["dev host"])))


@pytest.mark.parametrize(
    ("case", "settings", "identity", "status", "said"),
    [
        ("no-setting", {}, True, 500, "KEY_VAULT_URL"),
        ("no-such-secret", {**KEY_VAULT, "SECRET_NAME": "absent"}, True, 404, "SecretNotFound"),
        ("no-identity-endpoint", KEY_VAULT, False, 503, "KL-201"),
    ],
    ids=["no-setting", "no-such-secret", "no-identity-endpoint"],
)
def test_what_the_app_lacks_is_told_the_same(
    azure: LocalAzure,
    table: list[tuple[str, str, str]],
    *,
    case: str,
    settings: dict[str, str],
    identity: bool,
    status: int,
    said: str,
) -> None:
    app, environment = bundled_function_app(), azure.environment(identity=identity) | settings
    with both(app, environment) as hosts:
        found = answers(hosts, "GET", "/api/AcquireTokenMsi", headers=key)
    compare(found, status, said)
    table.append((f"AcquireTokenMsi {case}", told(found["runtime"]), told(found["dev host"])))


async def called_at_once(host: FunctionHost, number: int) -> list[int]:
    """Return the statuses of so many calls, each on a connection of its own and all under way together."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=key(host)) as session:

        async def status() -> int:
            async with session.get(host.functions["AcquireTokenMsi"].url) as answer:
                await answer.read()
                return answer.status

        return await asyncio.gather(*(status() for _ in range(number)))


def test_two_hundred_calls_at_once_are_two_requests_and_a_worker_that_restarts_begins_anew(azure: LocalAzure) -> None:
    environment = {**azure.environment(), **KEY_VAULT}
    for _ in range(2):
        azure.journal.clear()
        with RuntimeHost(bundled_function_app(), environment=environment) as host:
            found = asyncio.run(called_at_once(host, 200))
        assert found == [200] * 200
        assert azure.journal.count(operation="getSecret") == 1
        assert azure.journal.count(operation="getToken") == 1


def test_the_bindings_are_those_that_the_host_will_see() -> None:
    program = (
        "import asyncio, json, pathlib, runtime_host, sys;"
        "found = asyncio.run(runtime_host.indexed(pathlib.Path(sys.argv[1])));"
        "print(json.dumps({each.name: [json.loads(raw) for raw in each.raw_bindings] for each in found}))"
    )
    app = str(bundled_function_app())
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(RUNTIME.parent)!r}, {app!r}]; {program}", app],
        capture_output=True,
        text=True,
        check=True,
    )
    bindings = json.loads(done.stdout.splitlines()[-1])
    trigger, answer = bindings["AcquireTokenMsi"]
    assert (trigger["type"], trigger["authLevel"], trigger["route"]) == ("httpTrigger", "FUNCTION", "AcquireTokenMsi")
    assert sorted(trigger["methods"]) == ["GET", "POST"]
    assert (answer["type"], answer["direction"]) == ("http", "OUT")
    assert (bindings["doctor"][0]["authLevel"], bindings["health"][0]["authLevel"]) == ("FUNCTION", "ANONYMOUS")


def test_only_an_event_of_a_new_version_of_the_secret_makes_the_function_read_it(
    azure: LocalAzure, ours: dict[str, FunctionHost]
) -> None:
    vault, created = azure.vault("contoso-kv"), EVENT["eventType"]
    seen: dict[str, list[str]] = {}
    for name, host in ours.items():
        for number, (kind, subject) in enumerate(
            [(created, "db-password"), ("Microsoft.KeyVault.SecretNearExpiry", "db-password"), (created, "api-key")]
        ):
            vault.set_secret("db-password", f"version {number}")
            event = {**EVENT, "eventType": kind, "subject": subject}
            end = host.event_functions["SecretRotated"]
            told = requests.post(end.url, json=[event], headers=bringing("Notification")(host), timeout=10)
            assert told.status_code == 202
            answer = requests.get(host.functions["AcquireTokenMsi"].url, headers=key(host), timeout=10)
            seen.setdefault(name, []).append(answer.json()["secret"]["value"])
    vault.set_secret("db-password", "local-db-password")
    assert seen == dict.fromkeys(ours, ["version 0"] * 3)
