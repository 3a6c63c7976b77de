"""The page on testing is true: each of its programs is a file of tests that passes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"


def test_every_program_of_the_page_on_testing_passes_as_it_stands(pytester: pytest.Pytester) -> None:
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for number, program in enumerate(programs):
        pytester.path.joinpath(f"test_{number}.py").write_text(program, encoding="utf-8")
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-W", "error")
    result.assert_outcomes(passed=sum(program.count("def test_") for program in programs))
    assert len(programs) == 5
