"""Keys, the admin API and the webhook of Event Grid: each case of Azure's own Functions host, asked of ours."""

from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.function.replay import ask, cases, request, rows, write_app

from keyless.local.functions.host import FunctionHost

if TYPE_CHECKING:
    from collections.abc import Iterator

AUTH = cases("auth")
EVENTS = cases("eventgrid")
KEYED = """
    FUNCTION, ADMIN = func.AuthLevel.FUNCTION, func.AuthLevel.ADMIN

    @app.route("anon")
    def anon(req): return func.HttpResponse("ok")

    @app.route("fn/{x:int?}", auth_level=FUNCTION)
    def fn(req): return func.HttpResponse("ok")

    @app.route("get", auth_level=FUNCTION, methods=["GET"])
    def get(req): return func.HttpResponse("ok")

    @app.route("adm", auth_level=ADMIN)
    def adm(req): return func.HttpResponse("ok")

    @app.route("nolevel")
    def nolevel(req): return func.HttpResponse("ok")

    @app.route("other", auth_level=FUNCTION)
    def other(req): return func.HttpResponse("ok")

    @app.route("CaseName", auth_level=FUNCTION)
    def CaseName(req): return func.HttpResponse("ok")

    @app.event_grid_trigger("event")
    def onEvent(event): pass
"""
# The keys of the table that are not made by themselves, and where the admin API sets them.
SET = {
    "fn-second": ("functions/fn/keys/second", "fn2-fn-key"),
    "fn": ("functions/fn/keys/default", "fn-fn-key"),
    "host": ("host/functionkeys/default", "hostfn-key-0123456789"),
    "system": ("host/systemkeys/eventgrid_extension", "system-key-0123456789"),
    "system-other": ("host/systemkeys/other_extension", "othersys-key-0123456789"),
}
EVENT_APP = """
    events = []

    def note(name, event):
        events.append({"function": name, "id": event.id, "topic": event.topic, "subject": event.subject,
                       "type": event.event_type, "time": str(event.event_time), "version": event.data_version,
                       "data": event.get_json()})

    @app.event_grid_trigger("event")
    def onEvent(event: func.EventGridEvent): note("onEvent", event)

    @app.event_grid_trigger("event")
    def failing(event: func.EventGridEvent):
        note("failing", event)
        raise ValueError("the author's error")

    @app.event_grid_trigger("event")
    def sometimes(event: func.EventGridEvent):
        note("sometimes", event)
        if event.subject == "bad":
            raise ValueError("the author's error")

    @app.route("httpfn")
    def httpfn(req): return func.HttpResponse("ok")

    @app.route("taken")
    def taken(req):
        told = json.dumps(events)
        events.clear()
        return func.HttpResponse(told)
"""


class Keyed:
    """A host whose keys are those of the tables."""

    def __init__(self, host: FunctionHost) -> None:
        self.port = int(host.url.rpartition(":")[2])
        self.keys = {"none": None, "wrong": "wrong-key", "empty": "", "master": host.master_key}
        self.keys |= {name.lower(): end.key for name, end in host.functions.items() if end.key}
        self.keys["master"] = host.master_key
        for name, (path, value) in SET.items():
            self.keys[name] = value
            if "functions/fn" in path and "fn" not in host.functions:
                continue
            self.admin("PUT", f"/admin/{path}", json.dumps({"name": path.rpartition("/")[2], "value": value}))

    def admin(self, method: str, path: str, body: str) -> None:
        headers = [("x-functions-key", str(self.keys["master"])), ("Content-Type", "application/json")]
        assert ask(self.port, request(method, path, headers=headers, body=body.encode())).status in {200, 201}


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    with FunctionHost(write_app(tmp_path_factory.mktemp("keys"), KEYED), environment={}) as host:
        yield Keyed(host)


KEY = {"header": "x-functions-key"}
WHERE: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "header-wrong-code-right": ("?code={fn}", [("x-functions-key", "wrong")]),
    "header-right-code-wrong": ("?code=wrong", [("x-functions-key", "{fn}")]),
    "header-empty-code-right": ("?code={fn}", [("x-functions-key", "")]),
    "header-twice-right-wrong": ("", [("x-functions-key", "{fn}"), ("x-functions-key", "wrong")]),
    "header-twice-wrong-right": ("", [("x-functions-key", "wrong"), ("x-functions-key", "{fn}")]),
    "code-twice-right-wrong": ("?code={fn}&code=wrong", []),
    "code-twice-wrong-right": ("?code=wrong&code={fn}", []),
    "Code-case": ("?Code={fn}", []),
    "CODE-case": ("?CODE={fn}", []),
    "header-case": ("", [("X-FUNCTIONS-KEY", "{fn}")]),
    "key-spaces": ("", [("x-functions-key", "  {fn}  ")]),
    "code-space": ("?code=%20{fn}", []),
    "code-encoded": ("?code=%66n-fn-key", []),
    "code-empty-then-right": ("?code=&code={fn}", []),
    "bearer": ("", [("Authorization", "Bearer {fn}")]),
    "key-prefix": ("", [("x-functions-key", "fn-fn")]),
    "key-longer": ("", [("x-functions-key", "{fn}x")]),
    "cookie": ("", [("Cookie", "x-functions-key={fn}; code={fn}")]),
    "clientid": ("", [("x-functions-key", "{fn}"), ("x-functions-clientid", "default")]),
    "zumo": ("", [("x-zumo-auth", "{fn}")]),
}
ORDER = {
    "wrong-method-no-key": ("POST", "/api/get"),
    "no-route-no-key": ("GET", "/api/none"),
    "constraint": ("GET", "/api/fn/abc"),
    "head-no-key": ("HEAD", "/api/fn"),
    "options-no-key": ("OPTIONS", "/api/fn"),
    "post-body-no-key": ("POST", "/api/fn"),
}


