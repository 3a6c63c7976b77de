"""Runs the programs of every language with the local Azure and prints one table: ``make interop``, ``make interop LANG=java``."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, redirect_stderr
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from rich.console import Console
from rich.table import Table
from rich.text import Text
from tests.clients.certificate_scenarios import CERTIFICATE_SCENARIOS
from tests.clients.impostor import impostor
from tests.clients.key_scenarios import KEY_SCENARIOS
from tests.clients.programs import LANGUAGES
from tests.clients.scenarios import DEFAULT, OUTSIDE, SCENARIOS, TOKEN_LIFETIME, Asked, Scenario

from keyless.cli.run import child_environment
from keyless.errors import LocalAzureError
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.clients.language import Language, Program

_PATIENCE = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A line of the table.

    Attributes:
        language: The language.
        client: The client and its version.
        source: The source of managed identities.
        scenario: The scenario.
        text: What came of it.
        passed: Whether that is what it should; None where it could not be tried.
        seconds: How long the program took.
    """

    language: str
    client: str = ""
    source: str = ""
    scenario: str = ""
    text: str = "ok"
    passed: bool | None = True
    seconds: float = 0.0


def scenarios_of(program: Program) -> tuple[Scenario, ...]:
    """Return what a program goes through, wherever its token comes from."""
    return {"secrets": SCENARIOS, "keys": KEY_SCENARIOS, "certificates": CERTIFICATE_SCENARIOS}[program.about]


class Interop:
    """Runs programs, some at the same time, each with a local Azure of its own.

    Args:
        jobs: How many at the same time; most of what some do is waiting until they try again.
    """

    def __init__(self, *, jobs: int = 4) -> None:
        self._jobs = jobs
        self._process_environment = threading.Lock()

    def results(self, language: Language) -> Iterator[Result]:
        """Install a language's clients, run all its programs, and yield a line for each that ended."""
        if missing := language.missing():
            text = f"NOT RUN: {', '.join(missing)} missing on this machine"
            yield Result(language=language.name, text=text, passed=None)
            return
        # A second time, since a registry may have been out of reach for a moment.
        if problem := language.make_ready() and language.make_ready():
            yield Result(language=language.name, text=f"NOT INSTALLED: {problem}", passed=False)
            return
        cells = [
            (program, source, scenario)
            for program in language.programs
            for source in program.sources
            for scenario in scenarios_of(program)
        ]
        cells += [(program, source, DEFAULT) for program in language.programs for source in program.default_on]
        yield from self.run_all(language, cells)

    def run_all(self, language: Language, cells: Iterable[tuple[Program, str, Scenario]]) -> Iterator[Result]:
        """Run programs, each in a source and a scenario, and yield a line for each in their order."""
        with ThreadPoolExecutor(self._jobs) as pool:
            yield from pool.map(lambda cell: self.run(language, *cell), cells)

    def once_more(self, language: Language, result: Result) -> Result:
        """Try what went wrong again, alone, and say so: some scenarios go by the seconds, and a machine may be busy."""
        for program in language.programs:
            for scenario in (*scenarios_of(program), DEFAULT):
                if (f"{program.client} {program.version()}", scenario.name) == (result.client, result.scenario):
                    again = self.run(language, program, result.source, scenario)
                    return replace(again, text=f"{again.text} (at first: {result.text})")
        return result

    def run(self, language: Language, program: Program, source: str, scenario: Scenario) -> Result:
        """Run one program in one scenario, with what ``keyless run`` would give it."""
        try:
            return self._run(language, program, source, scenario)
        except LocalAzureError as error:  # Azure Arc wants a folder that only root may make.
            text = f"NOT RUN: {error.what}"
            return Result(language=language.name, source=source, scenario=scenario.name, text=text, passed=None)

    def _run(self, language: Language, program: Program, source: str, scenario: Scenario) -> Result:
        with ExitStack() as stack:
            stranger = stack.enter_context(impostor())
            folder = Path(stack.enter_context(TemporaryDirectory()))
            # What the local Azure finds to be the proxy to hosts that are no vaults is the impostor.
            with self._process_environment, patch.dict(os.environ, {"HTTPS_PROXY": stranger.proxy_url}):
                azure = stack.enter_context(LocalAzure(scenario.config(), source=source, data=folder))
                environment = child_environment(azure, os.environ)
            stranger.authority_pem = Path(folder, "authority.pem").read_bytes()
            asked = scenario.prepare(azure)
            started = time.monotonic()
            answer = _answer(language, program, asked, environment, azure)
            seconds = time.monotonic() - started
            text, passed = _judge(program, source, scenario, answer, azure)
            if stranger.trusted or bool(stranger.visits) != (asked.vault_url == OUTSIDE):
                text, passed = f"{stranger.visits} let out, {stranger.trusted} of them trusting: {text}", False
        return Result(
            language=language.name,
            client=f"{program.client} {program.version()}",
            source=source,
            scenario=scenario.name,
            text=text,
            passed=passed,
            seconds=seconds,
        )


