"""The pages on testing and on the library are true: each of their programs is a file of tests that passes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import RunPytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(("page", "count"), [("testing.md", 5), ("library.md", 3)])
def test_every_program_of_the_page_passes_as_it_stands(
    pytester: pytest.Pytester, run_pytest: RunPytest, page: str, count: int
) -> None:
    programs = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    for number, program in enumerate(programs):
        pytester.path.joinpath(f"test_{number}.py").write_text(program, encoding="utf-8")
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    result = run_pytest("-W", "error")
    result.assert_outcomes(passed=sum(program.count("def test_") for program in programs))
    assert len(programs) == count
