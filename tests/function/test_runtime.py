"""Azure's own code in the Python worker and the dev host: the same requests, the same answers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import requests

from keyless.local.function_host import FunctionHost, bundled_function_app
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUNTIME = Path(__file__).with_name("runtime_host.py")
KEY_VAULT = {"KEY_VAULT_URL": "https://contoso-kv.vault.azure.net", "SECRET_NAME": "db-password"}
UNKNOWN = "11111111-1111-1111-1111-111111111111"
APP = """
    import asyncio
    import json

    import azure.functions as func

    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    def told(req):
        body = {"method": req.method, "params": dict(req.params), "route": dict(req.route_params),
                "body": req.get_body().decode(), "header": req.headers.get("X-Asked")}
        return func.HttpResponse(json.dumps(body), mimetype="application/json")

    @app.route("sync/{number:int}", methods=["GET", "POST"])
    def sync_told(req: func.HttpRequest) -> func.HttpResponse: return told(req)

    @app.route("async/{word?}")
    async def async_told(req: func.HttpRequest) -> func.HttpResponse:
        await asyncio.sleep(0)
        return told(req)

    @app.route("rest/{*path}")
    def rest(req: func.HttpRequest) -> func.HttpResponse: return told(req)

    @app.route("text")
    def text(req: func.HttpRequest) -> str: return "plain text: grüße"

    @app.route("nothing")
    def nothing(req: func.HttpRequest) -> func.HttpResponse: return func.HttpResponse(status_code=204)

    @app.route("created")
    def created(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(b"\\x00\\xff", status_code=201, mimetype="application/octet-stream", headers={"X-Told": "yes"})

    @app.route("cookie")
    def cookie(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse("ok", headers={"Set-Cookie": "a=b; Path=/"})

    @app.route("broken")
    def broken(req: func.HttpRequest) -> func.HttpResponse: raise ValueError("the author's error")

    @app.route("wrong")
    async def wrong(req: func.HttpRequest) -> func.HttpResponse: return 7

    @app.route("closed", auth_level=func.AuthLevel.FUNCTION)
    def closed(req: func.HttpRequest) -> func.HttpResponse: return told(req)

    @app.route(auth_level=func.AuthLevel.ADMIN)
    def without_a_route(req: func.HttpRequest) -> func.HttpResponse: return told(req)

    @app.timer_trigger(schedule="0 0 * * * *", arg_name="timer")
    def hourly(timer: func.TimerRequest) -> None: return None

    events = []

    @app.event_grid_trigger("event")
    def noted(event: func.EventGridEvent) -> None:
        events.append([event.id, event.topic, event.subject, event.event_type, event.event_time.isoformat(),
                       event.data_version, event.get_json()])

    @app.event_grid_trigger("event")
    async def refuses(event: func.EventGridEvent) -> None: raise ValueError("the author's error")

    @app.route("events")
    def told_events(req: func.HttpRequest) -> str: return json.dumps(events)
"""


class RuntimeHost(FunctionHost):
    """Azure's code, started as the dev host is."""

    def _program(self) -> tuple[str, ...]:
        return (str(RUNTIME),)


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, FunctionHost]]:
    folder = tmp_path_factory.mktemp("app")
    (folder / "function_app.py").write_text(dedent(APP), "utf-8")
    (folder / "host.json").write_text(
        json.dumps({"version": "2.0", "extensions": {"http": {"routePrefix": "v1"}}}), "utf-8"
    )
    with RuntimeHost(folder, environment={}) as runtime, FunctionHost(folder, environment={}) as dev:
        yield {"runtime": runtime, "dev host": dev}


@pytest.fixture(scope="module")
def azure() -> Iterator[LocalAzure]:
    with LocalAzure() as started:
        yield started


