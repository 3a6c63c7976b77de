"""Start a function app once more when the management plane changes its settings or identities."""

from __future__ import annotations

import json
import threading
from contextlib import closing, contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from keyless.errors import KeylessError, LocalAzureError
from keyless.local.azure.function_app import HostKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from keyless.local.azure.function_app import FunctionApp
    from keyless.local.functions.host import FunctionHost

_SECONDS = 10


@contextmanager
def following(app: FunctionApp, host: FunctionHost, environment: Callable[[], Mapping[str, str]]) -> Iterator[None]:
    """Restart the host each time that the app is to start once more, until the end; the one who asks for it does not wait.

    Args:
        app: The function app that the management plane knows.
        host: What serves it.
        environment: Returns what the functions are to see from then on.
    """
    asked: SimpleQueue[bool] = SimpleQueue()

    def follow() -> None:
        while asked.get():
            try:
                host.restart(environment())
            except KeylessError as error:
                click.echo(str(error), err=True)

    thread = threading.Thread(target=follow, name="keyless-app-restarts", daemon=True)
    thread.start()
    app.on_restart(lambda: asked.put(True))
    app.keys = _keys(host)
    try:
        yield
    finally:
        asked.put(False)
        thread.join()


def _keys(host: FunctionHost) -> HostKeys:
    """Ask a host for its keys, which stay over its restarts."""
    found = [_named(host, kind) for kind in ("functionkeys", "systemkeys")]
    return HostKeys(host.master_key, *found)


def _named(host: FunctionHost, kind: str) -> dict[str, str]:
    from http.client import OK, HTTPConnection  # noqa: PLC0415 (completion in a shell loads this module at each TAB)

    path, headers = f"/admin/host/{kind}", {"x-functions-key": host.master_key}
    # Loading requests for two questions would be a seventh of a start.
    with closing(HTTPConnection(urlsplit(host.url).netloc, timeout=_SECONDS)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
    if answer.status != OK:
        raise LocalAzureError(
            "The functions do not give their keys.",
            cause=f"They answered {answer.status} to {path}.",
            remedy="Start again, and report it if that happens again.",
        )
    return {each["name"]: each["value"] for each in json.loads(content)["keys"]}
