"""host.json, prefixes, names, disabled functions, the home page: each app of Azure's own Functions host, served by ours."""

from __future__ import annotations

import io
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from tests.function.replay import Got, ask, cases, request, rows, write_app
from tests.function.test_replay_routes import function

from keyless.errors import LocalAzureError
from keyless.local.functions.host import FunctionHost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

APPS = cases("apps")
# The home page is another one here.
HOME = "<!DOCTYPE html>\n<html>\n<head>\n    <title>Your Azure Function"
HOST_KEY = "hostfn-key-0123456789"


@pytest.fixture(scope="module")
def ask_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Got | None]]:
    """Ask an app of the table, which is started when it is first asked; None where it does not start."""
    ports: dict[str, int | None] = {}
    masters: dict[str, str] = {}
    with ExitStack() as stack:

        def start(app: dict[str, Any]) -> None:
            functions = enumerate(app["functions"].items())
            body = "".join(function(index, name, route, None) for index, (name, route) in functions)
            folder = write_app(tmp_path_factory.mktemp("app"), body, host=app["host.json"])
            if app["host.json"] is None:
                (folder / "host.json").unlink()
            environment = dict(one.split("=", 1) for one in app.get("env", []))
            host = FunctionHost(folder, environment=environment, log=io.StringIO())
            try:
                stack.enter_context(host)
            except LocalAzureError:
                ports[app["id"]] = None
                return
            ports[app["id"]], masters[app["id"]] = int(host.url.rpartition(":")[2]), host.master_key
            key = [("x-functions-key", host.master_key), ("Content-Type", "application/json")]
            asked = request(
                "PUT", "/admin/host/functionkeys/default", headers=key, body=b'{"value": "%b"}' % HOST_KEY.encode()
            )
            assert ask(int(host.url.rpartition(":")[2]), asked).status == 200

        def asked(app: dict[str, Any], answer: dict[str, Any], body: bytes | None) -> Got | None:
            if app["id"] not in ports:
                stack.close()
                start(app)
            port = ports[app["id"]]
            if port is None:
                return None
            headers = [
                (name, masters[app["id"]] if value == "(master key)" else value)
                for name, value in answer.get("sent", [])
            ]
            return ask(
                port, request(answer["method"], answer["path"], headers=headers, body=body), method=answer["method"]
            )

        yield asked


def each_answer() -> Iterator[tuple[str, Any]]:
    for app in APPS:
        for number, answer in enumerate(app["answers"]):
            yield f"{app['id']} {number} {answer['method']} {answer['path'][:60]}", (app, number, answer)


def body_of(app: dict[str, Any], number: int, method: str) -> bytes | None:
    if method != "POST":
        return None
    return b"x" * 1001 if (app["id"], number) == ("body-limit", 1) else b"x"


@pytest.mark.parametrize("case", rows("apps", each_answer()))
def test_an_app_starts_and_answers_as_in_the_host(
    ask_app: Callable[..., Got | None], case: tuple[dict[str, Any], int, dict[str, Any]]
) -> None:
    app, number, answer = case
    got = ask_app(app, answer, body_of(app, number, answer["method"]))
    if got is None:
        # What stops an app in Azure stops it here: no host is there to say so.
        assert (answer["status"], answer["body"]) == (503, "Function host is not running.")
        return
    assert got.status == answer["status"]
    if "function" in answer:
        assert {key: got.json()[key] for key in ("function", "params")} == {
            key: answer[key] for key in ("function", "params")
        }
    elif answer["body"] == HOME:
        assert got.body.decode().startswith(HOME)
    else:
        assert got.body.decode() == answer["body"]
    if "headers" in answer:
        ignored = {"content-length"} if answer["path"].startswith("/") and answer["path"][1:2] in {"", "?"} else set()
        headers = [pair for pair in got.compared_headers() if pair[0].lower() not in ignored]
        assert headers == sorted(pair for pair in answer["headers"] if pair[0].lower() not in ignored)
