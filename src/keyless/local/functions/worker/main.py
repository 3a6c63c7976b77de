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
import gc
import json
import logging
import os
import secrets
import socket
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keyless.errors import KeylessError
from keyless.local.functions.worker.calls import FunctionCalls
from keyless.local.functions.worker.cors import Cors
from keyless.local.functions.worker.event_grid_webhook import path_of
from keyless.local.functions.worker.keys import EVENT_GRID, FunctionKeys
from keyless.local.functions.worker.listener import HOST, Listener
from keyless.local.functions.worker.loader import load_app
from keyless.local.functions.worker.site import Site
from keyless.local.functions.worker.stopping import GRACE, Stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keyless.local.functions.worker.loaded import LoadedApp


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a folder until told to stop; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m keyless.local.functions.worker.main", description="Serve a function app."
    )
    parser.add_argument("folder", type=Path, help="the folder that holds function_app.py")
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; 0, the default, takes a free one")
    parser.add_argument("--or-any-port", action="store_true", help="take a free one where another program has the port")
    parser.add_argument(
        "--seeded",
        action="store_true",
        help="take what the keys are made of, and variables, from a line of standard input",
    )
    parser.add_argument("--quiet", action="store_true", help="write no line for each call")
    parser.add_argument("--cors", action="append", default=[], help="an origin whose pages may call the functions")
    parser.add_argument("--cors-credentials", action="store_true", help="let those pages send cookies, too")
    options = parser.parse_args(arguments)
    # A host that is started again with the same seed has the same keys.
    seed = _take_what_is_sent() if options.seeded else secrets.token_bytes(32)
    announce = _take_standard_output()
    refusing = _refuse_instance_metadata()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    try:
        app = load_app(options.folder.resolve())
        # What is loaded stays to the end: the collector of garbage need not look through it, above all not at the exit.
        gc.freeze()
        return asyncio.run(_serve(app, seed, options, announce))
    except KeylessError as error:
        _say(announce, {"error": {"what": error.what, "cause": error.cause, "remedy": error.remedy}})
        if not options.seeded:  # The host that started it raises the error.
            sys.stderr.write(f"{error}\n")
        return 1
    except Exception as error:  # noqa: BLE001 (whatever the author's module raises)
        traceback.print_exc()
        _say(announce, {"error": _not_loaded(options.folder, error)})
        return 1
    finally:
        refusing.close()


async def _serve(app: LoadedApp, seed: bytes, options: argparse.Namespace, announce: int) -> int:
    stop = Stop()
    keys = FunctionKeys.make((each.name for each in app.all_functions), seed=seed)
    calls = FunctionCalls(app, keys, quiet=options.quiet, on_exit=stop.end_worker)
    site = Site(app, keys, calls, cors=Cors(frozenset(options.cors), options.cors_credentials))
    listener = Listener(site.answer, largest_body=app.settings.largest_body)
    url = await listener.start(options.port, or_any=options.or_any_port)
    for warning in app.warnings:
        sys.stderr.write(f"Warning: {warning}\n")
    _say(announce, _ready(app, keys, url))
    await stop.wait()
    calls.stop()
    await listener.stop(grace=GRACE)
    return stop.status


def _ready(app: LoadedApp, keys: FunctionKeys, url: str) -> dict[str, Any]:
    functions = {
        function.name: {
            "url": f"{url}/{function.route.template.strip('/')}",
            "key": keys.of(function),
            "methods": sorted(function.route.methods),
        }
        for function in app.functions
    }
    event_functions = {
        function.name: {"url": f"{url}{path_of(function.name)}", "key": keys.system[EVENT_GRID], "methods": ["POST"]}
        for function in app.event_functions
    }
    return {
        "url": url,
        "functions": functions,
        "eventFunctions": event_functions,
        "notServed": app.not_served,
        "masterKey": keys.master,
        "warnings": app.warnings,
    }


def _not_loaded(folder: Path, error: Exception) -> dict[str, str]:
    # The message of another's error may hold a setting's value: it is in the traceback, on standard error, alone.
    return {
        "what": f"The function app in {folder} cannot be loaded: it raised {type(error).__name__}.",
        "cause": "Its function_app.py, or what that imports, failed; the traceback is on standard error.",
        "remedy": "Fix what the traceback shows; a missing module is installed into the environment that runs Keyless.",
    }


def _take_what_is_sent() -> bytes:
    """Read the one line of standard input, whose end ends this process; set the variables, and return the seed."""
    line = b""
    while not line.endswith(b"\n"):
        more = os.read(0, 65536)
        if not more:
            sys.exit(0)
        line += more
    sent = json.loads(line)
    os.environ.update(sent["environment"])
    return str(sent["seed"]).encode()


def _take_standard_output() -> int:
    """Return a descriptor of standard output that this module alone writes to; prints go to standard error instead."""
    announce = os.dup(1)
    os.dup2(2, 1)
    return announce


def _refuse_instance_metadata() -> socket.socket:
    """Lead clients that look for a virtual machine's identity to a port that refuses, unless told where to look.

    Without this variable they ask 169.254.169.254, which is not part of this machine, and wait for it.

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


if __name__ == "__main__":
    sys.exit(main())