@pytest.fixture(scope="module")
def ours(azure: LocalAzure) -> Iterator[dict[str, FunctionHost]]:
    environment = {**azure.environment(), **KEY_VAULT}
    app = bundled_function_app()
    with RuntimeHost(app, environment=environment) as runtime, FunctionHost(app, environment=environment) as dev:
        yield {"runtime": runtime, "dev host": dev}


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[list[tuple[str, str, str]]]:
    """The rows that `make parity` prints: the case, and what each host answered."""
    rows: list[tuple[str, str, str]] = []
    yield rows
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        for case, *found in [("case", "runtime", "dev host"), *rows]:
            sys.stdout.write(f"\n{case:36} {found[0]:32} {found[1]}")


def told(answer: tuple[int, str, bytes]) -> str:
    return f"{answer[0]} {hashlib.sha256(str(answer).encode()).hexdigest()[:12]}, {len(answer[2])} bytes"


def answers(hosts: dict[str, FunctionHost], method: str, path: str, **sent: Any) -> dict[str, tuple[int, str, bytes]]:
    """Return what each host answers: the status, the headers that an author decides on, and the body."""
    found = {}
    for name, host in hosts.items():
        asked = {key: value(host) if callable(value) else value for key, value in sent.items()}
        answer = requests.request(method, f"{host.url}{path}", timeout=30, **asked)
        decided = {"content-type", "x-told", "set-cookie", "cache-control", "retry-after"}
        headers = sorted((key.lower(), value) for key, value in answer.headers.items() if key.lower() in decided)
        body = answer.content
        if b'"ageSeconds"' in body:
            body = json.dumps({**answer.json(), "ageSeconds": 0, "source": "any"}).encode()
        found[name] = (answer.status_code, str(headers), body)
    return found


EVENTS = "/runtime/webhooks/EventGrid?functionName="
EVENT = {
    "id": "1",
    "topic": "/subscriptions/0",
    "subject": "db-password",
    "eventType": "Microsoft.KeyVault.SecretNewVersionCreated",
    "eventTime": "2026-01-31T12:00:00.1234567Z",
    "data": {"ObjectName": "db-password"},
    "dataVersion": "1",
    "metadataVersion": "1",
}


def bringing(kind: str) -> Callable[[FunctionHost], dict[str, str]]:
    """Return the headers of a delivery by Event Grid, for whichever host it is."""
    return lambda host: {
        "aeg-event-type": kind,
        "x-functions-key": str(next(iter(host.event_functions.values())).key),
    }


