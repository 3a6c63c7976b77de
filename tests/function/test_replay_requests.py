"""What a function gets of a request, and what the host refuses: each case of Azure's own Functions host, asked of ours."""

from __future__ import annotations

import base64
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from tests.function.replay import Got, ask, cases, request, rows, same, write_app

from keyless.errors import LocalAzureError
from keyless.local.functions.host import FunctionHost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REQUESTS = cases("requests")
LIMITS = cases("limits")
ECHO = """
    import base64, time

    def read(reading):
        try:
            return {"value": reading()}
        except ValueError:
            return {"error": "ValueError"}

    @app.route("echo", methods=None)
    def echo(req: func.HttpRequest) -> func.HttpResponse:
        told = {
            "method": req.method, "url": req.url, "query": dict(req.params), "headers": dict(req.headers),
            "json": read(req.get_json), "form": req.form.to_dict(flat=False),
            "files": {name: [file.filename, file.content_type] for name, file in req.files.items()},
            "body_base64": base64.b64encode(req.get_body()).decode(), "params": dict(req.route_params),
        }
        return func.HttpResponse(json.dumps(told), mimetype="application/json")

    @app.route("size")
    def size(req: func.HttpRequest) -> func.HttpResponse: return func.HttpResponse(str(len(req.get_body())))

    @app.route("long")
    def long(req: func.HttpRequest) -> func.HttpResponse: return func.HttpResponse(b"x" * int(req.params["size"]))

    @app.route("slow")
    def slow(req: func.HttpRequest) -> func.HttpResponse:
        time.sleep(float(req.params["seconds"]))
        return func.HttpResponse("slow")
"""
CLOSE = b"Host: 127.0.0.1\r\nConnection: close\r\n"
A = b"Host: a\r\nConnection: close\r\n"


