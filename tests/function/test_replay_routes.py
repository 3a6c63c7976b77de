"""Templates, routes and their order: each case of Azure's own Functions host, asked of the development host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.function.replay import Got, ask, cases, request, rows, write_app

from keyless.local.functions.host import FunctionHost
from keyless.local.functions.worker.routes import joined, parse_route
from keyless.local.functions.worker.templates import Parameter, TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUTES = cases("routes")
ORDER = cases("route-order")
FUNCTION = """
@app.function_name({name!r})
@app.route({arguments})
def {python}(req: func.HttpRequest) -> func.HttpResponse:
    told = {{"function": {name!r}, "params": dict(req.route_params), "url": req.url}}
    return func.HttpResponse(json.dumps(told), mimetype="application/json")
"""


def function(index: int, name: str, route: str | None, methods: list[str] | None) -> str:
    arguments = {"route": route, "methods": methods}
    given = ", ".join(f"{key}={value!r}" for key, value in arguments.items() if value is not None)
    return FUNCTION.format(name=name, arguments=given, python=f"f{index}")


def read(template: str) -> tuple[bool, Any]:
    try:
        route = parse_route(template, frozenset())
    except TemplateError as error:
        return False, str(error)
    return True, [shown(part) for segment in route.segments for part in segment if isinstance(part, Parameter)]


def shown(part: Parameter) -> str:
    default = "" if part.default is None else f"={part.default}"
    return f"{part.name}{'?' * part.optional}{'*' * part.catch_all}{default} [{','.join(part.constraints)}]"


@pytest.mark.parametrize(
    "case", rows("templates", ((f"{each['prefix']} {each['template']}", each) for each in cases("templates")))
)
def test_a_template_is_read_or_refused_as_by_the_host_and_for_the_same_reason(case: dict[str, Any]) -> None:
    found = read(joined(case["prefix"], case["template"]))
    assert found == (case["accepted"], case["parameters"] if case["accepted"] else case["error"])


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    functions = [one for group in ROUTES for one in group["functions"]]
    body = "".join(function(index, one["name"], one["route"], one["methods"]) for index, one in enumerate(functions))
    with FunctionHost(write_app(tmp_path_factory.mktemp("routes"), body), environment={}) as host:
        yield int(host.url.rpartition(":")[2])


def told(got: Got, method: str) -> dict[str, Any]:
    found = got.json() if got.status == 200 and method != "HEAD" else {}
    return {
        "status": got.status,
        "function": found.get("function"),
        "params": found.get("params"),
        "url": found.get("url"),
    }


@pytest.mark.parametrize(
    "case",
    rows(
        "routes",
        (
            (f"{group['group']} {one['method']} {one['target'][:80]}", one)
            for group in ROUTES
            for one in group["requests"]
        ),
    ),
)
def test_a_request_reaches_the_function_that_the_host_takes_it_to(routes: int, case: dict[str, Any]) -> None:
    found = told(ask(routes, request(case["method"], case["target"]), method=case["method"]), case["method"])
    expected = {"function": None, "params": None, "url": found["url"], **case}
    if case["function"] == "(HEAD)":
        expected["function"] = None
    assert found == {key: expected[key] for key in found}


@pytest.fixture(scope="module")
def ordered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FunctionHost]:
    named: dict[str, str] = next((each["functions"] for each in ORDER if "functions" in each), {})
    split = {name: route.rpartition(" ") for name, route in named.items()}
    body = "".join(
        function(index, name, route, [method] if method else None)
        for index, (name, (method, _, route)) in enumerate(split.items())
    )
    pairs = [(each["first"], each["second"]) for each in ORDER if "first" in each]
    for index, (first, second) in enumerate(pairs):
        body += function(100 + 2 * index, first, f"o{index}/{{v}}", None)
        body += function(101 + 2 * index, second, f"o{index}/{{w}}", None)
    with FunctionHost(write_app(tmp_path_factory.mktemp("order"), body), environment={}) as host:
        yield host


@pytest.mark.parametrize(
    "case",
    rows("route-order", ((f"{i} {each.get('path', each.get('first'))}", (i, each)) for i, each in enumerate(ORDER))),
)
def test_the_name_decides_which_of_two_functions_gets_a_request(
    ordered: FunctionHost, case: tuple[int, dict[str, Any]]
) -> None:
    index, asked = case
    path = asked.get("path") or f"/api/o{index}/x"
    got = ask(int(ordered.url.rpartition(":")[2]), request("GET", path))
    assert got.json()["function"] == asked["winner"]