CASES = [
    ("sync", "GET", "/v1/sync/7?a=1&b=two", 200, {"headers": {"X-Asked": "yes"}}),
    ("sync-post", "POST", "/v1/sync/7", 200, {"data": "grüße".encode()}),
    ("async", "GET", "/v1/async/word?a=1&a=2&empty=", 200, {}),
    ("optional-parameter", "PUT", "/v1/async", 200, {}),
    ("case-of-the-path", "GET", "/V1/ASYNC/Word", 200, {}),
    ("rest", "GET", "/v1/rest/a/b%20c/d", 200, {}),
    ("text", "GET", "/v1/text", 200, {}),
    ("no-content", "GET", "/v1/nothing", 204, {}),
    ("bytes-and-a-header", "GET", "/v1/created", 201, {}),
    ("cookie", "GET", "/v1/cookie", 200, {}),
    ("exception", "GET", "/v1/broken", 500, {}),
    ("not-a-response", "GET", "/v1/wrong", 500, {}),
    ("no-such-route", "GET", "/v1/none", 404, {}),
    ("no-prefix", "GET", "/text", 404, {}),
    ("wrong-method", "DELETE", "/v1/sync/7", 404, {}),
    ("route-constraint", "GET", "/v1/sync/seven", 404, {}),
    ("no-key", "GET", "/v1/closed", 401, {}),
    ("wrong-key", "GET", "/v1/closed?code=wrong", 401, {}),
    ("key-in-the-header", "GET", "/v1/closed", 200, {"headers": lambda host: {"x-functions-key": host.functions["closed"].key}}),
    ("header-before-code", "GET", "/v1/closed", 401, {
        "headers": {"x-functions-key": "wrong"},
        "params": lambda host: {"code": host.functions["closed"].key},
    }),
    ("function-key-for-admin", "GET", "/v1/without_a_route", 401, {
        "headers": lambda host: {"x-functions-key": host.functions["closed"].key}
    }),
    ("admin-key", "GET", "/v1/without_a_route", 200, {
        "headers": lambda host: {"x-functions-key": host.functions["without_a_route"].key}
    }),
    ("event", "POST", EVENTS + "noted", 202, {"headers": bringing("Notification"), "json": [EVENT, EVENT]}),
    ("event-not-in-an-array", "POST", EVENTS + "noted", 202, {"headers": bringing("notification"), "json": EVENT}),
    ("event-case-of-the-path", "POST", EVENTS.lower() + "noted", 202, {
        "headers": bringing("Notification"), "json": [EVENT]
    }),
    ("event-exception", "POST", EVENTS + "refuses", 500, {"headers": bringing("Notification"), "json": [EVENT]}),
    ("event-that-is-none", "POST", EVENTS + "noted", 500, {"headers": bringing("Notification"), "json": [7]}),
    ("event-not-json", "POST", EVENTS + "noted", 500, {"headers": bringing("Notification"), "data": "{"}),
    ("event-handshake", "POST", EVENTS + "noted", 200, {
        "headers": bringing("SubscriptionValidation"), "json": [{"data": {"validationCode": "a-code"}}]
    }),
    ("event-handshake-cloudevents", "POST", EVENTS + "noted", 200, {
        "headers": bringing("SubscriptionValidation"), "json": {"data": '{"validationCode": "a-code"}'}
    }),
    ("event-unsubscribe", "POST", EVENTS + "noted", 202, {"headers": bringing("Unsubscribe")}),
    ("event-of-no-kind", "POST", EVENTS + "noted", 400, {"headers": bringing("Other"), "json": [EVENT]}),
    ("event-no-such-function", "POST", EVENTS + "text", 404, {"headers": bringing("Notification"), "json": [EVENT]}),
    ("event-no-key", "POST", EVENTS + "noted", 401, {"headers": {"aeg-event-type": "Notification"}, "json": [EVENT]}),
    ("event-key-in-the-query", "POST", EVENTS + "noted", 202, {
        "headers": {"aeg-event-type": "Notification"}, "json": [EVENT],
        "params": lambda host: {"code": host.event_functions["noted"].key},
    }),
]  # fmt: skip


@pytest.mark.parametrize(("case", "method", "path", "status", "sent"), CASES, ids=[case[0] for case in CASES])
def test_a_request_gets_the_same_answer(
    hosts: dict[str, FunctionHost],
    table: list[tuple[str, str, str]],
    case: str,
    method: str,
    path: str,
    status: int,
    sent: dict[str, Any],
) -> None:
    found = answers(hosts, method, path, **sent)
    table.append((case, told(found["runtime"]), told(found["dev host"])))
    assert found["runtime"] == found["dev host"]
    assert found["runtime"][0] == status


def test_both_know_the_same_functions_and_what_is_not_served(hosts: dict[str, FunctionHost]) -> None:
    assert hosts["runtime"].functions.keys() == hosts["dev host"].functions.keys()
    assert hosts["runtime"].not_served == hosts["dev host"].not_served == {"hourly": "timerTrigger"}
    assert list(hosts["runtime"].event_functions) == list(hosts["dev host"].event_functions) == ["noted", "refuses"]
    for name, end in hosts["runtime"].functions.items():
        assert end.methods == hosts["dev host"].functions[name].methods
        assert (end.key is None) == (hosts["dev host"].functions[name].key is None)


def test_the_same_event_reaches_the_function(hosts: dict[str, FunctionHost]) -> None:
    event = {**EVENT, "id": "of-this-test"}
    for host in hosts.values():
        requests.post(f"{host.url}{EVENTS}noted", json=[event], headers=bringing("Notification")(host), timeout=10)
    found = [
        [each for each in requests.get(host.functions["told_events"].url, timeout=10).json() if each[0] == event["id"]]
        for host in hosts.values()
    ]
    assert found[0] == found[1]
    assert found[0][0][1:5] == [
        EVENT["topic"],
        EVENT["subject"],
        EVENT["eventType"],
        "2026-01-31T12:00:00.123456+00:00",
    ]


