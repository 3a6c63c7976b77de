"""Azure's own code in the Python worker and the dev host: any app, the same requests, the same answers."""

from __future__ import annotations

import io
import json
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
import requests
from tests.function.parity import EVENT, EVENTS, RuntimeHost, bringing, compare

from keyless.errors import LocalAzureError
from keyless.local.functions.host import FunctionHost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP = """
    import asyncio
    import json

    import azure.functions as func

    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    def told(req):
        body = {"method": req.method, "params": dict(req.params), "route": dict(req.route_params),
                "body": req.get_body().decode(), "header": req.headers.get("X-Asked")}
        return func.HttpResponse(json.dumps(body, sort_keys=True), mimetype="application/json")

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

    @app.route("forgotten")
    def forgotten(req: func.HttpRequest): told(req)

    @app.route("closed", auth_level=func.AuthLevel.FUNCTION)
    def closed(req: func.HttpRequest) -> func.HttpResponse: return told(req)

    @app.route(auth_level=func.AuthLevel.ADMIN)
    def without_a_route(req: func.HttpRequest) -> func.HttpResponse: return told(req)

    @app.route("as-text")
    def as_text(req: str) -> func.HttpResponse: return func.HttpResponse("ok")

    @app.route("as-bytes")
    def as_bytes(req: bytes) -> func.HttpResponse: return func.HttpResponse("ok")

    @app.function_name("generic")
    @app.generic_trigger(arg_name="req", type="httpTrigger", route="generic/{id}", authLevel="anonymous", methods=["get"])
    @app.generic_output_binding(arg_name="$return", type="http")
    def generic(req: func.HttpRequest) -> func.HttpResponse: return told(req)

    @app.route("set-cookie")
    def set_cookie(req: func.HttpRequest) -> func.HttpResponse:
        answer = func.HttpResponse("ok")
        for value in req.get_json():
            answer.headers.add("Set-Cookie", value)
        return answer

    kept = func.HttpResponse("kept", headers={"Set-Cookie": "a=b; Path=/"})

    @app.route("kept")
    def same_object(req: func.HttpRequest) -> func.HttpResponse: return kept

    @app.route("header-twice")
    def header_twice(req: func.HttpRequest) -> func.HttpResponse:
        answer = func.HttpResponse("ok")
        answer.headers.add("X-Told", "1")
        answer.headers.add("X-Told", "2")
        return answer

    @app.route("json-text")
    def json_text(req: func.HttpRequest) -> str: return json.dumps({"a": [1, 2.0, True]})

    @app.timer_trigger(schedule="0 0 * * * *", arg_name="timer")
    def hourly(timer: func.TimerRequest) -> None: return None

    events = []

    @app.event_grid_trigger("event")
    def noted(event: func.EventGridEvent) -> None:
        events.append([event.id, event.topic, event.subject, event.event_type, event.event_time.isoformat(),
                       event.data_version, event.get_json()])

    @app.event_grid_trigger("event")
    async def refuses(event: func.EventGridEvent) -> None: raise ValueError("the author's error")

    @app.event_grid_trigger("event")
    def noted_as_text(event: str) -> None: events.append(["as text", type(event).__name__, json.loads(event)["id"]])

    @app.route("events")
    def told_events(req: func.HttpRequest) -> func.HttpResponse: return func.HttpResponse(json.dumps(events))
"""


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, FunctionHost]]:
    folder = tmp_path_factory.mktemp("app")
    (folder / "function_app.py").write_text(dedent(APP), "utf-8")
    (folder / "host.json").write_text(
        json.dumps({"version": "2.0", "extensions": {"http": {"routePrefix": "v1"}}}), "utf-8"
    )
    with RuntimeHost(folder, environment={}) as runtime, FunctionHost(folder, environment={}) as dev:
        yield {"runtime": runtime, "dev host": dev}


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
    ("no-return", "GET", "/v1/forgotten", 500, {}),
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
    ("annotated-as-str", "GET", "/v1/as-text", 500, {}),
    ("annotated-as-bytes", "GET", "/v1/as-bytes", 500, {}),
    ("generic-trigger", "GET", "/v1/generic/7", 200, {}),
    ("cookie-partitioned", "POST", "/v1/set-cookie", 200, {"json": ["a=b; Secure; Partitioned"]}),
    ("cookie-priority", "POST", "/v1/set-cookie", 200, {"json": ["a=b; Priority=High"]}),
    ("cookie-json", "POST", "/v1/set-cookie", 200, {"json": ['a={"x": 1}']}),
    ("cookie-space", "POST", "/v1/set-cookie", 200, {"json": ["a=b c"]}),
    ("cookie-not-ascii", "POST", "/v1/set-cookie", 200, {"json": ["a=\u00e9"]}),
    ("cookie-flag", "POST", "/v1/set-cookie", 200, {"json": ["a=b; Flag"]}),
    ("cookie-host-prefix", "POST", "/v1/set-cookie", 200, {"json": ["__Host-a=b; Path=/; Secure"]}),
    ("cookie-expires", "POST", "/v1/set-cookie", 200, {"json": ["a=b; Expires=Wed, 21 Oct 2037 07:28:00 GMT"]}),
    ("cookies", "POST", "/v1/set-cookie", 200, {"json": ["a=b=c; Path=/; HttpOnly; SameSite=Lax", "c=d; Max-Age=60"]}),
    ("response-returned-once", "GET", "/v1/kept", 200, {}),
    ("response-returned-twice", "GET", "/v1/kept", 200, {}),
    ("header-twice", "GET", "/v1/header-twice", 200, {}),
    ("text-that-is-json", "GET", "/v1/json-text", 200, {}),
    ("event-as-text", "POST", EVENTS + "noted_as_text", 202, {"headers": bringing("Notification"), "json": [EVENT]}),
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


