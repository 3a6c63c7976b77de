"""What the development host warns of, and what it does on a laptop as Core Tools and Azure do."""

from __future__ import annotations

import io
import json
import socket
import time
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING

import pytest
import requests
from tests.function.replay import ask, request, write_app

from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local.functions.host import FunctionHost
from keyless.local.functions.worker.cookies import CookieError, written_cookies

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

APP = """
    import os, sys
    state = {"calls": 0, "seen": []}

    @app.route("items/{id}", methods=["GET"])
    def get_item(req): return func.HttpResponse("item")

    @app.route("items/search", methods=["GET"])
    def search_items(req): return func.HttpResponse("search")

    @app.route("items/search", methods=["POST"])
    def search_posted(req): return func.HttpResponse("posted")

    @app.route("orders/{id:int}")
    def get_order(req): return func.HttpResponse("order")

    @app.route("orders/last")
    def last_order(req): return func.HttpResponse("last")

    @app.route("state")
    def told_state(req): return func.HttpResponse(json.dumps({**state, "cwd": os.getcwd(), "env": dict(os.environ)}))

    @app.route("exits/{how}")
    def exits(req):
        state["calls"] += 1
        if req.route_params["how"] == "sys":
            sys.exit(3)
        os._exit(4)

    @app.route("leaves")
    async def leaves(req): sys.exit(3)

    @app.route("text")
    def text(req) -> str: return '{"ok": true}'

    @app.route("cookie")
    def cookie(req): return func.HttpResponse("x", headers={"Set-Cookie": "a=b; Partitioned"})

    @app.route("header")
    def header(req): return func.HttpResponse("x", headers={"X-Name": "Grün"})

    @app.timer_trigger(schedule="0 0 * * * *", arg_name="timer")
    def hourly(timer: func.TimerRequest) -> None: state["seen"].append(["timer", timer.past_due])

    @app.queue_trigger(arg_name="message", queue_name="orders", connection="c")
    @app.queue_output(arg_name="out", queue_name="done", connection="c")
    def order(message: func.QueueMessage, out: func.Out[str]) -> None:
        out.set("x")
        state["seen"].append(["queue", message.get_body().decode()])

    @app.event_grid_trigger("event")
    def event(event: func.EventGridEvent) -> None: state["seen"].append(["event", event.subject])
"""