# Our own function, each status of which it is capable.


def key(host: FunctionHost) -> dict[str, str]:
    return {"x-functions-key": str(host.functions["AcquireTokenMsi"].key)}


OURS = [
    ("a-secret", "GET", "", 200, None),
    ("post", "POST", "", 200, None),
    ("bad-id", "GET", "?userAssignedClientId=7", 400, None),
    ("conflicting-ids", "GET", f"?userAssignedClientId={UNKNOWN}&userAssignedObjectId={UNKNOWN}", 400, None),
    ("no-role", "GET", "?userAssignedClientId={newcomer}", 403, None),
    ("identity-not-assigned", "GET", f"?userAssignedClientId={UNKNOWN}", 503, None),
    ("wrong-method", "PUT", "", 404, None),
    ("vault-outage", "GET", "?userAssignedClientId={reporting}", 502, "vault-outage"),
    ("vault-throttled", "GET", "?userAssignedResourceId={resource}", 503, "throttled"),
]


@pytest.mark.parametrize(("case", "method", "query", "status", "fault"), OURS, ids=[case[0] for case in OURS])
def test_our_function_answers_the_same(
    azure: LocalAzure,
    ours: dict[str, FunctionHost],
    table: list[tuple[str, str, str]],
    case: str,
    method: str,
    query: str,
    status: int,
    fault: str | None,
) -> None:
    ids = {name: azure.identity(name).client_id for name in ("newcomer", "reporting")}
    path = f"/api/AcquireTokenMsi{query.format(**ids, resource=azure.identity('reporting').resource_id)}"
    added = azure.faults.add_named(fault) if fault else None
    try:
        found = answers(ours, method, path, headers=key)
    finally:
        if added:
            azure.faults.remove(added.id)
    table.append((f"AcquireTokenMsi {case}", told(found["runtime"]), told(found["dev host"])))
    assert found["runtime"] == found["dev host"]
    assert found["runtime"][0] == status


@pytest.mark.parametrize(
    ("case", "settings", "identity", "status", "said"),
    [
        ("no-setting", {}, True, 500, b"KEY_VAULT_URL"),
        ("no-such-secret", {**KEY_VAULT, "SECRET_NAME": "absent"}, True, 404, b"SecretNotFound"),
        ("no-identity-endpoint", KEY_VAULT, False, 503, b"KL-"),
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
    said: bytes,
) -> None:
    app, environment = bundled_function_app(), azure.environment(identity=identity) | settings
    with RuntimeHost(app, environment=environment) as runtime, FunctionHost(app, environment=environment) as dev:
        found = answers({"runtime": runtime, "dev host": dev}, "GET", "/api/AcquireTokenMsi", headers=key)
    table.append((f"AcquireTokenMsi {case}", told(found["runtime"]), told(found["dev host"])))
    assert found["runtime"] == found["dev host"]
    assert found["runtime"][0] == status
    assert said in found["runtime"][2]


async def called_at_once(host: FunctionHost, number: int) -> list[int]:
    """Return the statuses of so many calls, each on a connection of its own and all under way together."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, headers=key(host)) as session:

        async def status() -> int:
            async with session.get(host.functions["AcquireTokenMsi"].url) as answer:
                await answer.read()
                return answer.status

        return await asyncio.gather(*(status() for _ in range(number)))


def test_five_hundred_calls_at_once_are_two_requests_and_a_worker_that_restarts_begins_anew(azure: LocalAzure) -> None:
    environment = {**azure.environment(), **KEY_VAULT}
    for _ in range(2):
        azure.journal.clear()
        with RuntimeHost(bundled_function_app(), environment=environment) as host:
            found = asyncio.run(called_at_once(host, 500))
        assert found == [200] * 500
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