def lines_of(size: int) -> bytes:
    """Return header lines of so many bytes in all, none longer than 3,000 and something."""
    lines = bytearray(A)
    while size - len(lines) > 4000:
        lines += b"X-%02d: %b\r\n" % ((len(lines) - len(A)) // 3008, b"a" * 3000)
    return bytes(lines) + b"X-Last: " + b"a" * (size - len(lines) - 10) + b"\r\n"


def whole(case: dict[str, Any]) -> bytes:
    """Return the bytes that a case sent; the table has long ones in short."""
    name, sent = case["id"], str(case["sent"])
    if not re.search(r"\.\.\.\(\d+ bytes\)$", sent) and not name.startswith("limit-body"):
        return sent.encode("latin-1")
    number = int(name.rpartition("-")[2]) if name.rpartition("-")[2].isdecimal() else 0
    build: dict[str, Callable[[], bytes]] = {
        "query-long": lambda: b"GET /api/echo?a=" + b"b" * 3000 + b" HTTP/1.1\r\n" + CLOSE + b"\r\n",
        "header-long": lambda: b"GET /api/echo HTTP/1.1\r\n" + CLOSE + b"X-Test: " + b"a" * 8000 + b"\r\n\r\n",
        "body-1mb": lambda: request(
            "POST", "/api/echo", headers=[("Content-Type", "application/octet-stream")], body=b"x" * 1048576
        ),
        "limit-line": lambda: b"GET /api/echo?a=" + b"b" * (number - 27) + b" HTTP/1.1\r\n" + A + b"\r\n",
        "limit-headers": lambda: b"GET /api/echo HTTP/1.1\r\n" + lines_of(number) + b"\r\n",
        "limit-oneheader": lambda: b"GET /api/echo HTTP/1.1\r\n" + A + b"X-A: " + b"a" * number + b"\r\n\r\n",
        "limit-count": lambda: (
            b"GET /api/echo HTTP/1.1\r\n" + A + b"".join(b"X-%d: 1\r\n" % i for i in range(number - 2)) + b"\r\n"
        ),
        "limit-cookies": lambda: b"GET /api/echo HTTP/1.1\r\n" + A + b"Cookie: " + b"c" * 15938 + b"\r\n\r\n",
        "limit-body": lambda: (
            b"POST /api/echo HTTP/1.1\r\n" + CLOSE + b"Content-Length: %d\r\n\r\n" % number + b"x" * 100
        ),
    }
    return next(make for start, make in build.items() if name.startswith(start))()


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with FunctionHost(write_app(tmp_path_factory.mktemp("echo"), ECHO), environment={}) as host:
        yield int(host.url.rpartition(":")[2])


def told(got: Got, expected: dict[str, Any]) -> dict[str, Any]:
    """Return an answer in the table's form."""
    if expected["status"] == 200 and got.status == 200:
        found = {"status": 200, **got.json()}
        if expected["body_base64"].endswith("bytes)"):
            found["body_base64"] = base64.b64decode(found["body_base64"])
        return found
    return {"status": got.status, "body": got.body.decode("latin-1")}


def compared(expected: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in expected.items() if key not in {"headers_out", "timeout"}}


@pytest.mark.parametrize("case", rows("requests", ((each["id"], each) for each in REQUESTS)))
def test_a_function_gets_of_a_request_what_the_host_gives_it(echo: int, case: dict[str, Any]) -> None:
    expected = case["got"]
    waits = expected["status"] is None
    found = told(ask(echo, whole(case), timeout=0.3 if waits else 10.0), expected)
    assert same(compared(expected), found)


@pytest.mark.parametrize(
    "case", rows("limits", ((each["id"], each) for each in LIMITS if each["id"].startswith("limit-")))
)
def test_a_request_is_as_large_as_the_host_takes_it(echo: int, case: dict[str, Any]) -> None:
    expected = case["got"]
    found = told(ask(echo, whole(case), timeout=0.3 if expected["status"] is None else 10.0), expected)
    assert same(compared(expected), found)


@pytest.mark.parametrize(
    "case", rows("limits", ((each["id"], each) for each in LIMITS if each["id"].startswith("body ")))
)
def test_a_body_is_as_large_as_the_host_takes_it(echo: int, case: dict[str, Any]) -> None:
    size = int(re.sub(r"\D", "", case["id"]))
    if "answer" in case["id"]:
        got = ask(echo, request("GET", f"/api/long?size={size}"))
        assert (got.status, len(got.body)) == (case["got"]["status"], size)
        return
    got = ask(echo, request("POST", "/api/size", body=b"x" * size))
    assert got.status == case["got"]["status"]
    assert got.body == (str(size).encode() if got.status == 200 else b"")


THROTTLED = {
    "throttle-concurrent-1": {"maxConcurrentRequests": 1},
    "throttle-outstanding-2": {"maxOutstandingRequests": 2, "maxConcurrentRequests": 1},
    "throttle-outstanding-only": {"maxOutstandingRequests": 2},
    "throttle-none": {},
}


@pytest.mark.parametrize("case", rows("limits", ((each["id"], each) for each in LIMITS if each["id"] in THROTTLED)))
def test_host_json_bounds_how_many_requests_run_and_wait(tmp_path: Path, case: dict[str, Any]) -> None:
    host = {"version": "2.0", "extensions": {"http": THROTTLED[case["id"]]}}
    with (
        FunctionHost(write_app(tmp_path, ECHO, host=host), environment={}) as started,
        ThreadPoolExecutor(6) as callers,
    ):
        port = int(started.url.rpartition(":")[2])
        begun = time.monotonic()
        answers = [callers.submit(ask, port, request("GET", "/api/slow?seconds=0.5")) for _ in range(6)]
        found = [one.result() for one in answers]
        taken = time.monotonic() - begun
    assert sorted((got.status or 0) for got in found) == sorted(status for status, _, _ in case["got"])
    refused = [got for got in found if got.status == 429]
    assert all(["X-FUNCTION-SCALEOUT", "1"] in got.headers for got in refused)
    one_by_one = THROTTLED[case["id"]].get("maxConcurrentRequests") == 1
    assert (taken >= 0.5 * sum(got.status == 200 for got in found)) is one_by_one or not one_by_one


@pytest.mark.parametrize(
    "case", rows("limits", ((each["id"], each) for each in LIMITS if each["id"].startswith("function-")))
)
def test_host_json_bounds_how_long_a_call_takes(tmp_path: Path, case: dict[str, Any]) -> None:
    value = "abc" if case["id"].endswith("bad") else "00:00:01"
    folder = write_app(tmp_path, ECHO, host={"version": "2.0", "functionTimeout": value})
    if isinstance(case["got"], str):
        with pytest.raises(LocalAzureError, match="functionTimeout 'abc'"), FunctionHost(folder, environment={}):
            pass
        return
    with FunctionHost(folder, environment={}) as host:
        port = int(host.url.rpartition(":")[2])
        found = [ask(port, request("GET", f"/api/slow?seconds={seconds}")).status for seconds in (1.5, 0)]
    assert found == case["got"]
