"""The development host, with small apps written for each test and driven over HTTP."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
import requests

from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local.functions.bundled import bundled_function_app
from keyless.local.functions.host import FunctionHost
from keyless.local.functions.worker_process import BegunWorker
from keyless.local.programs.variables import IDENTITY_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HEAD = "import azure.functions as func\napp = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"


def write_app(folder: Path, body: str, *, host: object = None) -> Path:
    (folder / "function_app.py").write_text(HEAD + dedent(body), "utf-8")
    (folder / "host.json").write_text(json.dumps({"version": "2.0"} if host is None else host), "utf-8")
    return folder


def serve(folder: Path, *, log: io.StringIO | None = None, **settings: str) -> FunctionHost:
    return FunctionHost(folder, environment=settings, log=log)


def get(url: str, *, key: str | None = None) -> requests.Response:
    return requests.get(url, headers={} if key is None else {"x-functions-key": key}, timeout=10)


ENVIRONMENT = """
    import json, os, sys

    @app.route("environment")
    def environment(req):
        told = {name: os.environ.get(name) for name in ("GIVEN", "INHERITED", "IDENTITY_HEADER", "WEBSITE_SITE_NAME")}
        return func.HttpResponse(json.dumps(told | {"optimize": sys.flags.optimize}), mimetype="application/json")
"""


@pytest.mark.parametrize(
    ("more", "optimize"), [({}, 0), ({"PYTHONOPTIMIZE": "1"}, 1)], ids=["goes on", "is started again"]
)
def test_a_worker_that_was_begun_before_gets_the_environment_that_is_made_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, str], optimize: int
) -> None:
    monkeypatch.setenv("INHERITED", "kept")
    monkeypatch.setenv("IDENTITY_HEADER", "another's")
    monkeypatch.delenv("PYTHONOPTIMIZE", raising=False)
    folder = write_app(tmp_path, ENVIRONMENT)
    given = {"GIVEN": "made", "IDENTITY_ENDPOINT": "http://127.0.0.1:1", **more}
    with (
        BegunWorker(folder, port=0, quiet=True) as begun,
        FunctionHost(folder, environment=given, log=io.StringIO(), begun=begun) as host,
    ):
        told = get(host.functions["environment"].url).json()
    expected = {"GIVEN": "made", "INHERITED": "kept", "IDENTITY_HEADER": None, "WEBSITE_SITE_NAME": "local"}
    assert told == {**expected, "optimize": optimize}


ROUTES = """
    import json

    def told(name, req):
        return func.HttpResponse(json.dumps({"name": name} | dict(req.route_params)), mimetype="application/json")

    @app.route("items/{id:int}")
    def a_number(req): return told("a_number", req)

    @app.route("items/{word}")
    def by_name(req): return told("by_name", req)

    @app.route("items/special")
    def special(req): return told("special", req)

    @app.route("items/first")
    def a_first(req): return told("a_first", req)

    @app.route("pages/{page?}")
    def page(req): return told("page", req)

    @app.route("files/{*path}")
    def file(req): return told("file", req)

    @app.route("range/{from:length(2,3)}.{to?}")
    def span(req): return told("span", req)

    @app.route("same", methods=["GET"])
    def reads(req): return told("reads", req)

    @app.route("same", methods=["POST"])
    def writes(req): return told("writes", req)

    @app.route()
    def unnamed(req): return told("unnamed", req)
