"""The same request to Azure's own code in the Python worker and to the dev host, and what each answers."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import requests

from keyless.local.functions.host import FunctionHost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.functions.endpoint import FunctionEndpoint

Told = tuple[int, str, bytes]

RUNTIME = Path(__file__).with_name("runtime_host.py")
EVENTS = "/runtime/webhooks/EventGrid?functionName="
EVENT = {
    "id": "1",
    "topic": "/subscriptions/0",
    "subject": "db-password",
    "eventType": "Microsoft.KeyVault.SecretNewVersionCreated",
    "eventTime": "2026-01-31T12:00:00.1234567Z",
    "data": {"ObjectName": "db-password"},
    "dataVersion": "1",
    "metadataVersion": "1",
}


class RuntimeHost(FunctionHost):
    """Azure's code, started as the dev host is."""

    def _program(self) -> tuple[str, ...]:
        return (str(RUNTIME),)


class Served(Protocol):
    """What serves functions somewhere.

    Attributes:
        url: Where it listens.
        event_functions: The functions that events call.
    """

    url: str
    functions: dict[str, FunctionEndpoint]
    event_functions: dict[str, FunctionEndpoint]


def answers(hosts: Mapping[str, Served], method: str, path: str, **sent: Any) -> dict[str, Told]:
    """Ask all hosts at once; return the status, the headers that an author decides on, and the body of each answer."""
    with ThreadPoolExecutor() as askers:
        return dict(zip(hosts, askers.map(partial(_answer, method, path, sent), hosts.values()), strict=True))


def _answer(method: str, path: str, sent: dict[str, Any], host: Served) -> Told:
    asked = {key: value(host) if callable(value) else value for key, value in sent.items()}
    answer = requests.request(method, f"{host.url}{path}", timeout=30, **asked)
    decided = {"content-type", "x-told", "set-cookie", "cache-control", "retry-after"}
    headers = sorted((key.lower(), value) for key, value in answer.headers.items() if key.lower() in decided)
    body = answer.content
    if b'"ageSeconds"' in body:
        body = json.dumps({**answer.json(), "ageSeconds": 0, "source": "any"}).encode()
    if answer.status_code == HTTPStatus.GATEWAY_TIMEOUT:
        # Whose clock strikes first, the caller's or that of the thread that reads, decides on the words.
        body = json.dumps({name: answer.json()[name] for name in ("type", "title", "status", "code")}).encode()
    return answer.status_code, str(headers), body


def compare(
    hosts: Mapping[str, Served], table: list[tuple[str, str, str]], case: tuple[str, str, str, int, dict[str, Any]]
) -> None:
    """Ask two hosts the same, note their answers in the table, and make sure that they are one.

    Args:
        hosts: The hosts, Azure's first.
        table: The rows that are printed.
        case: Its name, the method, the path, the status that must come, and what else is sent.
    """
    name, method, path, status, sent = case
    real, dev = answers(hosts, method, path, **sent).values()
    table.append((name, told(real), told(dev)))
    assert real == dev
    assert real[0] == status


def told(answer: Told) -> str:
    """Return an answer as the table shows it: two that are not the same look different."""
    return f"{answer[0]} {hashlib.sha256(str(answer).encode()).hexdigest()[:12]}, {len(answer[2])} bytes"


def bringing(kind: str) -> Callable[[Served], dict[str, str]]:
    """Return the headers of a delivery by Event Grid, for whichever host it is."""
    return lambda host: {
        "aeg-event-type": kind,
        "x-functions-key": str(next(iter(host.event_functions.values())).key),
    }
