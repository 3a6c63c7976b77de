"""Load the folder of a function app, v2 programming model, as the Functions host and its Python worker do.

Source: https://learn.microsoft.com/en-us/azure/azure-functions/functions-reference-python
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import os
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import azure.functions as func
from azure.functions.decorators.http import HttpTrigger

from keyless.errors import LocalAzureError
from keyless.local.functions.worker.host_json import HostSettings, read_host_settings
from keyless.local.functions.worker.loaded import EVENT_GRID, HTTP, AuthLevel, HttpFunction, LoadedApp, LoadedFunction
from keyless.local.functions.worker.routes import is_reserved, joined, never_called, order, parse_route
from keyless.local.functions.worker.signatures import check_signature, is_plain
from keyless.local.functions.worker.templates import TemplateError

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

_SCRIPT = "function_app.py"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,127}")
_OUT = "out"
_RUNTIME = "FUNCTIONS_WORKER_RUNTIME"
_STREAMS = "azurefunctions.extensions.http"


@dataclass(slots=True)
class FoundFunctions:
    """The facts about an app, found bit by bit; the attributes are those of LoadedApp."""

    http: list[HttpFunction] = field(default_factory=list)
    events: list[LoadedFunction] = field(default_factory=list)
    others: list[LoadedFunction] = field(default_factory=list)
    not_served: dict[str, str] = field(default_factory=dict)


def load_app(folder: Path) -> LoadedApp:
    """Return the functions of a folder; this runs its ``function_app.py``.

    A process holds one app: its modules and its environment are the process's own.

    Raises:
        LocalAzureError: If the folder is not a function app, or Azure would start none of it: the worker would refuse one of
            its functions, or the host its host.json or a route.
        Exception: Whatever the author's module raises.
    """
    _check_runtime(os.environ.get(_RUNTIME) or "python")
    settings = read_host_settings(folder, os.environ)
    found = FoundFunctions()
    for function in _app_of(_load_module(folder)).get_functions():
        if not (_has_streams() and isinstance(function.get_trigger(), HttpTrigger)):
            check_signature(function)
        _sort(function, found, settings)
    return made_app(folder, settings, found)


def _has_streams() -> bool:
    """Tell whether the app takes requests and returns answers as streams, with classes of their own."""
    return _STREAMS in sys.modules


def made_app(folder: Path, settings: HostSettings, found: FoundFunctions) -> LoadedApp:
    """Return an app with its functions in the order in which the host tries them, and with warnings."""
    http = sorted(found.http, key=lambda function: order(function.name))
    warnings = [
        f"{name} is never called: {taker} takes its requests. Functions are tried in the order of their names, so give "
        f"{name} a name before {taker}'s, or {taker} a route that leaves them."
        for name, taker in never_called([(function.name, function.route) for function in http])
    ]
    return LoadedApp(
        folder=folder,
        settings=settings,
        functions=tuple(http),
        event_functions=tuple(found.events),
        others=tuple(found.others),
        not_served=found.not_served,
        warnings=tuple(warnings),
    )


def _sort(function: func.Function, found: FoundFunctions, settings: HostSettings) -> None:
    """Put a function where it belongs."""
    loaded = loaded_function(function)
    name, kinds = loaded.name, [str(binding["type"]) for binding in loaded.bindings]
    if settings.chosen is not None and name not in settings.chosen:
        return
    others = [kind for kind in kinds if kind.lower() not in {HTTP.lower(), "http"}]
    if not _NAME.fullmatch(name) or name.lower() == "host":
        found.not_served[name] = (
            "its name is not valid: letters, digits, - and _, a letter first, 128 at most, and not host"
        )
    elif loaded.trigger == HTTP and not others and _has_streams():
        found.not_served[name] = (
            "HTTP streams (azurefunctions.extensions.http), which are served in Azure, are not here"
        )
    elif loaded.trigger == HTTP and not others:
        _add_http(loaded, found, settings)
    elif kinds == [EVENT_GRID]:
        found.events.append(loaded)
    else:
        found.not_served[name] = ", ".join(others)
        if loaded.trigger != HTTP:
            found.others.append(loaded)


def _add_http(loaded: LoadedFunction, found: FoundFunctions, settings: HostSettings) -> None:
    trigger = next(binding for binding in loaded.bindings if _is(binding, HTTP))
    template = str(trigger.get("route") or loaded.name)
    if is_reserved(template):
        found.not_served[loaded.name] = f"its route {template!r} begins with admin or runtime, which the host keeps"
        return
    found.http.append(http_function(loaded, trigger, settings))


def http_function(loaded: LoadedFunction, trigger: dict[str, Any], settings: HostSettings) -> HttpFunction:
    """Return the HTTP function that a trigger makes of a function.

    Raises:
        LocalAzureError: If the host refuses its route, and with it the whole app.
    """
    methods = frozenset(str(method).upper() for method in trigger.get("methods") or ())
    template = joined(settings.prefix, str(trigger.get("route") or loaded.name))
    try:
        route = parse_route(template, methods)
    except TemplateError as error:
        raise LocalAzureError(
            f"The function {loaded.name} has the route {template!r}, which the Functions host refuses: it would start "
            "none of the app.",
            cause=str(error),
            remedy=_route_remedy(template, settings),
        ) from None
    level = cast(AuthLevel, str(trigger.get("authLevel") or "function").lower())
    own = {name: getattr(loaded, name) for name in LoadedFunction.__struct_fields__}
    return HttpFunction(**own, route=route, auth_level=level)


def _route_remedy(template: str, settings: HostSettings) -> str:
    if "//" not in template or not settings.prefix:
        return "Change the route in function_app.py."
    return (
        "Take the leading slash from the route in function_app.py. AsgiFunctionApp and WsgiFunctionApp set it themselves: "
        'for them, host.json needs {"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}.'
    )


def loaded_function(function: func.Function) -> LoadedFunction:
    """Return what the host and the worker know of a function."""
    bindings = tuple(json.loads(function.get_function_json())["bindings"])
    trigger = next(binding for binding in bindings if str(binding["type"]).lower().endswith("trigger"))
    call = function.get_user_function()
    parameters = inspect.signature(call).parameters
    kind = HTTP if _is(trigger, HTTP) else str(trigger["type"])
    outgoing = [str(binding["name"]) for binding in bindings if str(binding["direction"]).lower() == _OUT]
    return LoadedFunction(
        name=str(function.get_function_name()),
        call=call,
        is_async=inspect.iscoroutinefunction(call),
        parameter=trigger["name"] if trigger["name"] in parameters else None,
        wants_context="context" in parameters,
        trigger=kind,
        is_plain=is_plain(function, str(trigger["name"])),
        outputs=tuple(name for name in outgoing if name in parameters),
        returns="$return" in outgoing,
        bindings=bindings,
    )


def _is(binding: dict[str, Any], kind: str) -> bool:
    return str(binding["type"]).lower() == kind.lower()


def _check_runtime(runtime: str) -> None:
    if runtime.lower() != "python":
        raise LocalAzureError(
            f"The setting {_RUNTIME} is {runtime!r}: the Functions host would look for no Python there.",
            cause="The environment, or local.settings.json, sets another language for the app.",
            remedy='Set it to "python", or remove it.',
        )


def _load_module(folder: Path) -> ModuleType:
    script = folder / (os.environ.get("PYTHON_SCRIPT_FILE_NAME") or _SCRIPT)
    if not script.is_file():
        raise LocalAzureError(
            f"The folder {folder} is not a function app.",
            cause=f"It has no {script.name}: the v2 programming model starts from that file.",
            remedy=f"Name the folder that holds {script.name}.",
        )
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None  # noqa: S101 (for the type checker: the file exists and ends with .py)
    assert spec.loader is not None  # noqa: S101 (as above)
    module = importlib.util.module_from_spec(spec)
    sys.modules[script.stem] = module
    spec.loader.exec_module(module)
    return module


def _app_of(module: ModuleType) -> func.FunctionRegister:
    apps = [value for value in vars(module).values() if isinstance(value, func.FunctionRegister)]
    unique = list({id(app): app for app in apps}.values())
    if len(unique) != 1:
        raise LocalAzureError(
            f"{_SCRIPT} has {len(unique)} function apps at module level.",
            cause="The worker looks for exactly one azure.functions.FunctionApp there.",
            remedy="Write app = azure.functions.FunctionApp() once; register blueprints with it.",
        )
    return unique[0]
