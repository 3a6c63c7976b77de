"""The dev host with Azure's own code where it counts: azure-functions-runtime indexes the app and calls its functions.

What stands around it in Azure, the Functions host in .NET, is the dev host's here, from the bindings that the runtime tells;
tests/function/real_host.py has that one, too. A process of its own, since the runtime's state is the process's; it is called
as keyless.local.functions is.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from azure_functions_runtime.bindings.datumdef import Datum, parse_cookie_attr_expires
from azure_functions_runtime.native_invocation import invocation_request_native
from runtime_index import indexed  # type: ignore[import-not-found]  # beside this file, which is run as a script

from keyless.local.functions.worker import main as functions
from keyless.local.functions.worker.answers import Returned, UnsendableError, sent
from keyless.local.functions.worker.calls import FunctionCalls
from keyless.local.functions.worker.host_json import read_host_settings
from keyless.local.functions.worker.loaded import EVENT_GRID, HTTP, LoadedApp, LoadedFunction
from keyless.local.functions.worker.loader import FoundFunctions, http_function, made_app
from keyless.local.functions.worker.returned_text import answer_of_text

if TYPE_CHECKING:
    from pathlib import Path

    from azure.functions.http import HttpRequest

    from keyless.local.functions.worker.messages import Answer


def load_app(folder: Path) -> LoadedApp:
    """Return the functions that the runtime found, in the place of the dev host's own loader."""
    sys.path.insert(0, str(folder))
    settings = read_host_settings(folder, os.environ)
    found = FoundFunctions()
    for function in asyncio.run(indexed(folder)):
        bindings = [json.loads(raw) for raw in function.raw_bindings]
        trigger = next(binding for binding in bindings if binding["type"].lower().endswith("trigger"))
        # What the runtime needs to call it; it finds the author's function itself.
        called = LoadedFunction(
            function.name, lambda: None, True, f"{function.function_id} {trigger['name']}", False, trigger["type"]
        )
        if trigger["type"] == EVENT_GRID:
            found.events.append(called)
        elif trigger["type"] == HTTP:
            found.http.append(http_function(called, trigger, settings))
        else:
            found.not_served[function.name] = trigger["type"]
            found.others.append(called)
    return made_app(folder, settings, found)


class RuntimeCalls(FunctionCalls):
    """Calls functions through the runtime."""

    async def _call(self, function: LoadedFunction, given: HttpRequest) -> Any:
        return await _invoked(function, _datum(given))

    def _answer_of(self, function: LoadedFunction, returned: Datum) -> Answer:
        if returned.type == "string":
            return answer_of_text(str(returned.value))
        value = returned.value
        headers = {name: header.value for name, header in value["headers"].items()}
        cookies = list(value["cookies"] or ())
        try:
            for cookie in cookies:
                for morsel in cookie.values():
                    # The worker's own reading of a date, which the native call leaves to others.
                    parse_cookie_attr_expires(morsel)
        except ValueError as error:
            raise UnsendableError(str(error)) from None
        found = Returned(value["status_code"].value, headers, cookies, value["body"].value)
        return sent(found, warn=partial(self._warn, function))

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


if __name__ == "__main__":
    vars(functions).update(load_app=load_app, FunctionCalls=RuntimeCalls)
    sys.exit(functions.main())
