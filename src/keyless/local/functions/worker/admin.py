"""The admin API of the Functions host: its state, its functions, its keys, and starting a function by hand.

Source: https://github.com/Azure/azure-functions-host/wiki/Admin-API
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from typing import TYPE_CHECKING, Any

from keyless.local.functions.worker.event_grid_webhook import UNAUTHORIZED
from keyless.local.functions.worker.keys import given_key
from keyless.local.functions.worker.messages import Answer, text_answer
from keyless.local.lenient_json import LenientJSONError, lenient_loads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keyless.local.functions.worker.calls import FunctionCalls
    from keyless.local.functions.worker.keys import FunctionKeys
    from keyless.local.functions.worker.loaded import LoadedApp, LoadedFunction
    from keyless.local.functions.worker.messages import Asked

# The version of the host that this one follows.
_VERSION = "4.1037.0"
_PING_HEADERS = (("Cache-Control", "no-store,no-cache"), ("Pragma", "no-cache"))
_NOT_FOUND = Answer(404)


class Admin:
    """Answers the requests of the admin API.

    Args:
        app: The functions.
        keys: Its keys; the API adds to them, and takes from them.
        calls: Calls the functions.
    """

    def __init__(self, app: LoadedApp, keys: FunctionKeys, calls: FunctionCalls) -> None:
        self._app = app
        self._keys = keys
        self._calls = calls
        self._started = time.monotonic()
        self._running: set[Awaitable[Any]] = set()
        # In the order in which they are looked at.
        self._routes: tuple[tuple[str, str, Callable[..., Any]], ...] = (
            ("GET", r"/admin/host/status", self._status),
            ("GET", r"/admin/host/config", self._config),
            ("POST", r"/admin/host/synctriggers", self._sync),
            ("GET", r"/admin/host/extensionbundle/v1/templates", self._templates),
            ("GET", r"/admin/functions", self._functions),
            ("GET", r"/admin/functions/([^/]+)", self._function),
            ("POST", r"/admin/functions/([^/]+)", self._start),
            ("GET", r"/admin/functions/([^/]+)/status", self._function_status),
            ("GET|PUT|POST|DELETE", r"/admin/functions/([^/]+)/keys(?:/([^/]+))?", self._function_keys),
            ("GET|PUT|POST|DELETE", r"/admin/host/(keys|functionkeys|systemkeys)(?:/([^/]+))?", self._host_keys),
            ("GET|PUT|POST|DELETE", r"/admin/vfs/.*", self._files),
        )

    async def answer(self, asked: Asked) -> Answer | None:
        """Return the answer to a request; None where it is not for the admin API."""
        path, method = asked.path.removesuffix("/") or "/", asked.method.upper()
        if re.fullmatch("/admin/host/ping", path, re.IGNORECASE) and method in {"GET", "POST", "HEAD"}:
            return Answer(200, _PING_HEADERS)
        if re.fullmatch("/admin/warmup", path, re.IGNORECASE) and method in {"GET", "POST"}:
            return Answer(200)
        for methods, form, handle in self._routes:
            found = re.fullmatch(form, path if "vfs" not in form else asked.path, re.IGNORECASE | re.DOTALL)
            if found is None or method not in methods.split("|"):
                continue
            key = given_key(asked)
            if not self._keys.is_master(key):
                known = self._keys.is_known(key) and handle != self._files
                return Answer(403) if known else Answer(401) if handle == self._files else UNAUTHORIZED
            answer = handle(asked, *found.groups())
            return await answer if not isinstance(answer, Answer) else answer
        if re.match("/runtime/webhooks/", asked.path, re.IGNORECASE):
            return self._unknown_extension(given_key(asked))
        return None

    def _unknown_extension(self, key: str) -> Answer:
        if self._keys.is_master(key):
            return _NOT_FOUND
        return Answer(403) if self._keys.is_known(key) else UNAUTHORIZED

    def _status(self, _: Asked) -> Answer:
        uptime = int((time.monotonic() - self._started) * 1000)
        return _json(
            {
                "id": "keyless",
                "state": "Running",
                "version": f"{_VERSION}.0",
                "versionDetails": _VERSION,
                "platformVersion": "",
                "instanceId": "",
                "computerName": "",
                "processUptime": uptime,
                "functionAppContentEditingState": "NotAllowed",
            }
        )

    def _config(self, _: Asked) -> Answer:
        settings = self._app.settings
        http = {
            "dynamicThrottlesEnabled": False,
            "enableChunkedRequestBinding": False,
            "maxConcurrentRequests": settings.most_at_once,
            "maxOutstandingRequests": settings.most_outstanding,
            "routePrefix": settings.prefix,
        }
        return _json({"extensions": {"http": http}})

    def _sync(self, _: Asked) -> Answer:
        return _json({"status": "Invalid environment for SyncTriggers operation."}, status=500)

    def _templates(self, _: Asked) -> Answer:
        return text_answer(
            404,
            "Templates not found within the extension bundle or extension bundle is not configured for the function app.",
        )

    def _files(self, _: Asked) -> Answer:
        # The host refuses it where the app cannot be edited.
        return Answer(403)

    def _functions(self, asked: Asked) -> Answer:
        return _json([self._shown(function, asked) for function in self._sorted()])

    def _function(self, asked: Asked, name: str) -> Answer:
        function = self._named(name)
        return _NOT_FOUND if function is None else _json(self._shown(function, asked))

    def _function_status(self, _: Asked, name: str) -> Answer:
        return _NOT_FOUND if self._named(name) is None else _json({})

    def _start(self, asked: Asked, name: str) -> Answer:
        if "json" not in asked.headers.get("content-type", "").lower():
            return Answer(415)
        function = self._named(name)
        if function is None:
            return _NOT_FOUND
        held = _object(asked)
        if held is None:
            return Answer(400)
        given = held.get("input")
        call = self._calls.start(function, given if given is None or isinstance(given, str) else json.dumps(given))
        self._run(call)
        return Answer(202)

    def _run(self, call: Any) -> None:
        task = asyncio.ensure_future(call)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _function_keys(self, asked: Asked, name: str, key: str | None) -> Answer:
        function = self._named(name)
        if function is None:
            return _NOT_FOUND
        return _keys(asked, self._keys.functions.setdefault(function.name.lower(), {}), key)

    def _host_keys(self, asked: Asked, scope: str, key: str | None) -> Answer:
        return _keys(asked, self._keys.system if scope.lower() == "systemkeys" else self._keys.host, key)

    def _sorted(self) -> list[LoadedFunction]:
        return sorted(self._app.all_functions, key=lambda function: function.name.upper())

    def _named(self, name: str) -> LoadedFunction | None:
        return next((one for one in self._app.all_functions if one.name.lower() == name.lower()), None)

    def _shown(self, function: LoadedFunction, asked: Asked) -> dict[str, Any]:
        base = f"http://{asked.headers['host']}"
        return {
            "name": function.name,
            "script_root_path_href": None,
            "script_href": f"{base}/admin/vfs/function_app.py",
            "config_href": None,
            "test_data_href": None,
            "href": f"{base}/admin/functions/{function.name}",
            "invoke_url_template": None
            if (route := getattr(function, "route", None)) is None
            else f"{base}/{route.template}",
            "language": "python",
            "config": {"name": function.name, "bindings": list(function.bindings)},
            "files": None,
            "test_data": "",
            "isDisabled": self._app.settings.is_disabled(function.name),
            "isDirect": True,
            "isProxy": False,
        }


def _keys(asked: Asked, keys: dict[str, str], name: str | None) -> Answer:
    """Show keys, or one of them; set one or take one away."""
    method = asked.method.upper()
    if name is None:
        href = f"http://{asked.headers['host']}{asked.path}"
        shown = [{"name": one, "value": value} for one, value in keys.items()]
        return _json({"keys": shown, "links": [{"rel": "self", "href": href}]}) if method == "GET" else Answer(405)
    if method == "GET":
        return _json({"name": name, "value": keys[name]}) if name in keys else _NOT_FOUND
    if method == "DELETE":
        return Answer(204) if keys.pop(name, None) is not None else _NOT_FOUND
    value = secrets.token_urlsafe(40)
    if method == "PUT":
        held = _object(asked)
        if held is None or not isinstance(held.get("value"), str) or not held["value"]:
            return Answer(400)
        value = held["value"]
    status = 200 if name in keys else 201
    keys[name] = value
    return _json({"name": name, "value": value}, status=status)


def _object(asked: Asked) -> dict[str, Any] | None:
    """Return the object that a request brings; an empty one for an empty body, None where it is not an object."""
    try:
        held = lenient_loads((asked.body or b"{}").decode())
    except (UnicodeDecodeError, LenientJSONError):
        return None
    return held if isinstance(held, dict) else None


def _json(value: Any, *, status: int = 200) -> Answer:
    text = json.dumps(value, separators=(",", ":"))
    return text_answer(status, text, "application/json; charset=utf-8")
