"""The dev host with Azure's own code where it counts: azure-functions-runtime indexes the app and calls its functions.

What stands around it in Azure, the Functions host in .NET, cannot be had: routes and keys are the dev host's here, too, from
the bindings that the runtime tells. A process of its own, since the runtime's state is the process's; it is called as
keyless.local.functions is.
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import azure.functions as func
from azure_functions_runtime.bindings.datumdef import Datum
from azure_functions_runtime.native_invocation import invocation_request_native
from runtime_index import indexed  # type: ignore[import-not-found]  # beside this file, which is run as a script

from keyless.local.functions.worker import main as functions
from keyless.local.functions.worker.calls import FunctionCalls
from keyless.local.functions.worker.loader import EVENT_GRID, HttpFunction, LoadedApp, LoadedFunction, _route_prefix
from keyless.local.functions.worker.routes import parse_route

if TYPE_CHECKING:
    from pathlib import Path

    from azure.functions.http import HttpRequest


def load_app(folder: Path) -> LoadedApp:
    """Return the functions that the runtime found, in the place of the dev host's own loader."""
    sys.path.insert(0, str(folder))
    served, called_by_events, not_served = [], [], {}
    for function in asyncio.run(indexed(folder)):
        bindings = [json.loads(raw) for raw in function.raw_bindings]
        trigger = next(binding for binding in bindings if binding["type"].lower().endswith("trigger"))
        # What the runtime needs to call it; it finds the author's function itself.
        called = (function.name, lambda: None, True, f"{function.function_id} {trigger['name']}", False)
        if trigger["type"] == EVENT_GRID:
            called_by_events.append(LoadedFunction(*called))
        elif trigger["type"] == "httpTrigger":
            methods = frozenset(method.upper() for method in trigger.get("methods", ()))
            served.append(HttpFunction(*called, parse_route(trigger["route"], methods), trigger["authLevel"].lower()))
        else:
            not_served[function.name] = trigger["type"]
    served.sort(key=lambda one: one.route.rank)
    return LoadedApp(folder, _route_prefix(folder), tuple(served), tuple(called_by_events), not_served)


class RuntimeCalls(FunctionCalls):
    """Calls functions through the runtime."""

    async def _call(self, function: LoadedFunction, given: HttpRequest) -> Any:
        return _returned(await _invoked(function, _datum(given)))

    async def _call_with_event(self, function: LoadedFunction, event: str) -> None:
        await _invoked(function, Datum(event, "json"))


async def _invoked(function: LoadedFunction, given: Datum) -> Datum:
    function_id, _, parameter = str(function.parameter).partition(" ")
    ok, returned, _, error, _ = await invocation_request_native(
        str(uuid.uuid4()), function_id, [(parameter, given)], {}
    )
    if not ok:
        raise RuntimeError(error)
    return returned


def _datum(request: HttpRequest) -> Datum:
    def texts(values: Any) -> dict[str, Datum]:
        return {name: Datum(value, "string") for name, value in values.items()}

    return Datum(
        {
            "method": Datum(request.method, "string"),
            "url": Datum(request.url, "string"),
            "headers": texts(request.headers),
            "body": Datum(request.get_body(), "bytes"),
            "params": texts(request.route_params),
            "query": texts(request.params),
        },
        "http",
    )


def _returned(datum: Datum) -> func.HttpResponse | str:
    if datum.type == "string":
        return str(datum.value)
    value = datum.value
    headers = {name: header.value for name, header in value["headers"].items()}
    answer = func.HttpResponse(value["body"].value, status_code=int(value["status_code"].value), headers=headers)
    for cookies in value["cookies"] or ():
        for cookie in cookies.values():
            answer.headers.add("Set-Cookie", cookie.OutputString())
    assert answer.status_code >= HTTPStatus.OK
    return answer


if __name__ == "__main__":
    vars(functions).update(load_app=load_app, FunctionCalls=RuntimeCalls)
    sys.exit(functions.main())
