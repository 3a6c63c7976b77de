"""Call the functions of a loaded app over HTTP: routes, keys, requests and answers as the Functions host has them."""

from __future__ import annotations

import asyncio
import base64
import hmac
import os
import sys
import threading
import traceback
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import azure.functions as func
from aiohttp import web
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.http import HttpRequest
from azure.functions.meta import Datum
from multidict import CIMultiDict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from multidict import MultiMapping

    from keyless.local.functions.worker.loader import HttpFunction, LoadedApp, LoadedFunction

_THREADS = "PYTHON_THREADPOOL_THREAD_COUNT"
# The server writes these itself.
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})


@dataclass(frozen=True, slots=True)
class FunctionKeys:
    """The keys of an app, the same wherever they are made from the same seed.

    Attributes:
        master: Opens every function.
        event_grid: Opens what events are delivered to.
        functions: Opens one function each, by the function's name.
    """

    master: str = field(repr=False)
    event_grid: str = field(repr=False)
    functions: dict[str, str] = field(repr=False)

    @classmethod
    def make(cls, names: Iterable[str], *, seed: bytes) -> FunctionKeys:
        """Return the keys for functions of these names; the seed is random and as secret as they are."""

        def key(name: str) -> str:
            return base64.urlsafe_b64encode(hmac.digest(seed, name.encode(), "sha256")).decode().rstrip("=")

        # No function can have a name with a slash.
        return cls(key(""), key("/eventgrid"), {name: key(name) for name in names})

    def of(self, function: HttpFunction) -> str | None:
        """Return the least key that opens a function; None where none is needed."""
        if function.auth_level == "anonymous":
            return None
        return self.master if function.auth_level == "admin" else self.functions[function.name]

    def opens(self, function: HttpFunction, given: str) -> bool:
        """Tell whether a request that brings this key may call a function."""
        fitting = [self.master] if function.auth_level == "admin" else [self.master, self.functions[function.name]]
        return _is_one_of(given, fitting) or function.auth_level == "anonymous"

    def opens_event_grid(self, given: str) -> bool:
        """Tell whether a request that brings this key may deliver events."""
        return _is_one_of(given, [self.master, self.event_grid])

    def hide(self, text: str) -> str:
        """Return a text without any key in it."""
        for key in (self.master, self.event_grid, *self.functions.values()):
            text = text.replace(key, "***")
        return text


class FunctionCalls:
    """Answers HTTP requests with what the functions of an app return.

    Args:
        app: The functions.
        keys: What opens them.
    """

    def __init__(self, app: LoadedApp, keys: FunctionKeys) -> None:
        self._app = app
        self._keys = keys
        # As many threads as the Python worker takes: it uses the executor's own default, too.
        self._threads = ThreadPoolExecutor(int(os.environ.get(_THREADS) or 0) or None, thread_name_prefix="function")

    def stop(self) -> None:
        """Take no more calls; those that run on threads run on."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def answer(self, request: web.Request) -> web.Response:
        """Return the answer to any request."""
        found = self._find(request.method, request.rel_url.path_safe)
        if found is None:
            # A wrong method, too: to the host the method is part of the route, and no key is looked at.
            return web.Response(status=404)
        function, parameters = found
        if not self._keys.opens(function, given_key(request)):
            return web.Response(status=401)
        asked = HttpRequest(
            method=request.method,
            url=str(request.url),
            headers=_joined(request.headers),
            # The host drops what has no value: only the URL tells that it was there.
            params={name: value for name, value in _joined(request.query).items() if value},
            route_params=parameters,
            body_type="bytes",
            body=await request.read(),
        )
        try:
            return _response(await self._call(function, asked))
        except Exception:  # noqa: BLE001 (whatever the author's code raises)
            self._tell_failure(function)
            return web.Response(status=500)

    async def take(self, function: LoadedFunction, event: str) -> bool:
        """Call a function with an event, as JSON; say whether it succeeded."""
        try:
            await self._call_with_event(function, event)
        except Exception:  # noqa: BLE001 (whatever the author's code raises)
            self._tell_failure(function)
            return False
        return True

    async def _call_with_event(self, function: LoadedFunction, event: str) -> None:
        # The SDK's own converter, so that the function gets what the worker would give it.
        await self._call(function, EventGridEventInConverter.decode(Datum(event, "json"), trigger_metadata=None))

    def _tell_failure(self, function: LoadedFunction) -> None:
        # Not through logging: a message there could not be rid of keys that the author's code put into an error.
        sys.stderr.write(f"Executed {function.name} (Failed)\n{self._keys.hide(traceback.format_exc())}")
        sys.stderr.flush()

    def _find(self, method: str, path: str) -> tuple[HttpFunction, dict[str, str]] | None:
        prefix, path = self._app.prefix, path.strip("/")
        if prefix:
            head, path = path[: len(prefix)], path[len(prefix) :]
            if head.lower() != prefix.lower() or (path and not path.startswith("/")):
                return None
        for function in self._app.functions:
            parameters = function.route.match(method, path)
            if parameters is not None:
                return function, parameters
        return None

    async def _call(self, function: LoadedFunction, given: Any) -> Any:
        arguments: dict[str, Any] = {} if function.parameter is None else {function.parameter: given}
        if function.wants_context:
            arguments["context"] = self._context(function, given.headers if isinstance(given, HttpRequest) else {})
        call = partial(function.call, **arguments)
        if function.is_async:
            return await call()
        return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, call)

    def _context(self, function: LoadedFunction, headers: Mapping[str, str]) -> SimpleNamespace:
        """Return what stands in for ``azure.functions.Context``."""
        invocation_id, local = str(uuid.uuid4()), threading.local()
        local.invocation_id = invocation_id
        trace = SimpleNamespace(
            trace_parent=headers.get("traceparent", ""),
            trace_state=headers.get("tracestate", ""),
            attributes={},
        )
        return SimpleNamespace(
            invocation_id=invocation_id,
            function_name=function.name,
            function_directory=str(self._app.folder),
            thread_local_storage=local,
            trace_context=trace,
            retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
        )


def _is_one_of(given: str, keys: Iterable[str]) -> bool:
    # Every key is compared, and in a time that does not tell how much of it was right.
    matches = [hmac.compare_digest(given.encode(errors="surrogateescape"), key.encode()) for key in keys]
    return any(matches)


def given_key(request: web.Request) -> str:
    """Return the key that a request brings; empty where it brings none."""
    header = request.headers.get("x-functions-key")
    if header is not None:
        return header
    return next((value for name, value in request.query.items() if name.lower() == "code"), "")


def _joined(values: MultiMapping[str]) -> dict[str, str]:
    """Return each name once, as the host gives it: several values are joined with commas."""
    return {name: ",".join(values.getall(name)) for name in values}


def _response(returned: Any) -> web.Response:
    """Return what an author's function returned, as the host sends it."""
    if isinstance(returned, str):
        return web.Response(text=returned)
    if not isinstance(returned, func.HttpResponse):
        # The type alone: the value could hold a secret.
        raise TypeError(f"A function returns azure.functions.HttpResponse or str, and not {type(returned).__name__}.")
    headers = CIMultiDict((name, value) for name, value in returned.headers.items() if name.lower() not in _FRAMING)
    if "content-type" not in headers:
        text = returned.mimetype.startswith("text/")
        headers["Content-Type"] = f"{returned.mimetype}; charset={returned.charset}" if text else returned.mimetype
    return web.Response(status=returned.status_code, headers=headers, body=returned.get_body())
