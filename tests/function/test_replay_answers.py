"""What a function returns and what a caller gets: each case of Azure's own Functions host and worker, asked of ours."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.function.replay import ask, cases, request, rows, same, write_app

from keyless.errors import LocalAzureError
from keyless.local.functions.host import FunctionHost

if TYPE_CHECKING:
    from collections.abc import Iterator

RESPONSES = cases("responses")
ASGI = cases("asgi")
# Two names that differ in case alone: which of both is sent is chance, in Azure.
BY_CHANCE = {"h-add-twice-case", "h-dict-case", "ct-dict-case", "ct-twice-case", "h-many"}
# The table is of the worker of Python 3.11. From 3.13 on another one takes one form of dates alone, and gzip writes another head.
OF_ITS_PYTHON = {"c-expires-9999", "c-expires-dash", "c-expires-iso", "h-content-encoding"}
APP = """
import gzip, http

class HttpResponse(func.HttpResponse):
    def __init__(self, *given, **named):
        super().__init__(**({"body": given[0]} if given else {}) | named)

def with_cookies(*cookies, **named):
    answer = HttpResponse("x", **named)
    for cookie in cookies:
        answer.headers.add("Set-Cookie", cookie)
    return answer

def with_headers(*headers, **named):
    answer = HttpResponse("x", **named)
    for name, value in headers:
        answer.headers.add(name, value)
    return answer

def failing(error):
    raise error

def set_twice():
    answer = HttpResponse("x")
    answer.headers["X-A"] = "1"
    answer.headers["X-A"] = "2"
    return answer

CASES = json.loads({cases!r})

@app.route("sync")
def sync(req: func.HttpRequest) -> func.HttpResponse:
    return eval(CASES[req.params["case"]])

@app.route("async")
async def asynchronous(req: func.HttpRequest) -> func.HttpResponse:
    return eval(CASES[req.params["case"]])
"""
ASGI_APP = """
async def site(scope, receive, send):
    if scope["type"] != "http":
        return
    told = json.dumps({"path": scope["path"], "query": scope["query_string"].decode()})
    headers = [(b"content-type", b"application/json"), (b"x-twice", b"1"), (b"x-twice", b"2"),
               (b"set-cookie", b"a=b c=d; Path=/"), (b"set-cookie", b"__Host-s=x=y; Path=/; Secure")]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": told.encode()})

app = func.AsgiFunctionApp(app=site, http_auth_level=func.AuthLevel.ANONYMOUS)
app.startup_task_done = True
"""
WSGI_APP = """
def site(environ, start):
    start("201 Created", [("Content-Type", "application/json"), ("X-Twice", "1"), ("X-Twice", "2"),
                          ("Set-Cookie", "a=b; Path=/"), ("Set-Cookie", "c=d=e")])
    return [json.dumps({"path": environ["PATH_INFO"], "query": environ["QUERY_STRING"]}).encode()]

app = func.WsgiFunctionApp(app=site, http_auth_level=func.AuthLevel.ANONYMOUS)
"""


def as_code(returned: str) -> str:
    """Return what the table says of a returned value as an expression."""
    for words, call in {
        "HttpResponse('x'), headers.add('Set-Cookie', each of) (": "with_cookies(",
        "HttpResponse('x'), headers.add each of (": "with_headers(",
        "None) and (lambda req: ": "",
        "mut": "set_twice()",
    }.items():
        if returned.startswith(words):
            return call + returned[len(words) :]
    if returned.startswith("raise "):
        return f"failing({returned[6:]})" if returned.count("(") == returned.count(")") else "failing(Exception('z'))"
    return returned


@pytest.fixture(scope="module")
def answering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    codes = json.dumps({case["id"]: as_code(case["returned"]) for case in RESPONSES})
    body = APP.replace("{cases!r}", repr(codes))
    with FunctionHost(write_app(tmp_path_factory.mktemp("answers"), body), environment={}) as host:
        yield int(host.url.rpartition(":")[2])


@pytest.mark.parametrize("case", rows("responses", ((each["id"], each) for each in RESPONSES)))
def test_a_caller_gets_what_the_host_makes_of_what_a_function_returned(answering: int, case: dict[str, Any]) -> None:
    if case["id"] in OF_ITS_PYTHON and sys.version_info >= (3, 13):
        pytest.skip("The table is of the worker of Python 3.11, and from 3.13 on another one runs in Azure.")
    kind = "async" if case["id"].startswith("async ") else "sync"
    expected = case["answer"]
    target = f"/api/{kind}?case={case['id'].replace(' ', '%20')}"
    got = ask(
        answering,
        request(case["method"], target),
        method=case["method"],
        timeout=0.3 if expected["status"] == 100 else 10,
    )
    assert str(got.status) == str(expected["status"])
    if got.status == 100:
        return  # What follows it is no valid message, there as here.
    assert same(expected["body"], got.body.decode("latin-1"))
    headers = [list(pair) for pair in got.compared_headers()]
    told = sorted(pair for pair in expected["headers"] if pair[0] not in {"Date", "Server", "Connection"})
    if got.status == 500 and not got.body:
        # Whether a header that stood before the one that failed goes out is chance.
        headers, told = ([pair for pair in pairs if pair[0] != "Content-Type"] for pairs in (headers, told))
    if case["id"] in BY_CHANCE:
        names = {pair[0].lower() for pair in told} - {"..."}
        assert names <= {pair[0].lower() for pair in headers}
        return
    assert same(told, headers)


@pytest.fixture(scope="module")
def web_frameworks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, int]]:
    apps = {"AsgiFunctionApp": ASGI_APP, "WsgiFunctionApp": WSGI_APP}
    prefix = {"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}
    hosts = {
        name: FunctionHost(write_app(tmp_path_factory.mktemp("app"), body, host=prefix), environment={})
        for name, body in apps.items()
    }
    with hosts["AsgiFunctionApp"], hosts["WsgiFunctionApp"]:
        yield {name: int(host.url.rpartition(":")[2]) for name, host in hosts.items()}


@pytest.mark.parametrize(
    "case",
    rows(
        "asgi", ((f"{each['app']} {each['method']} {each['target']}", each) for each in ASGI if not each["routePrefix"])
    ),
)
def test_an_asgi_or_wsgi_app_is_asked_and_answers_as_in_the_host(
    web_frameworks: dict[str, int], case: dict[str, Any]
) -> None:
    got = ask(web_frameworks[case["app"]], request(case["method"], case["target"]), method=case["method"])
    assert got.status == case["status"]
    assert (got.json() if got.body else "") == case["got"]
    framing = {"content-length", "transfer-encoding"}
    found = sorted([name.lower(), value] for name, value in got.compared_headers() if name.lower() not in framing)
    assert found == sorted([name.lower(), value] for name, value in case["headers"])


@pytest.mark.parametrize(
    "case", rows("asgi", ((f"{each['app']} api {each['target']}", each) for each in ASGI if each["routePrefix"]))
)
def test_an_asgi_or_wsgi_app_with_a_prefix_does_not_start_where_the_host_answers_503(
    tmp_path_factory: pytest.TempPathFactory, case: dict[str, Any]
) -> None:
    assert case["status"] == 503
    body = ASGI_APP if case["app"] == "AsgiFunctionApp" else WSGI_APP
    folder = write_app(tmp_path_factory.mktemp("app"), body)
    with pytest.raises(LocalAzureError, match='"routePrefix": ""'), FunctionHost(folder, environment={}):
        pass