def wait_for(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def state(host: FunctionHost) -> dict[str, object]:
    found: dict[str, object] = requests.get(f"{host.url}/api/state", timeout=10).json()
    return found


def test_a_function_that_is_never_called_is_told_at_start_with_the_one_that_takes_its_requests(tmp_path: Path) -> None:
    log = io.StringIO()
    with FunctionHost(write_app(tmp_path, APP), environment={}, log=log) as host:
        assert requests.get(f"{host.url}/api/items/search", timeout=10).text == "item"
        assert requests.post(f"{host.url}/api/items/search", timeout=10).text == "posted"
        assert requests.get(f"{host.url}/api/orders/last", timeout=10).text == "last"
    warned = [line for line in log.getvalue().splitlines() if "is never called" in line]
    assert warned == [line for line in warned if "search_items is never called: get_item takes its requests" in line]
    assert len(warned) == 1


def test_what_azure_would_change_or_drop_is_told_once_by_the_function_s_name(tmp_path: Path) -> None:
    log = io.StringIO()
    with FunctionHost(write_app(tmp_path, APP), environment={}, log=log) as host:
        for _ in range(2):
            assert requests.get(f"{host.url}/api/text", timeout=10).text == '{\n  "ok": true\n}'
            assert "Set-Cookie" not in requests.get(f"{host.url}/api/cookie", timeout=10).headers
            assert requests.get(f"{host.url}/api/header", timeout=10).status_code == 500
        requests.post(f"{host.url}/api/text", data=iter([b"in", b"chunks"]), timeout=10)
    told = log.getvalue()
    for words in (
        "Warning: text returned a str that is JSON",
        "Warning: cookie set a cookie that is dropped",
        "Warning: header returned what Azure does not send, and its caller gets 500",
        "Warning: text was asked with a body in chunks",
    ):
        assert told.count(words) == 1


def test_each_call_is_a_line_unless_the_host_is_quiet(tmp_path: Path) -> None:
    for quiet in (False, True):
        log = io.StringIO()
        with FunctionHost(write_app(tmp_path, APP), environment={}, log=log, quiet=quiet) as host:
            requests.get(f"{host.url}/api/orders/7", timeout=10)
        assert ("Executed 'get_order' in" in log.getvalue()) is not quiet


@pytest.mark.parametrize("path", ["exits/sys", "exits/os", "leaves"])
def test_a_worker_that_a_function_ends_is_started_anew_at_the_same_address_with_the_same_keys(
    tmp_path: Path, path: str
) -> None:
    log = io.StringIO()
    with FunctionHost(write_app(tmp_path, APP), environment={}, log=log) as host:
        url, master = host.url, host.master_key
        port = int(url.rpartition(":")[2])
        assert ask(port, request("GET", f"/api/{path}")).status in {500, None}
        wait_for(lambda: "Azure starts another, and so does this host" in log.getvalue())
        wait_for(lambda: ask_or_none(port) == 200)
        assert (state(host)["calls"], host.url, host.master_key) == (0, url, master)


def ask_or_none(port: int) -> int | None:
    try:
        return ask(port, request("GET", "/api/state")).status
    except OSError:
        return None


def start(host: FunctionHost, name: str, body: str, kind: str = "application/json") -> int:
    headers = {"x-functions-key": host.master_key, "Content-Type": kind}
    return requests.post(f"{host.url}/admin/functions/{name}", data=body, headers=headers, timeout=10).status_code


def test_the_admin_api_starts_a_function_of_any_trigger_that_takes_a_text(tmp_path: Path) -> None:
    with FunctionHost(write_app(tmp_path, APP), environment={}) as host:
        assert [start(host, "hourly", "{}"), start(host, "order", '{"input": "one"}')] == [202, 202]
        assert start(host, "event", json.dumps({"input": json.dumps({"subject": "by hand"})})) == 202
        wait_for(lambda: len(list(state(host)["seen"])) == 3)  # type: ignore[call-overload]
        seen = sorted(map(str, state(host)["seen"]))  # type: ignore[call-overload]
        assert seen == ["['event', 'by hand']", "['queue', 'one']", "['timer', False]"]
        assert [start(host, "none", "{}"), start(host, "order", "x", "text/plain")] == [404, 415]
        assert requests.post(f"{host.url}/admin/functions/order", json={}, timeout=10).status_code == 401
        assert host.not_served == {"hourly": "timerTrigger", "order": "queue, queueTrigger"}


def test_the_folder_is_the_working_directory_and_the_settings_are_those_of_core_tools(tmp_path: Path) -> None:
    settings = """{
        // As Core Tools writes it, with what a person added.
        "IsEncrypted": false,
        "Values": {"NUMBER": 5, "FLAG": true, "TEXT": "a // b", "AzureWebJobs.text.Disabled": "true",},
        "Host": {"CORS": "https://pages.example, https://other.example", "CORSCredentials": true, "LocalHttpPort": 7345},
    }"""
    (tmp_path / "local.settings.json").write_text(settings, "utf-8")
    with FunctionHost(write_app(tmp_path, APP), environment={"IDENTITY_ENDPOINT": "http://127.0.0.1:1"}) as host:
        found = state(host)
        environment = dict(found["env"])  # type: ignore[call-overload]
        assert found["cwd"] == str(tmp_path.resolve())
        expected = {"NUMBER": "5", "FLAG": "true", "TEXT": "a // b", "FUNCTIONS_WORKER_RUNTIME": "python"}
        assert {name: environment[name] for name in expected} == expected
        assert (environment["AZURE_FUNCTIONS_ENVIRONMENT"], environment["WEBSITE_SITE_NAME"]) == (
            "Development",
            "local",
        )
        assert requests.get(f"{host.url}/api/text", timeout=10).status_code == 404
        origin = {"Origin": "https://pages.example", "Access-Control-Request-Method": "POST"}
        preflight = requests.options(f"{host.url}/api/orders/7", headers=origin, timeout=10)
        assert (preflight.status_code, preflight.headers["Access-Control-Allow-Methods"]) == (204, "POST")
        answer = requests.get(f"{host.url}/api/orders/7", headers=origin, timeout=10)
        assert answer.headers["Access-Control-Allow-Origin"] == "https://pages.example"
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        foreign = requests.get(f"{host.url}/api/orders/7", headers={"Origin": "https://evil.example"}, timeout=10)
        assert "Access-Control-Allow-Origin" not in foreign.headers


def test_a_host_that_names_no_port_takes_that_of_its_settings_or_a_free_one(tmp_path: Path) -> None:
    folder = write_app(tmp_path, APP)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        (tmp_path / "local.settings.json").write_text(f'{{"Host": {{"LocalHttpPort": {port}}}}}', "utf-8")
        other.listen()
        with FunctionHost(folder, environment={}, port=None) as host:
            assert host.url != f"http://127.0.0.1:{port}"
            assert requests.get(f"{host.url}/api/text", timeout=10).status_code == 200
    with FunctionHost(folder, environment={}, port=None) as host:
        assert host.url == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ('{"Values": {"A": ["x"]}}', "The setting A in"),
        ('{"Host": {"LocalHttpPort": "no port"}}', "LocalHttpPort"),
        ('{"Values": {"A": "canary-in-a-value}', "cannot be read"),
    ],
)
def test_settings_that_are_wrong_are_told_without_a_value(tmp_path: Path, settings: str, what: str) -> None:
    (tmp_path / "local.settings.json").write_text(settings, "utf-8")
    with (
        pytest.raises(ConfigurationError, match=what) as raised,
        FunctionHost(write_app(tmp_path, APP), environment={}),
    ):
        pass
    assert "canary" not in str(raised.value)