"""


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FunctionHost]:
    with serve(write_app(tmp_path_factory.mktemp("routes"), ROUTES)) as host:
        yield host


@pytest.mark.parametrize(
    ("path", "name", "parameters"),
    [
        ("items/12", "a_number", {"id": "12"}),
        ("items/twelve", "by_name", {"word": "twelve"}),
        ("items/special", "by_name", {"word": "special"}),
        ("ITEMS/First/", "a_first", {}),
        ("pages/3", "page", {"page": "3"}),
        ("pages", "page", {}),
        ("files/a/b%20c.txt", "file", {"path": "a/b c.txt"}),
        ("files/a%2Fb", "file", {"path": "a%2Fb"}),
        ("files", "file", {}),
        ("range/ab.end", "span", {"from": "ab", "to": "end"}),
        ("range/abc", "span", {"from": "abc"}),
        ("unnamed", "unnamed", {}),
    ],
)
def test_a_path_reaches_the_first_function_by_name_that_takes_it_with_its_parameters(
    routes: FunctionHost, path: str, name: str, parameters: dict[str, str]
) -> None:
    answer = get(f"{routes.url}/api/{path}")
    assert (answer.status_code, answer.json()) == (200, {"name": name} | parameters)


@pytest.mark.parametrize("path", ["api", "api/none", "items/12", "api/items", "api/range/abcd.x", "apiitems/12"])
def test_a_path_without_a_route_is_404_and_empty(routes: FunctionHost, path: str) -> None:
    answer = get(f"{routes.url}/{path}")
    assert (answer.status_code, answer.content) == (404, b"")


def test_the_method_is_part_of_the_route(routes: FunctionHost) -> None:
    url = f"{routes.url}/api/same"
    assert requests.get(url, timeout=10).json() == {"name": "reads"}
    assert requests.post(url, timeout=10).json() == {"name": "writes"}
    assert requests.delete(url, timeout=10).status_code == 404
    assert requests.delete(f"{routes.url}/api/unnamed", timeout=10).status_code == 200


def test_the_endpoints_name_url_methods_and_no_key_where_none_is_needed(routes: FunctionHost) -> None:
    endpoint = routes.functions["writes"]
    assert (endpoint.url, endpoint.methods, endpoint.key) == (f"{routes.url}/api/same", ("POST",), None)
    assert routes.functions["file"].url == f"{routes.url}/api/files/{{*path}}"


@pytest.mark.parametrize(("prefix", "path"), [("", "hello"), ("v1/public", "v1/public/hello")])
def test_host_json_sets_the_route_prefix(tmp_path: Path, prefix: str, path: str) -> None:
    body = "@app.route('hello')\ndef hello(req): return 'hi'"
    with serve(
        write_app(tmp_path, body, host={"version": "2.0", "extensions": {"http": {"routePrefix": prefix}}})
    ) as host:
        assert host.functions["hello"].url == f"{host.url}/{path}"
        assert get(f"{host.url}/{path}").text == "hi"
        assert get(f"{host.url}/api/hello").status_code == 404


KEYS = """
    @app.route("open")
    def open_to_all(req): return "open"

    @app.route("one", auth_level=func.AuthLevel.FUNCTION, methods=["GET"])
    def one(req): return "one"

    @app.route("two", auth_level=func.AuthLevel.FUNCTION)
    def two(req): return "two"

    @app.route("for-admins", auth_level=func.AuthLevel.ADMIN)
    def master(req): return "for admins"
