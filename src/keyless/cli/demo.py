"""``keyless demo``: the main job, start to end, on this machine."""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
import requests
from rich.console import Console
from rich.json import JSON

from keyless.local.azure.config.config import default_config
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.local.functions.endpoint import FunctionEndpoint

_FUNCTION = "AcquireTokenMsi"
# The function remembers a denial for a second; in Azure a new role takes minutes.
_ROLE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the function and what came of it.

    Attributes:
        step: What it shows.
        request: The call.
        expected: The status that must come.
        status: The status that came.
        body: The answer's JSON.
        ms: How long the call took, in milliseconds.
    """

    step: str
    request: str
    expected: int
    status: int
    body: Any
    ms: float


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the steps as JSON.")
def demo(*, as_json: bool) -> None:
    """See it work: the function reads a secret with a managed identity, and says why where it cannot.

    Everything runs here, on free ports: the identity endpoint, the vault behind TLS, the function in a process of its own.
    Exit status 0 means that every step came out as it must.
    """
    console, started = Console(highlight=False, stderr=as_json), time.perf_counter()
    if not as_json:
        console.print("The function [bold]AcquireTokenMsi[/] reads a secret from Key Vault by managed identity.")
        console.print("Nothing leaves this machine. The function and its libraries are those of production.\n")
    steps = []
    with ExitStack() as stack:
        for step in _steps(stack):
            steps.append(step)
            if not as_json:
                _show(console, len(steps), step)
    good = [step.status for step in steps] == [step.expected for step in steps]
    if as_json:
        keys = ("step", "request", "status", "body", "ms")
        click.echo(json.dumps([{key: getattr(step, key) for key in keys} for step in steps], indent=2))
    else:
        seconds = time.perf_counter() - started
        verdict = "All came out as they must" if good else "[red]Not all came out as they must[/]"
        console.print(f"{verdict}, in {seconds:.1f} s. Next: [bold]keyless up[/] keeps it running for you.")
    sys.exit(0 if good else 1)


def _steps(stack: ExitStack) -> Iterator[Step]:
    from keyless.cli.up import function_host  # noqa: PLC0415 (up imports what demo does not need)

    config = default_config()
    azure = stack.enter_context(LocalAzure(config, at_once=True))
    # The functions' own log would stand between the answers; what went wrong is in the answers.
    log = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 (the stack closes it)
    hosts = [function_host(config, azure.environment(identity=enabled), log=log) for enabled in (True, False)]
    with ThreadPoolExecutor() as both:
        host, bare = both.map(stack.enter_context, hosts)
    session = stack.enter_context(requests.Session())
    session.trust_env = False
    function, without_identity = host.functions[_FUNCTION], bare.functions[_FUNCTION]
    reporting, newcomer = azure.identity("reporting"), azure.identity("newcomer")
    yield _call(session, "the system-assigned identity reads the secret", function, {}, 200)
    by_client_id = {"userAssignedClientId": reporting.client_id}
    yield _call(session, "a user-assigned identity reads it, named by its client id", function, by_client_id, 200)
    by_resource_id = {"userAssignedResourceId": reporting.resource_id}
    yield _call(session, "the same identity, named by its resource id", function, by_resource_id, 200)
    yield _call(session, "no identity is enabled on the host", without_identity, {}, 503)
    as_newcomer = {"userAssignedClientId": newcomer.client_id}
    yield _call(session, "an identity without a role on the vault", function, as_newcomer, 403)
    newcomer.grant("Key Vault Secrets User", on=azure.vault("contoso-kv"))
    deadline = time.monotonic() + _ROLE_SECONDS
    while True:
        step = _call(session, "the same call, after the role was granted", function, as_newcomer, 200)
        if step.status == step.expected or time.monotonic() > deadline:
            yield step
            return
        time.sleep(0.05)


def _call(session: requests.Session, name: str, end: FunctionEndpoint, query: dict[str, str], expected: int) -> Step:
    started = time.perf_counter()
    answer = session.get(end.url, params=query, headers={"x-functions-key": end.key or ""}, timeout=60)
    ms = round((time.perf_counter() - started) * 1000, 1)
    try:
        body = answer.json()
    except ValueError:
        body = answer.text
    return Step(name, f"GET {answer.url}", expected, answer.status_code, body, ms)


def _show(console: Console, number: int, step: Step) -> None:
    good = step.status == step.expected
    colour = "green" if good else "red"
    wrong = "" if good else f", and {step.expected} must come"
    console.print(f"[bold]{number}. {step.step}[/]")
    console.print(f"   {step.request}", style="dim", soft_wrap=True)
    console.print(f"   [{colour}]{step.status}[/] in {step.ms:.0f} ms{wrong}")
    console.print(JSON.from_data(step.body, indent=2), soft_wrap=True)
    console.print()