def asked(keys: dict[str, str | None], name: str) -> tuple[str, bytes]:
    """Return the method and the bytes of a request of the table."""
    first, *rest = name.split("|")
    if first == "admin":
        return admin_request(keys, *rest)
    if first == "order":
        method, target = ORDER[rest[0]]
        return method, request(method, target, body=b"x" if method == "POST" else None)
    if first == "cors":
        preflight = rest[0] != "get"
        headers = [("Origin", "https://x.example"), *([("Access-Control-Request-Method", "GET")] if preflight else [])]
        return "OPTIONS" if preflight else "GET", request(
            "OPTIONS" if preflight else "GET", "/api/fn" if preflight else "/api/anon", headers=headers
        )
    if first == "where":
        query, given = WHERE[rest[0]]
        headers = [(key, value.format(fn=keys["fn"])) for key, value in given]
        return "GET", request("GET", f"/api/fn{query.format(fn=keys['fn'])}", headers=headers)
    place, _, which = rest[0].partition(":")
    key = keys[which] if which else None
    headers = [("x-functions-key", str(key))] if place == "header" else []
    return "GET", request("GET", f"/api/{first}" + (f"?code={key}" if place == "code" else ""), headers=headers)


def admin_request(keys: dict[str, str | None], line: str, which: str) -> tuple[str, bytes]:
    method, _, target = line.partition(" ")
    target, _, variant = target.partition(" ")
    key = keys[which]
    headers = [] if key is None else [("x-functions-key", key)]
    body = {"nojson": b"x", "empty": b""}.get(variant, b'{"input": "x"}') if method == "POST" else None
    if method == "POST" and not variant:
        headers.append(("Content-Type", "application/json"))
    return method, request(method, target, headers=headers, body=body)


@pytest.mark.parametrize("case", rows("auth", ((each["id"], each) for each in AUTH)))
def test_a_key_opens_what_it_opens_in_the_host(keyed: Keyed, case: dict[str, Any]) -> None:
    method, sent = asked(keyed.keys, case["id"])
    got = ask(keyed.port, sent, method=method)
    headers = {name.lower(): value for name, value in got.headers}
    assert (got.status, headers.get("www-authenticate")) == (case["status"], case.get("www-authenticate"))
    if "keys" in case["id"] and "body" in case:
        # The table has the body's first 160 characters.
        assert got.body.decode().startswith(case["body"].partition('"http')[0])
    elif "body" in case and case["body"].startswith("{"):
        names = re.findall(r'"(\w+)":', case["body"])
        assert set(re.findall(r'"(\w+)":', got.body.decode())) >= set(names)


@pytest.fixture(scope="module")
def evented(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    with FunctionHost(write_app(tmp_path_factory.mktemp("events"), EVENT_APP), environment={}) as host:
        yield Keyed(host)


def delivery(keys: dict[str, str | None], case: dict[str, Any]) -> bytes:
    """Return the bytes of a delivery of the table."""
    which, _, place = case["key"].partition(" in ")
    key = {"fn": "fn-fn-key"}.get(which, keys.get(which))
    target = case["target"]
    headers = [] if key is None or place == "code" else [("x-functions-key", key)]
    if place == "code":
        target += f"&code={key}"
    for name in ("aeg-event-type", "content-type"):
        headers += [] if case[name] is None else [(name, case[name])]
    headers += [(name, value) for name, value in case.get("headers", [])]
    one = next(each["body"] for each in EVENTS if each["id"] == "one")
    binary = {"gzip": gzip.compress(one.encode(), mtime=0), "utf16": one.encode("utf-16")}
    body = (
        binary[case["id"]]
        if case["body"] == "(binary)"
        else case["body"].encode("latin-1" if case["id"] == "bom" else "utf-8")
    )
    if case["id"] == "chunked":
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    return request(case["method"], target.replace("<", "%3C").replace(">", "%3E"), headers=headers, body=body)


@pytest.mark.parametrize("case", rows("eventgrid", ((each["id"], each) for each in EVENTS)))
def test_an_event_is_taken_as_by_the_extension(evented: Keyed, case: dict[str, Any]) -> None:
    got = ask(evented.port, delivery(evented.keys, case), method=case["method"])
    events = ask(evented.port, request("GET", "/api/taken")).json()
    framing = {"content-length", "transfer-encoding"}
    headers = [pair for pair in got.compared_headers() if pair[0].lower() not in framing]
    assert (got.status, got.body.decode(), headers) == (case["status"], case["answer"], case["answer_headers"])
    assert sorted(events, key=str) == sorted(case["events"], key=str)