"""


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FunctionHost]:
    with serve(write_app(tmp_path_factory.mktemp("keys"), KEYS)) as host:
        yield host


def test_a_function_opens_with_its_own_key_in_the_header_or_the_query(keyed: FunctionHost) -> None:
    url, key = keyed.functions["one"].url, keyed.functions["one"].key
    assert get(url, key=key).text == "one"
    assert get(f"{url}?code={key}").text == "one"
    assert get(f"{url}?CODE={key}").text == "one"


def test_without_a_fitting_key_it_is_401_and_empty(keyed: FunctionHost) -> None:
    url, other = keyed.functions["one"].url, keyed.functions["two"].key
    for answer in (get(url), get(f"{url}?code=wrong"), get(f"{url}?code="), get(url, key=other)):
        assert (answer.status_code, answer.content) == (401, b"")


def test_a_key_that_is_no_text_is_refused_by_the_server(keyed: FunctionHost) -> None:
    with requests.get(keyed.functions["one"].url, headers={"x-functions-key": b"\xff\xfe"}, timeout=10) as answer:
        assert (answer.status_code, answer.content) == (400, b"")


def test_the_header_wins_over_the_query(keyed: FunctionHost) -> None:
    url, key = keyed.functions["one"].url, keyed.functions["one"].key
    assert get(f"{url}?code=wrong", key=key).status_code == 200
    assert get(f"{url}?code={key}", key="wrong").status_code == 401


def test_the_method_is_decided_before_the_key(keyed: FunctionHost) -> None:
    assert requests.post(keyed.functions["one"].url, timeout=10).status_code == 404


def test_only_the_master_key_opens_an_admin_function_and_it_opens_all(keyed: FunctionHost) -> None:
    master, own = keyed.functions["master"].key, keyed.functions["one"].key
    assert get(keyed.functions["master"].url, key=master).text == "for admins"
    assert master == keyed.master_key
    assert get(keyed.functions["one"].url, key=master).text == "one"
    assert get(keyed.functions["master"].url, key=own).status_code == 401
    assert get(keyed.functions["open_to_all"].url).text == "open"


def test_keys_are_new_at_every_start_and_in_no_repr(tmp_path: Path, keyed: FunctionHost) -> None:
    with serve(write_app(tmp_path, KEYS)) as again:
        assert again.functions["one"].key != keyed.functions["one"].key
        assert str(again.functions["one"].key) not in repr(again.functions)


ANSWERS = """
    import asyncio, os, sys, time

    @app.route("text")
    def text(req): return "grün"

    @app.route("full")
    async def full(req):
        return func.HttpResponse(b"made", status_code=201, headers={"X-Extra": "1"}, mimetype="application/json")

    @app.route("wrong")
    def wrong(req): return {"canary": 1}

    @app.route("raises")
    async def raises(req):
        print("printed before")
        raise RuntimeError(f"called as {req.url} with {req.headers['x-functions-key']}")

    @app.route("echo", auth_level=func.AuthLevel.FUNCTION)
    def echo(req, context):
        import json
        told = {"method": req.method, "params": dict(req.params), "url": req.url, "body": req.get_body().decode(),
                "name": context.function_name, "id": context.invocation_id, "header": req.headers.get("X-Two")}
        return func.HttpResponse(json.dumps(told), mimetype="application/json")

    @app.route("slow")
    def slow(req):
        time.sleep(0.5)
        return "slow"

    @app.route("waits")
    async def waits(req):
        await asyncio.sleep(0.5)
        return "waited"

    @app.route("environment")
    def environment(req):
        import json
        return func.HttpResponse(json.dumps(dict(os.environ)))

    @app.timer_trigger(schedule="0 * * * * *", arg_name="timer")
    def tick(timer): pass

    @app.route("queued")
    @app.queue_output(arg_name="out", queue_name="q", connection="c")
    def queued(req, out): return "queued"

    @app.event_grid_trigger("event")
    @app.queue_output(arg_name="out", queue_name="q", connection="c")
    def forwarded(event, out): pass
