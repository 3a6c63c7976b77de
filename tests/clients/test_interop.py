"""Official clients, in programs as their users write them, at the production URL: one row of the table of ``make interop``.

CI runs the whole table, in every language that it has the tools for, and leaves this out.
"""

from __future__ import annotations

import os

import pytest
from tests.clients.interop import Interop, Result
from tests.clients.programs import CURL, GO, JAVASCRIPT, PYTHON, Language, Program
from tests.clients.scenarios import SCENARIOS

# Those that are ready in seconds. `make interop` runs the others too.
LANGUAGES = (PYTHON, CURL, JAVASCRIPT, GO)
PROGRAMS = [
    pytest.param(language, program, id=f"{language.name}-{number}")
    for language in LANGUAGES
    for number, program in enumerate(language.programs)
]


@pytest.mark.parametrize(("language", "program"), PROGRAMS)
def test_a_client_reads_the_secret_on_each_kind_of_host(language: Language, program: Program) -> None:
    if missing := language.missing():
        pytest.skip(f"{language.name.upper()} IS NOT TESTED: {', '.join(missing)} missing on this machine.")
    problem = language.make_ready()
    if problem and not os.environ.get("CI"):
        pytest.skip(f"{language.name.upper()} IS NOT TESTED: its clients cannot be installed: {problem}")
    assert problem is None, problem
    cells = [
        (source, scenario) for source in program.sources for scenario in SCENARIOS if scenario.name == "read latest"
    ]
    results = list(Interop().run_all(language, [(program, *cell) for cell in cells]))
    assert len(results) == len(program.sources)
    assert [_line(result) for result in results if not result.passed] == []


def _line(result: Result) -> str:
    return f"{result.client}, {result.source}, {result.scenario}: {result.text}"
