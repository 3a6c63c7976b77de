"""Official clients, in programs as their users write them, at the production URL: one row of the table of ``make interop``.

CI runs the whole table, in every language that it has the tools for, and leaves this out.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.clients.dotnet import CSHARP
from tests.clients.interop import Interop, Result, scenarios_of
from tests.clients.programs import CURL, GO, JAVA, JAVASCRIPT, JAVASCRIPT_OLDER, PYTHON
from tests.clients.scenarios import DEFAULT, SCENARIOS

from keyless.local.sources import SOURCES

if TYPE_CHECKING:
    from tests.clients.language import Language, Program

# Those that are ready in seconds. `make interop` runs the others too.
LANGUAGES = (PYTHON, CURL, JAVASCRIPT, GO)
PROGRAMS = [
    pytest.param(language, program, id=f"{language.name}-{number}")
    for language in LANGUAGES
    for number, program in enumerate(language.programs)
    if program.about == "secrets"
]
PROGRAMS_OF_OTHERS = [
    pytest.param(language, program, id=f"{language.name}-{program.about}")
    for language in LANGUAGES
    for program in language.programs
    if program.about != "secrets"
]
WHAT_COUNTS = {"keys": "keys: sign, encrypt, wrap", "certificates": "certificates: download"}


WITH_DEFAULT = [
    pytest.param(language, program, source, id=f"{language.name}-{number}-{source}")
    for language in (PYTHON, JAVASCRIPT, JAVASCRIPT_OLDER, GO, JAVA)
    for number, program in enumerate(language.programs)
    for source in program.default_on
]


def make_ready(language: Language) -> None:
    """Install a language's clients; skip where that cannot be done, but where tests decide about a change."""
    if missing := language.missing():
        pytest.skip(f"{language.name.upper()} IS NOT TESTED: {', '.join(missing)} missing on this machine.")
    problem = language.make_ready()
    if problem and not os.environ.get("CI"):
        pytest.skip(f"{language.name.upper()} IS NOT TESTED: its clients cannot be installed: {problem}")
    assert problem is None, problem


def test_a_language_whose_tools_are_missing_is_said_not_to_be_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    (result,) = Interop().results(CSHARP)
    assert (result.text, result.passed) == ("NOT RUN: dotnet missing on this machine", None)


def test_the_program_in_c_sharp_is_for_every_source_and_each_refusal_of_its_client_is_of_a_scenario_there_is() -> None:
    (program,) = CSHARP.programs
    cells = {f"{scenario.name} on {source}" for scenario in SCENARIOS for source in program.sources}
    assert program.sources == SOURCES
    assert set(program.differences) <= cells


@pytest.mark.parametrize(("language", "program", "source"), WITH_DEFAULT)
def test_a_client_finds_out_what_kind_of_host_it_is_on_and_nothing_is_let_out(
    language: Language, program: Program, source: str
) -> None:
    make_ready(language)
    result = Interop().run(language, program, source, DEFAULT)
    assert (result.text, result.passed) == ("ok", True)
    # Where one asked the real login host about the local authority, it waited for 19 s in Go, and for 76 s in Java.
    assert result.seconds < 15


@pytest.mark.parametrize(("language", "program"), PROGRAMS)
def test_a_client_reads_the_secret_on_each_kind_of_host(language: Language, program: Program) -> None:
    make_ready(language)
    cells = [
        (source, scenario) for source in program.sources for scenario in SCENARIOS if scenario.name == "read latest"
    ]
    results = list(Interop().run_all(language, [(program, *cell) for cell in cells]))
    assert len(results) == len(program.sources)
    assert [_line(result) for result in results if not result.passed] == []


@pytest.mark.parametrize(("language", "program"), PROGRAMS_OF_OTHERS)
def test_a_client_uses_keys_and_downloads_certificates(language: Language, program: Program) -> None:
    make_ready(language)
    (scenario,) = (found for found in scenarios_of(program) if found.name == WHAT_COUNTS[program.about])
    (result,) = Interop().run_all(language, [(program, "app-service", scenario)])
    assert result.passed, _line(result)


def _line(result: Result) -> str:
    return f"{result.client}, {result.source}, {result.scenario}: {result.text}"