"""


@pytest.fixture(scope="module")
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, log: io.StringIO) -> Iterator[FunctionHost]:
    environment = {"A_SETTING": "told", "PYTHON_THREADPOOL_THREAD_COUNT": "8"}
    with serve(write_app(tmp_path_factory.mktemp("answers"), ANSWERS), log=log, **environment) as host:
        yield host


def test_a_returned_str_and_a_whole_answer_arrive(answers: FunctionHost) -> None:
    text, full = (get(answers.functions[name].url) for name in ("text", "full"))
    assert (text.status_code, text.text, text.headers["Content-Type"]) == (200, "grün", "text/plain; charset=utf-8")
    assert (full.status_code, full.content, full.headers["X-Extra"]) == (201, b"made", "1")
    assert full.headers["Content-Type"] == "application/json"


def test_an_exception_is_500_and_empty_and_its_traceback_goes_to_the_log_without_the_key(
    answers: FunctionHost, log: io.StringIO
) -> None:
    key = answers.functions["echo"].key
    answer = get(f"{answers.functions['raises'].url}?code={key}", key=key)
    assert (answer.status_code, answer.content) == (500, b"")
    wait_for(lambda: "RuntimeError: called as" in log.getvalue())
    assert "printed before" in log.getvalue()
    assert str(key) not in log.getvalue()


def test_an_answer_of_another_type_is_500_and_not_shown(answers: FunctionHost, log: io.StringIO) -> None:
    assert get(answers.functions["wrong"].url).status_code == 500
    wait_for(lambda: "not dict" in log.getvalue())
    assert "canary" not in log.getvalue().split("not dict")[0].splitlines()[-1]


def test_the_function_is_given_the_request_as_the_host_gives_it(answers: FunctionHost) -> None:
    endpoint = answers.functions["echo"]
    url = f"{endpoint.url}?a=1&a=2&b=x%20y&empty=&code={endpoint.key}"
    told = requests.put(url, data="sent", headers={"X-Two": "2"}, timeout=10).json()
    assert told["params"] == {"a": "1,2", "b": "x y", "code": endpoint.key}
    assert (told["method"], told["body"], told["header"], told["name"]) == ("PUT", "sent", "2", "echo")
    assert "empty=" in told["url"]
    assert len(told["id"]) == 36


@pytest.mark.parametrize("name", ["slow", "waits"])
def test_calls_run_side_by_side(answers: FunctionHost, name: str) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(8) as callers:
        texts = list(callers.map(lambda _: get(answers.functions[name].url).text, range(8)))
    assert texts == [texts[0]] * 8
    assert time.monotonic() - started < 2.5


def test_what_is_no_http_function_is_listed_and_not_served(answers: FunctionHost) -> None:
    assert answers.not_served == {"tick": "timerTrigger", "queued": "queue", "forwarded": "queue, eventGridTrigger"}
    assert answers.event_functions == {}
    assert get(f"{answers.url}/api/queued").status_code == 404
    webhook = f"{answers.url}/runtime/webhooks/EventGrid?functionName=forwarded"
    assert requests.post(webhook, timeout=10).status_code == 401
    assert requests.post(webhook, headers={"x-functions-key": answers.master_key}, timeout=10).status_code == 404


def test_the_functions_see_what_is_given_and_no_identity_of_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in IDENTITY_VARIABLES:
        monkeypatch.setenv(name, "of-this-process")
    monkeypatch.setenv("INHERITED", "yes")
    with serve(write_app(tmp_path, ANSWERS), A_SETTING="told", IDENTITY_HEADER="given") as host:
        seen = get(host.functions["environment"].url).json()
    assert (seen["INHERITED"], seen["A_SETTING"], seen["IDENTITY_HEADER"]) == ("yes", "told", "given")
    port = seen.pop("AZURE_POD_IDENTITY_AUTHORITY_HOST").removeprefix("http://127.0.0.1:")
    assert port.isdecimal()
    assert "of-this-process" not in seen.values()


def write_settings(folder: Path, text: str) -> Path:
    (folder / "local.settings.json").write_text(text, "utf-8")
    return write_app(folder, ANSWERS)


def test_the_settings_of_the_folder_come_after_the_environment_and_what_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INHERITED", "of the shell")
    values = {"OWN": "file", "INHERITED": "file", "A_SETTING": "file", "IDENTITY_HEADER": "file"}
    folder = write_settings(tmp_path, json.dumps({"IsEncrypted": False, "Values": values}))
    with serve(folder, A_SETTING="given") as host:
        seen = get(host.functions["environment"].url).json()
        assert (seen["OWN"], seen["INHERITED"], seen["A_SETTING"]) == ("file", "of the shell", "given")
        assert "IDENTITY_HEADER" not in seen
        write_settings(tmp_path, json.dumps({"IsEncrypted": True, "Values": {"OWN": "bm9uc2Vuc2U="}}))
        host.restart()
        assert "OWN" not in get(host.functions["environment"].url).json()


@pytest.mark.parametrize("text", ['{"Values": {"OWN": "s3cr3t"', '["s3cr3t"]', '{"Values": "s3cr3t"}'])
def test_settings_that_cannot_be_read_are_told_of_without_a_value(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError) as raised, serve(write_settings(tmp_path, text)):
        pass
    assert "local.settings.json" in str(raised.value)
    assert "s3cr3t" not in "".join(traceback.format_exception(raised.value))


def test_an_asgi_app_answers_below_every_path(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(
        dedent("""
            import azure.functions as func

            async def site(scope, receive, send):
                if scope["type"] != "http":
                    return
                await send({"type": "http.response.start", "status": 203, "headers": [(b"content-type", b"text/x")]})
                await send({"type": "http.response.body", "body": scope["path"].encode()})

            app = func.AsgiFunctionApp(app=site, http_auth_level=func.AuthLevel.ANONYMOUS)
            app.startup_task_done = True
        """)
    )
    (tmp_path / "host.json").write_text('{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}', "utf-8")
    with serve(tmp_path) as host:
        answer = get(f"{host.url}/any/where")
    assert (answer.status_code, answer.text) == (203, "/any/where")


def test_a_module_beside_the_app_is_found_and_the_working_directory_is_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, elsewhere = tmp_path / "app", tmp_path / "elsewhere"
    app.mkdir()
    elsewhere.mkdir()
    (app / "beside.py").write_text("TEXT = 'beside'")
    (elsewhere / "aiohttp.py").write_text("raise RuntimeError")
    monkeypatch.chdir(elsewhere)
    with serve(write_app(app, "import beside\n@app.route('x')\ndef x(req): return beside.TEXT")) as host:
        assert get(host.functions["x"].url).text == "beside"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("raise RuntimeError('canary-in-a-message')", "cannot be loaded: it raised RuntimeError"),
        ("import no_such_module", "cannot be loaded: it raised ModuleNotFoundError"),
        ("app = None", "has 0 function apps at module level"),
        ("other = func.FunctionApp()", "has 2 function apps at module level"),
        (
            "@app.route('{a:odd}')\ndef a(req): pass",
            "The constraint entry 'a' - 'odd' on the route 'api/{a:odd}' could not be resolved",
        ),
        ("@app.route('x/{a')\ndef a(req): pass", "There is an incomplete parameter in the route template"),
        ("@app.route('a')\ndef a(req): pass\n@app.route('b')\ndef a(req): pass", "it raised ValueError"),
    ],
)
def test_an_app_that_cannot_be_loaded_says_why(tmp_path: Path, body: str, what: str) -> None:
    log = io.StringIO()
    with (
        pytest.raises(LocalAzureError, match=what.replace("{", r"\{")) as caught,
        serve(write_app(tmp_path, body), log=log),
    ):
        pass
    assert "canary-in-a-message" not in str(caught.value)
    # Only a traceback of the app's own: what is raised is shown by its caller.
    assert caught.value.what not in log.getvalue()
    assert ("Traceback" in log.getvalue()) == ("it raised" in caught.value.what)


def test_a_folder_without_an_app_and_a_broken_host_json_say_so(tmp_path: Path) -> None:
    with (
        pytest.raises(LocalAzureError, match=r"is not a function app\. Cause: It has no function_app\.py"),
        serve(tmp_path),
    ):
        pass
    write_app(tmp_path, "")
    (tmp_path / "host.json").write_text("{")
    with pytest.raises(LocalAzureError, match=r"host\.json cannot be read"), serve(tmp_path):
        pass


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        host = FunctionHost(write_app(tmp_path, ""), environment={}, port=port, log=io.StringIO())
        with pytest.raises(LocalAzureError, match=f"Port {port} on 127.0.0.1 cannot be listened on"), host:
            pass


def test_a_host_can_be_started_again_but_not_twice_at_once(tmp_path: Path) -> None:
    host = serve(write_app(tmp_path, "@app.route('x')\ndef x(req): return 'x'"))
    with host, pytest.raises(LocalAzureError, match="runs already"), host:
        pass
    with host:
        assert get(host.functions["x"].url).text == "x"


STUCK = """
    import time

    @app.route("stuck")
    def stuck(req): time.sleep(60)

    @app.route("blocks")
    async def blocks(req): time.sleep(60)
