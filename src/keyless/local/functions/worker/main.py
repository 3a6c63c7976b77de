"""Serve the HTTP and Event Grid functions of a v2 function app where the Functions host is not installed.

``python -m keyless.local.functions.worker.main DIR [--port N]`` is a process of its own, as the Functions host keeps a
worker for each app, because the settings of an app are the environment of a process. It prints one line of JSON when it
is ready::

    {"url": "http://127.0.0.1:7071", "functions": {"hello": {"url": "...", "key": "...", "methods": [...]}},
     "eventFunctions": {}, "notServed": {}}

and from then on nothing to standard output: what the functions print goes to standard error. It stops when its standard
input closes, so that it never outlives the process that started it, and on SIGTERM and SIGINT.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from keyless.errors import KeylessError, LocalAzureError
from keyless.local.functions.worker.calls import FunctionCalls, FunctionKeys
from keyless.local.functions.worker.event_grid_webhook import PATH, EventGridWebhook, path_of
from keyless.local.functions.worker.loader import LoadedApp, load_app

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST = "127.0.0.1"
# What the Functions host takes at most: https://learn.microsoft.com/en-us/azure/azure-functions/functions-bindings-http-webhook-trigger#limits
_LARGEST_BODY = 210_000_000
# Seconds that calls under way have, once the host is asked to stop.
_GRACE = 3.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a folder until told to stop; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m keyless.local.functions.worker.main", description="Serve a function app."
    )
    parser.add_argument("folder", type=Path, help="the folder that holds function_app.py")
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; 0, the default, takes a free one")
    parser.add_argument("--seeded", action="store_true", help="make the keys from a line of standard input")
    options = parser.parse_args(arguments)
    # A host that is started anew with the same seed has the same keys.
    seed = os.read(0, 4096) if options.seeded else secrets.token_bytes(32)
    announce = _take_standard_output()
    refusing = _refuse_instance_metadata()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    try:
        app = load_app(options.folder.resolve())
        asyncio.run(
            _serve(app, FunctionKeys.make((each.name for each in app.functions), seed=seed), options.port, announce)
        )
    except KeylessError as error:
        _say(announce, {"error": {"what": error.what, "cause": error.cause, "remedy": error.remedy}})
        sys.stderr.write(f"{error}\n")
        return 1
    except Exception as error:  # noqa: BLE001 (whatever the author's module raises)
        traceback.print_exc()
        _say(announce, {"error": _not_loaded(options.folder, error)})
        return 1
    finally:
        refusing.close()
    return 0


async def _serve(app: LoadedApp, keys: FunctionKeys, port: int, announce: int) -> None:
    calls = FunctionCalls(app, keys)
    site = web.Application(client_max_size=_LARGEST_BODY)
    site.router.add_route("*", PATH, EventGridWebhook(app, keys, calls).answer)
    site.router.add_route("*", "/{path:.*}", calls.answer)
    # No line is written about requests: a URL and a header may hold a key.
    silent = logging.getLogger("keyless.local.functions.http")
    silent.disabled = True
    runner = web.AppRunner(site, access_log=None, logger=silent, shutdown_timeout=_GRACE)
    await runner.setup()
    try:
        url = await _listen(runner, port)
        stop = _stop_when_told()
        _say(announce, _ready(app, keys, url))
        await stop.wait()
    finally:
        calls.stop()
        await runner.cleanup()


async def _listen(runner: web.AppRunner, port: int) -> str:
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as error:
        raise LocalAzureError(
            f"Port {port} on {HOST} cannot be listened on: {error.strerror or error}.",
            cause="Another process listens there, or this user may not.",
            remedy="Name another port, or none: a free one is taken then.",
        ) from None
    return f"http://{HOST}:{runner.addresses[0][1]}"


def _ready(app: LoadedApp, keys: FunctionKeys, url: str) -> dict[str, Any]:
    functions = {
        function.name: {
            "url": "/".join(part for part in (url, app.prefix, function.route.template.strip("/")) if part),
            "key": keys.of(function),
            "methods": sorted(function.route.methods),
        }
        for function in app.functions
    }
    event_functions = {
        function.name: {"url": f"{url}{path_of(function.name)}", "key": keys.event_grid, "methods": ["POST"]}
        for function in app.event_functions
    }
    return {"url": url, "functions": functions, "eventFunctions": event_functions, "notServed": app.not_served}


def _not_loaded(folder: Path, error: Exception) -> dict[str, str]:
    # The message of another's error may hold a setting's value: it stands in the traceback, on standard error, alone.
    return {
        "what": f"The function app in {folder} cannot be loaded: it raised {type(error).__name__}.",
        "cause": "Its function_app.py, or what that imports, failed; the traceback is on standard error.",
        "remedy": "Mend what the traceback shows; a missing module is installed into the environment that runs Keyless.",
    }


def _take_standard_output() -> int:
    """Return a descriptor of standard output that this module alone writes to; prints go to standard error instead."""
    announce = os.dup(1)
    os.dup2(2, 1)
    return announce


def _refuse_instance_metadata() -> socket.socket:
    """Lead clients that look for a virtual machine's identity to a port that refuses, unless told where to look.

    Without this variable they ask 169.254.169.254, which is no part of this machine, and wait for it.

    Returns:
        What holds the port: bound and never listening, so that nobody else can answer there.
    """
    holder = socket.socket()
    holder.bind((HOST, 0))
    os.environ.setdefault("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://{HOST}:{holder.getsockname()[1]}")
    return holder


def _say(announce: int, line: dict[str, Any]) -> None:
    with os.fdopen(announce, "w", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")


def _stop_when_told() -> asyncio.Event:
    """Return what is set when standard input closes or a signal asks to stop."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def tell(*_: object) -> None:
        loop.call_soon_threadsafe(stop.set)
        # A function that never returns, on a thread or on the loop itself, must not keep the process.
        threading.Thread(target=_end_at_last, daemon=True).start()

    def watch() -> None:
        # Not sys.stdin: its lock, held while it waits, would be missed at the interpreter's end.
        while os.read(0, 4096):
            pass
        tell()

    threading.Thread(target=watch, daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    return stop


def _end_at_last() -> None:
    time.sleep(_GRACE + 1)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
