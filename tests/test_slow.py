"""The list of slow tests is held against a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests import slow

if TYPE_CHECKING:
    from pathlib import Path

REPORT = """<testsuites><testsuite>
<testcase file="tests/test_a.py" name="test_quick" time="0.1"/>
<testcase file="tests/test_a.py" name="test_many[1]" time="0.1"/>
<testcase file="tests/test_a.py" name="test_many[a[0]]" time="2.5"/>
</testsuite></testsuites>
"""


def test_a_report_gives_the_longest_time_of_each_test(tmp_path: Path) -> None:
    (tmp_path / "tests.xml").write_text(REPORT, encoding="utf-8")
    assert slow.measured(tmp_path / "tests.xml") == {
        "tests/test_a.py::test_quick": 0.1,
        "tests/test_a.py::test_many": 2.5,
    }


def test_a_slow_test_that_is_not_listed_and_a_listed_one_that_is_gone_are_problems() -> None:
    seconds = {"tests/test_a.py::test_quick": 0.1, "tests/test_a.py::test_new": 25.0, "tests/test_a.py::test_old": 3.0}
    listed = frozenset({"tests/test_a.py::test_old", "tests/test_a.py::test_gone", "tests/test_not_run.py::test_it"})
    assert slow.problems(seconds, listed) == [
        "tests/test_a.py::test_new is slow, and not listed",
        "tests/test_a.py::test_gone is listed, and gone",
    ]