def test_another_script_and_another_language_are_what_the_settings_say(tmp_path: Path) -> None:
    write_app(tmp_path, "@app.route('x')\ndef x(req): return func.HttpResponse('other')")
    (tmp_path / "function_app.py").rename(tmp_path / "other.py")
    with FunctionHost(tmp_path, environment={"PYTHON_SCRIPT_FILE_NAME": "other.py"}) as host:
        assert requests.get(f"{host.url}/api/x", timeout=10).text == "other"
    node = FunctionHost(tmp_path, environment={"FUNCTIONS_WORKER_RUNTIME": "node"}, log=io.StringIO())
    with pytest.raises(LocalAzureError, match="FUNCTIONS_WORKER_RUNTIME is 'node'"), node:
        pass


def test_http_streams_are_named_as_not_served(tmp_path: Path) -> None:
    # What azurefunctions-extensions-http-fastapi puts among the modules, and a class of its own as the annotation.
    app = """
        import sys, types
        sys.modules["azurefunctions.extensions.http"] = types.ModuleType("http")
        class Request: ...

        @app.route("x")
        async def x(req: Request): return func.HttpResponse("x")
    """
    with FunctionHost(write_app(tmp_path, app), environment={}) as host:
        assert host.functions == {}
        assert "HTTP streams" in host.not_served["x"]


def test_expires_is_read_as_the_worker_of_the_running_python_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cookies = "keyless.local.functions.worker.cookies"
    dashed, plain = (SimpleCookie(f"a=b; Expires=Wed, 21{sign}Oct{sign}2037 07:28:00 GMT") for sign in "- ")
    monkeypatch.setattr(f"{cookies}._STRICT_DATES", False)
    assert written_cookies([dashed]) == ["a=b; expires=Wed, 21 Oct 2037 07:28:00 GMT; domain=; path="]
    monkeypatch.setattr(f"{cookies}._STRICT_DATES", True)
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert written_cookies([plain]) == ["a=b; expires=Wed, 21 Oct 2037 11:28:00 GMT; domain=; path="]
        with pytest.raises(CookieError):
            written_cookies([dashed])
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_last_second_that_a_date_can_hold_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyless.local.functions.worker.cookies._STRICT_DATES", True)
    cookie = SimpleCookie("a=b; Expires=Fri, 31 Dec 9999 23:59:59 GMT")
    assert written_cookies([cookie]) == ["a=b; expires=Fri, 31 Dec 9999 23:59:59 GMT; domain=; path="]