def _answer(
    language: Language, program: Program, asked: Asked, environment: dict[str, str], azure: LocalAzure
) -> Mapping[str, Any]:
    """Run a program and return the line that it printed."""
    command = [*program.command, asked.action, asked.vault_url, *asked.arguments]
    with subprocess.Popen(
        command,
        cwd=language.folder,
        env={**environment, **asked.ids},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            if asked.action == "read-twice":
                _let_the_token_expire(azure, process)
            printed, errors = process.communicate("\n", timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            return {"error": f"no answer in {_PATIENCE:g} s"}
    try:
        answer: Mapping[str, Any] = json.loads(printed)
    except ValueError:
        return {"crash": f"exit code {process.returncode}: {printed}{errors}"[-2000:]}
    return answer


def _let_the_token_expire(azure: LocalAzure, process: subprocess.Popen[str]) -> None:
    """Wait for the first read, and until its token is of no use by the client's clock, which nobody else can move."""
    deadline = time.monotonic() + _PATIENCE
    while not azure.journal.count(operation="getSecret", status=200):
        if process.poll() is not None or time.monotonic() > deadline:
            return
        time.sleep(0.05)
    time.sleep(TOKEN_LIFETIME + 1.1)  # Ends are whole seconds, and some clients round them up.


def _judge(
    program: Program, source: str, scenario: Scenario, answer: Mapping[str, Any], azure: LocalAzure
) -> tuple[str, bool]:
    """Return what came of it in words, and whether it is what it should be."""
    known = program.differences
    difference = known.get(scenario.name) or known.get(f"{scenario.name} on {source}")
    if difference is None:
        problem = scenario.problem(answer, azure)
        return problem or "ok", problem is None
    if re.search(difference.error, str(answer.get("error", ""))):
        return difference.why, True
    return f"answered {answer}, where this was known: {difference.why}", False


def main(names: list[str]) -> int:
    """Print the table for the languages that are named, or for all; return 1 if anything in it is wrong."""
    chosen = [language for language in LANGUAGES if not names or language.name in names]
    table = Table("language", "client and version", "source", "scenario", "result", "time", box=None, pad_edge=False)
    interop, wrong = Interop(), not chosen
    for language in chosen:
        # What the local Azure tells a user on standard error is not for a table.
        with redirect_stderr(io.StringIO()):
            results = [
                interop.once_more(language, found) if found.passed is False else found
                for found in interop.results(language)
            ]
        for result in results:
            mark = {True: "green", False: "red", None: "yellow"}[result.passed]
            took = f"{result.seconds:.1f} s" if result.seconds else ""
            text = Text(result.text, style=mark)
            table.add_row(result.language, result.client, result.source, result.scenario, text, took)
            wrong |= result.passed is False
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