"""


def by_hand(folder: Path) -> tuple[subprocess.Popen[str], dict[str, object]]:
    environment = {"PATH": os.environ["PATH"], "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "keyless.local.functions.worker.main", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    process, ready = by_hand(write_app(tmp_path, STUCK))
    with process:
        assert ready["notServed"] == {}
        process.send_signal(number)
        assert process.wait(5) == 0


def test_it_stops_when_its_standard_input_closes(tmp_path: Path) -> None:
    process, _ = by_hand(write_app(tmp_path, STUCK))
    with process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(5) == 0


def test_it_ends_with_the_process_that_started_it_even_where_that_is_killed(tmp_path: Path) -> None:
    starter = dedent(f"""
        import time
        from pathlib import Path
        from keyless.local.functions.host import FunctionHost
        with FunctionHost(Path({str(write_app(tmp_path, STUCK))!r}), environment={{}}) as host:
            print(host.url, flush=True)
            time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        process.kill()
        process.wait(5)
        wait_for(lambda: refuses(port))


def refuses(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("name", ["stuck", "blocks"])
def test_a_function_that_never_returns_does_not_keep_the_process(tmp_path: Path, name: str) -> None:
    process, ready = by_hand(write_app(tmp_path, STUCK))
    with process, socket.create_connection(("127.0.0.1", int(str(ready["url"]).rpartition(":")[2]))) as client:
        client.sendall(f"GET /api/{name} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(8) is not None


def test_the_bundled_function_app_is_there() -> None:
    assert {path.name for path in bundled_function_app().iterdir()} >= {"function_app.py", "host.json"}


def wait_for(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)
