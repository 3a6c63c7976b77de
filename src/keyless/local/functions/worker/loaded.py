"""A function app that is loaded: its functions, and the notes for a person about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from keyless.local.functions.worker.host_json import HostSettings
    from keyless.local.functions.worker.routes import Route

EVENT_GRID = "eventGridTrigger"
HTTP = "httpTrigger"
AuthLevel = Literal["anonymous", "function", "admin"]


class LoadedFunction(Record, frozen=True):
    """A function of an app, whatever its trigger.

    Attributes:
        name: Its name in Azure.
        call: The author's function.
        is_async: Whether ``call`` is a coroutine function.
        parameter: The name of the parameter that takes what the trigger brings; None where there is none.
        wants_context: Whether ``call`` takes the invocation's ``context``.
        trigger: The type of its trigger.
        is_plain: Whether the parameter is annotated with ``str`` or ``bytes``, and so gets no object of the SDK.
        outputs: The parameters that take something to send elsewhere.
        returns: Whether what it returns goes somewhere.
        bindings: Its bindings, as the host sees them.
    """

    name: str
    call: Callable[..., Any]
    is_async: bool
    parameter: str | None
    wants_context: bool
    trigger: str = HTTP
    is_plain: bool = False
    outputs: tuple[str, ...] = ()
    returns: bool = True
    bindings: tuple[dict[str, Any], ...] = ()


class HttpFunction(LoadedFunction, frozen=True, kw_only=True):
    """A function that an HTTP request calls.

    Attributes:
        route: Where it is reached.
        auth_level: Which key a request must bring: none, the function's own, or the app's master key.
    """

    route: Route
    auth_level: AuthLevel


class LoadedApp(Record, frozen=True, kw_only=True):
    """The contents of a folder.

    Attributes:
        folder: The folder.
        settings: Its host.json and its settings.
        functions: What HTTP requests can call, in the order in which the host tries them.
        event_functions: What events of Event Grid call.
        others: What only the admin API calls here.
        not_served: Why each other function is not served, by its name.
        warnings: What a person would be surprised by in Azure.
    """

    folder: Path
    settings: HostSettings
    functions: tuple[HttpFunction, ...]
    event_functions: tuple[LoadedFunction, ...]
    others: tuple[LoadedFunction, ...]
    not_served: dict[str, str]
    warnings: tuple[str, ...] = ()

    @property
    def all_functions(self) -> tuple[LoadedFunction, ...]:
        """Every function that can be called in some way."""
        return (*self.functions, *self.event_functions, *self.others)

    def event_function(self, name: str) -> LoadedFunction | None:
        """Return the function that events call by this name; None where there is none."""
        return next((function for function in self.event_functions if function.name == name), None)
