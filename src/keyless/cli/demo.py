"""``keyless demo``: the main job, start to end, on this machine."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click
import requests
from rich.console import Console

from keyless.cli.examples import examples
from keyless.cli.waiting import Waiting
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

    @property
    def as_expected(self) -> bool:
        """Whether the status that must come came."""
        return self.status == self.expected


@click.command(epilog=examples("keyless demo", "keyless demo --json"))
@click.option("--json", "as_json", is_flag=True, help="Print the steps as JSON.")
def demo(*, as_json: bool) -> None:
    """Make six calls of a function that reads a secret with a managed identity.

    Everything runs on this machine, on free ports: the identity endpoint, the vault with TLS, and the function. Two calls
    fail on purpose, and show the error and its remedy. The exit code is 0 if all six answer as expected.
    """
    console, started = Console(highlight=False, stderr=as_json), time.perf_counter()
    if not as_json:
        console.print("The function [bold]AcquireTokenMsi[/] reads a secret from Key Vault by managed identity.")
        console.print("Nothing leaves this machine. The code is the code of production.\n")
    steps = []
    with ExitStack() as stack, Waiting("Starting a local Azure and the function") as waiting:
        for step in _steps(stack):
            waiting.end()
            steps.append(step)
            if not as_json:
                _show(console, len(steps), step)
    good = all(step.as_expected for step in steps)
    if as_json:
        keys = ("step", "request", "status", "body", "ms")
        click.echo(json.dumps([{key: getattr(step, key) for key in keys} for step in steps], indent=2))
    else:
        seconds = time.perf_counter() - started
        right = sum(step.as_expected for step in steps)
        colour = "green" if good else "red"
        console.print(f"[{colour}]{right} of {len(steps)} calls answered as expected[/], in {seconds:.1f} s.")
        console.print(
            f"Next: [bold]{_keyless()} up[/] keeps it running. [bold]{_keyless()} run CMD[/] gives it to your own program."
        )
    sys.exit(0 if good else 1)


def _steps(stack: ExitStack) -> Iterator[Step]:
    from keyless.cli.served_functions import function_host  # noqa: PLC0415 (a TAB in a shell loads this module)

    config = default_config()
    azure = stack.enter_context(LocalAzure(config, at_once=True))
    # The functions' own log would be between the answers; what went wrong is in the answers.
    log = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 (the stack closes it)
    hosts = [function_host(config, azure.environment(identity=enabled), log=log) for enabled in (True, False)]
    with ThreadPoolExecutor() as both:
        host, bare = both.map(stack.enter_context, hosts)
    session = stack.enter_context(requests.Session())
    session.trust_env = False
    function, without_identity = host.functions[_FUNCTION], bare.functions[_FUNCTION]
    reporting, newcomer = azure.identity("reporting"), azure.identity("newcomer")
    yield _call(session, "The system-assigned identity reads the secret", function, {}, 200)
    by_client_id = {"userAssignedClientId": reporting.client_id}
    yield _call(session, "A user-assigned identity reads it, by client id", function, by_client_id, 200)
    by_resource_id = {"userAssignedResourceId": reporting.resource_id}
    yield _call(session, "The same identity reads it, by resource id", function, by_resource_id, 200)
    yield _call(session, "The host has no identity", without_identity, {}, 503)
    as_newcomer = {"userAssignedClientId": newcomer.client_id}
    yield _call(session, "An identity has no role on the vault", function, as_newcomer, 403)
    newcomer.grant("Key Vault Secrets User", on=azure.vault("contoso-kv"))
    deadline = time.monotonic() + _ROLE_SECONDS
    while True:
        step = _call(session, "The same call, after the role was granted", function, as_newcomer, 200)
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
    colour = "green" if step.as_expected else "red"
    wrong = "" if step.as_expected else f", but {step.expected} was expected"
    console.print(f"[bold]{number}. {step.step}[/]")
    console.print(f"   {step.request}", style="dim", soft_wrap=True)
    console.print(f"   [{colour}]{step.status}[/] in {step.ms:.0f} ms{wrong}")
    for line in _outcome(step.body):
        console.print(f"   {line}", markup=False, soft_wrap=True)
    console.print()


def _outcome(body: Any) -> Iterator[str]:
    """Return the lines that say what the function answered: the secret's name, or the failure and commands to paste."""
    if not isinstance(body, dict):
        yield str(body)
    elif "secret" in body:
        yield f"secret {body['secret']['name']} = {body['secret']['value']!r}, read as {body['identity']['kind']}"
    else:
        yield f"{body['code']}: {body['title']}"
        commands = re.findall("([^`]*)`([^`]+)`", body["remedy"])
        yield "Remedy:" if commands else f"Remedy: {body['remedy']}"
        for words, command in commands:
            # The sentence that a command belongs to says where it is for: here, or in Azure.
            yield f"  {re.split(r'(?<=[.?]) ', words)[-1].strip()}"
            yield f"    {command}"


def _keyless() -> str:
    """Return what a user types for this program: make runs it from an environment that is not on PATH."""
    return "keyless" if shutil.which("keyless") else os.path.relpath(sys.argv[0])
