"""Load the folder of a function app, v2 programming model, as the Functions worker does.

Source: https://learn.microsoft.com/en-us/azure/azure-functions/functions-reference-python
"""

from __future__ import annotations

import importlib.util
import inspect
import json
import sys
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import azure.functions as func

from keyless.errors import LocalAzureError
from keyless.local.functions.worker.routes import Route, parse_route

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

SCRIPT = "function_app.py"
EVENT_GRID = "eventGridTrigger"
AuthLevel = Literal["anonymous", "function", "admin"]


@dataclass(frozen=True, slots=True)
class LoadedFunction:
    """A function of an app, whatever its trigger.

    Attributes:
        name: Its name in Azure.
        call: The author's function.
        is_async: Whether ``call`` is a coroutine function.
        parameter: The name of the parameter that takes what the trigger brings; None where there is none.
        wants_context: Whether ``call`` takes the invocation's ``context``.
    """

    name: str
    call: Callable[..., Any]
    is_async: bool
    parameter: str | None
    wants_context: bool


@dataclass(frozen=True, slots=True)
class HttpFunction(LoadedFunction):
    """A function that an HTTP request calls.

    Attributes:
        route: Where it is reached, below the route prefix.
        auth_level: Which key a request must bring: none, the function's own, or the app's master key.
    """

    route: Route
    auth_level: AuthLevel


@dataclass(frozen=True, slots=True)
class LoadedApp:
    """What a folder holds.

    Attributes:
        folder: The folder.
        prefix: What comes before every route; ``api`` unless host.json says otherwise, and never with slashes around.
        functions: What HTTP requests can call, the most specific route first.
        event_functions: What events of Event Grid call.
        not_served: Why each other function is not served, by its name.
    """

    folder: Path
    prefix: str
    functions: tuple[HttpFunction, ...]
    event_functions: tuple[LoadedFunction, ...]
    not_served: dict[str, str]

    def event_function(self, name: str) -> LoadedFunction | None:
        """Return the function that events call by this name; None where there is none."""
        return next((function for function in self.event_functions if function.name == name), None)


def load_app(folder: Path) -> LoadedApp:
    """Return the functions of a folder; this runs its ``function_app.py``.

    A process holds one app: its modules and its environment are the process's own.

    Raises:
        LocalAzureError: If the folder is no function app, the worker would refuse one of its functions, or its host.json
            or a route cannot be read.
        Exception: Whatever the author's module raises.
    """
    prefix = _route_prefix(folder)
    app = _app_of(_load_module(folder))
    served, called_by_events, not_served = [], [], {}
    for function in app.get_functions():
        bindings = [str(binding.type) for binding in function.get_bindings()]
        others = [binding for binding in bindings if binding not in {"httpTrigger", "http"}]
        if bindings == [EVENT_GRID]:
            _check(function)
            called_by_events.append(_loaded(function))
        elif others:
            not_served[str(function.get_function_name())] = ", ".join(others)
        else:
            _check(function)
            served.append(_http_function(function))
    served.sort(key=lambda one: one.route.rank)
    return LoadedApp(
        folder=folder,
        prefix=prefix,
        functions=tuple(served),
        event_functions=tuple(called_by_events),
        not_served=not_served,
    )


def _route_prefix(folder: Path) -> str:
    path = folder / "host.json"
    if not path.exists():
        return "api"
    try:
        prefix = json.loads(path.read_text("utf-8-sig")).get("extensions", {}).get("http", {}).get("routePrefix", "api")
    except (OSError, ValueError, AttributeError) as error:
        raise LocalAzureError(
            f"The file {path} cannot be read: {error}.",
            cause="It is no JSON object, or may not be read.",
            remedy='Mend it; the least that it must hold is {"version": "2.0"}.',
        ) from error
    return str(prefix).strip("/")


def _load_module(folder: Path) -> ModuleType:
    script = folder / SCRIPT
    if not script.is_file():
        raise LocalAzureError(
            f"The folder {folder} is no function app.",
            cause=f"It has no {SCRIPT}: the v2 programming model starts from that file.",
            remedy=f"Name the folder that holds {SCRIPT}.",
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
            f"{SCRIPT} has {len(unique)} function apps at module level.",
            cause="The worker looks for exactly one azure.functions.FunctionApp there.",
            remedy="Write app = azure.functions.FunctionApp() once; register blueprints with it.",
        )
    return unique[0]


def _check(function: func.Function) -> None:
    """Refuse a function that the worker refuses: it then loads none of the app.

    Source: https://github.com/Azure/azure-functions-python-worker, functions.py of its runtime
    """
    call = function.get_user_function()
    names = {str(binding.name) for binding in function.get_bindings()}
    bound, parameters = names - {"$return"}, inspect.signature(call).parameters.keys() - {"context"}
    if parameters != bound:
        raise _refused(
            function,
            f"It takes {', '.join(sorted(parameters)) or 'nothing'}, and is given {', '.join(sorted(bound))}.",
            "Give both the same name: the parameter, and the decorator's argument for it (trigger_arg_name, arg_name).",
        )
    try:
        returned = typing.get_type_hints(call).get("return", str)
    except NameError as error:
        raise _refused(
            function,
            f"An annotation of it cannot be evaluated: {error}.",
            "Import what annotations name where the program runs, and not under `if TYPE_CHECKING` alone.",
        ) from None
    if "$return" in names and not (isinstance(returned, type) and issubclass(returned, (func.HttpResponse, str))):
        raise _refused(
            function,
            f"Its return annotation is {returned!r}, of which no answer is made.",
            "Return azure.functions.HttpResponse or str, and say so, or annotate nothing.",
        )


def _refused(function: func.Function, cause: str, remedy: str) -> LocalAzureError:
    what = f"The function {function.get_function_name()} cannot be loaded; Azure would load none of the app."
    return LocalAzureError(what, cause=cause, remedy=remedy)


def _http_function(function: func.Function) -> HttpFunction:
    trigger: Any = function.get_trigger()
    found = _loaded(function)
    return HttpFunction(
        name=found.name,
        call=found.call,
        is_async=found.is_async,
        parameter=found.parameter,
        wants_context=found.wants_context,
        route=parse_route(trigger.route, frozenset(str(_plain(method)).upper() for method in trigger.methods or ())),
        auth_level=cast(AuthLevel, str(_plain(trigger.auth_level)).lower()),
    )


def _loaded(function: func.Function) -> LoadedFunction:
    trigger: Any = function.get_trigger()
    call = function.get_user_function()
    parameters = inspect.signature(call).parameters
    return LoadedFunction(
        name=str(function.get_function_name()),
        call=call,
        is_async=inspect.iscoroutinefunction(call),
        parameter=trigger.name if trigger.name in parameters else None,
        wants_context="context" in parameters,
    )


def _plain(value: Any) -> Any:
    return getattr(value, "value", value)
