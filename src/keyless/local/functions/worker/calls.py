"""Call the functions of a loaded app: with a request, an event, or what the admin API is given."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
import traceback
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import azure.functions as func
from azure.functions.http import HttpRequest
from azure.functions.meta import Datum

from keyless.local.functions.worker.answers import UnsendableError, answer_of
from keyless.local.functions.worker.messages import Answer
from keyless.local.functions.worker.signatures import converter_of
from keyless.local.functions.worker.target import joined_query, shown_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.functions.worker.keys import FunctionKeys
    from keyless.local.functions.worker.loaded import HttpFunction, LoadedApp, LoadedFunction
    from keyless.local.functions.worker.messages import Asked

_THREADS = "PYTHON_THREADPOOL_THREAD_COUNT"
_FAILED = Answer(500)


class FunctionCalls:
    """Calls the functions of an app.

    Args:
        app: The functions.
        keys: What no log may show.
        quiet: Whether no line is written for each call.
        on_exit: Is called where a function ends the process that it runs in, as ``sys.exit`` does.
    """

    def __init__(self, app: LoadedApp, keys: FunctionKeys, *, quiet: bool, on_exit: Callable[[], None]) -> None:
        self._app = app
        self._keys = keys
        self._quiet = quiet
        self._on_exit = on_exit
        self._warned: set[str] = set()
        # As many threads as the Python worker takes: it uses the executor's own default, too.
        self._threads = ThreadPoolExecutor(int(os.environ.get(_THREADS) or 0) or None, thread_name_prefix="function")

    def stop(self) -> None:
        """Take no more calls; those that run on threads run on."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def answer(self, function: HttpFunction, asked: Asked, parameters: Mapping[str, str]) -> Answer:
        """Return what a function answers to a request."""
        started = time.perf_counter()
        answer = await self._answer(function, asked, parameters)
        self._tell(function, started, str(answer.status))
        return answer

    async def take(self, function: LoadedFunction, event: str) -> bool:
        """Call a function with an event, as JSON; return whether it succeeded."""
        return await self._succeeds(function, partial(self._call_with_event, function, event))

    async def start(self, function: LoadedFunction, given: str | None) -> bool:
        """Call a function with a text, whatever its trigger; return whether it succeeded."""
        return await self._succeeds(function, partial(self._call_with_text, function, given))

    async def _answer(self, function: HttpFunction, asked: Asked, parameters: Mapping[str, str]) -> Answer:
        if asked.body is None:
            self._warn(function, "was asked with a body that is too large: Azure answers 500, and does not call it")
            return _FAILED
        if asked.chunked:
            self._warn(function, "was asked with a body in chunks: in Azure it may get none. Send a Content-Length")
        request = HttpRequest(
            method=asked.method,
            url=shown_url(asked.headers["host"], asked.path, asked.query),
            headers=asked.headers,
            params=joined_query(asked.query),
            route_params=parameters,
            body_type="bytes",
            body=asked.body,
        )
        try:
            returned = await self._in_time(function, self._call(function, request))
            return self._answer_of(function, returned)
        except UnsendableError as error:
            self._warn(function, f"returned what Azure does not send, and its caller gets 500: {error}")
        except TimeoutError:
            self._warn(function, "took longer than functionTimeout: Azure answers 500, and starts the worker again")
        except Exception:  # noqa: BLE001 (whatever the author's code raises)
            self._tell_failure(function)
        return _FAILED

    def _answer_of(self, function: LoadedFunction, returned: Any) -> Answer:
        return answer_of(returned, warn=partial(self._warn, function))

    async def _in_time(self, function: LoadedFunction, call: Any) -> Any:
        if self._app.settings.timeout is None:
            return await call
        task = asyncio.ensure_future(call)
        done, _ = await asyncio.wait([task], timeout=self._app.settings.timeout)
        if not done:
            # A timeout that the author's own code raised is another thing.
            task.cancel()
            raise TimeoutError(function.name)
        try:
            return task.result()
        except TimeoutError as error:
            raise RuntimeError("The function raised TimeoutError.") from error

    async def _succeeds(self, function: LoadedFunction, call: Any) -> bool:
        started = time.perf_counter()
        try:
            await call()
        except Exception:  # noqa: BLE001 (whatever the author's code raises)
            self._tell_failure(function)
            return False
        self._tell(function, started, "succeeded")
        return True

    async def _call_with_event(self, function: LoadedFunction, event: str) -> None:
        # The SDK's own converter, so that the function gets what the worker would give it.
        given = event if function.is_plain else _decoded(function.trigger, Datum(event, "json"))
        await self._call_checked(function, given)

    async def _call_with_text(self, function: LoadedFunction, given: str | None) -> None:
        text = given or ""
        if function.is_plain:
            value: Any = text
        elif function.trigger == "timerTrigger":
            value = _decoded(function.trigger, Datum('{"IsPastDue": false}', "json"))
        else:
            value = _decoded_text(function.trigger, text)
        await self._call_checked(function, value)

    async def _call_checked(self, function: LoadedFunction, given: Any) -> None:
        if await self._call(function, given) is not None and not function.returns:
            raise RuntimeError(
                f"The function {function.name} has nothing that takes what it returns, and returned something."
            )

    async def _call(self, function: LoadedFunction, given: Any) -> Any:
        if isinstance(given, HttpRequest) and function.is_plain:
            raise TypeError("The worker cannot make a str or bytes of a request: annotate it with func.HttpRequest.")
        arguments: dict[str, Any] = {} if function.parameter is None else {function.parameter: given}
        arguments |= {name: _Out() for name in function.outputs}
        if function.wants_context:
            arguments["context"] = self._context(function, given.headers if isinstance(given, HttpRequest) else {})
        call = partial(function.call, **arguments)
        try:
            if function.is_async:
                return await call()
            return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, call)
        except (SystemExit, KeyboardInterrupt) as error:
            self._on_exit()
            raise RuntimeError(f"The function {function.name} ended its worker: {type(error).__name__}.") from error

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

    def _tell(self, function: LoadedFunction, started: float, outcome: str) -> None:
        if not self._quiet:
            ms = (time.perf_counter() - started) * 1000
            sys.stderr.write(f"Executed {function.name!r} in {ms:.0f} ms, {outcome}\n")
            sys.stderr.flush()

    def _warn(self, function: LoadedFunction, what: str) -> None:
        """Write a warning, once: it would be the same at each call."""
        line = self._keys.hide(f"Warning: {function.name} {what}.\n")
        if line not in self._warned:
            self._warned.add(line)
            sys.stderr.write(line)
            sys.stderr.flush()

    def _tell_failure(self, function: LoadedFunction) -> None:
        # Not through logging: a message there could not be rid of keys that the author's code put into an error.
        sys.stderr.write(f"Executed {function.name} (Failed)\n{self._keys.hide(traceback.format_exc())}")
        sys.stderr.flush()


class _Out(func.Out[Any]):
    """Takes what a function would send elsewhere, and sends it nowhere."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        """Take a value."""
        self._value = val

    def get(self) -> Any:
        """Return the value that was taken."""
        return self._value


def _decoded(trigger: str, datum: Datum) -> Any:
    converter = converter_of(trigger)
    return datum.value if converter is None else converter.decode(datum, trigger_metadata={})


def _decoded_text(trigger: str, text: str) -> Any:
    """Return what a function gets of a text: as JSON where its trigger takes that, else as it is."""
    try:
        return _decoded(trigger, Datum(text, "string"))
    except NotImplementedError:
        return _decoded(trigger, Datum(text, "json"))