@pytest.mark.parametrize("case", CASES, ids=[case[0] for case in CASES])
def test_a_request_gets_the_same_answer(
    hosts: dict[str, FunctionHost], table: list[tuple[str, str, str]], case: tuple[str, str, str, int, dict[str, Any]]
) -> None:
    compare(hosts, table, case)


def test_both_know_the_same_functions_and_what_is_not_served(hosts: dict[str, FunctionHost]) -> None:
    assert hosts["runtime"].functions.keys() == hosts["dev host"].functions.keys()
    assert hosts["runtime"].not_served == hosts["dev host"].not_served == {"hourly": "timerTrigger"}
    assert (
        list(hosts["runtime"].event_functions)
        == list(hosts["dev host"].event_functions)
        == ["noted", "refuses", "noted_as_text"]
    )
    for name, end in hosts["runtime"].functions.items():
        assert end.methods == hosts["dev host"].functions[name].methods
        assert (end.key is None) == (hosts["dev host"].functions[name].key is None)


@pytest.mark.parametrize(
    "function",
    [
        'def hello(request: func.HttpRequest) -> str: return "x"',
        'def hello(req: func.HttpRequest, name: str) -> str: return "x"',
        'def hello() -> str: return "x"',
        "def hello(req: func.HttpRequest) -> None: return None",
        'def hello(req: func.HttpRequest) -> str | None: return "x"',
        "def hello(req: 'OnlyForTypeCheckers') -> str: return 'x'",
        "def hello(req: fastapi.Request) -> str: return 'x'",
        "def hello(req: dict) -> str: return 'x'",
        "def hello(req: object) -> str: return 'x'",
        "def hello(req: typing.Any) -> str: return 'x'",
        "def hello(req: func.HttpRequest | None) -> str: return 'x'",
        "def hello(req: typing.Optional[func.HttpRequest]) -> str: return 'x'",
        "def hello(req: func.Out[str]) -> str: return 'x'",
        "def hello(req: list[str]) -> str: return 'x'",
        "def hello(req: func.HttpRequest, context: dict) -> str: return 'x'",
        "def hello(req: func.HttpRequest) -> dict: return {}",
    ],
    ids=[
        *("another-name", "one-too-many", "none", "returns-none", "returns-a-union", "annotated-with-the-unknown"),
        *("fastapi-request", "dict", "object", "any", "union-with-none", "optional", "out", "list", "context-dict"),
        "returns-a-dict",
    ],
)
def test_a_function_that_the_runtime_refuses_is_refused(tmp_path: Path, function: str) -> None:
    (tmp_path / "function_app.py").write_text(
        f"import typing, fastapi, azure.functions as func\napp = func.FunctionApp()\n@app.route('hello')\n{function}\n",
        "utf-8",
    )
    for host in (RuntimeHost, FunctionHost):
        with pytest.raises(LocalAzureError), host(tmp_path, environment={}, log=io.StringIO()):
            pass


@pytest.mark.parametrize("annotation", ["dict", "object", "func.Out[str]", "func.EventGridEvent | None"])
def test_an_annotation_of_an_event_that_the_runtime_refuses_is_refused(tmp_path: Path, annotation: str) -> None:
    app = f"app = func.FunctionApp()\n@app.event_grid_trigger('event')\ndef seen(event: {annotation}): pass\n"
    (tmp_path / "function_app.py").write_text(f"import azure.functions as func\n{app}", "utf-8")
    for host in (RuntimeHost, FunctionHost):
        with pytest.raises(LocalAzureError), host(tmp_path, environment={}, log=io.StringIO()):
            pass


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
