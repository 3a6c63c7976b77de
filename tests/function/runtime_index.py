"""Azure's own code reads a function app: azure-functions-runtime, given what the Functions host would give it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import azure_functions_runtime as runtime

if TYPE_CHECKING:
    from pathlib import Path


class Message(type):
    """A message of the worker's protocol: it keeps what it is made with, and its constants are their own names."""

    def __getattr__(cls, name: str) -> Any:
        return {"in": 0, "out": 1, "inout": 2}.get(name, name)


class Messages:
    """Stands in for the messages of the worker's protocol."""

    def __getattr__(self, name: str) -> Any:
        return Message(name, (SimpleNamespace,), {})


async def indexed(folder: Path) -> list[Any]:
    """Return what the runtime tells the host of an app's functions, loaded."""
    runtime.start_threadpool_executor()
    asked = SimpleNamespace(
        worker_init_request=SimpleNamespace(capabilities={}, function_app_directory=str(folder)),
    )
    properties = {"host": "127.0.0.1", "protos": Messages()}
    started = await runtime.worker_init_request(SimpleNamespace(request=asked, properties=properties))
    if started.result.status != "Success":
        raise ImportError(started.result.exception.message)
    found = await runtime.functions_metadata_request(None)
    for function in found.function_metadata_results:
        load = SimpleNamespace(function_load_request=SimpleNamespace(function_id=function.function_id))
        await runtime.function_load_request(SimpleNamespace(request=load))
    return list(found.function_metadata_results)
