"""A pain has a state of the local Azure and a test, a finding, a section in docs/errors.md, and a row in docs/pains.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

# The page is read in the repository and on its site, which has no tests.
SOURCE = "https://github.com/keyless-azure/keyless/blob/main/tests/pains/"
ROOT = Path(__file__).parents[2]
TESTS = sorted(set(Path(__file__).parent.glob("test_*.py")) - {Path(__file__)})


def _constants(test: Path) -> dict[str, int | str]:
    assigned = [node for node in ast.parse(test.read_text(encoding="utf-8")).body if isinstance(node, ast.Assign)]
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in assigned
        if isinstance(node.targets[0], ast.Name) and node.targets[0].id in {"PAIN", "CODE", "SYMPTOM"}
    }


def _rows() -> list[list[str]]:
    page = (ROOT / "docs" / "pains.md").read_text(encoding="utf-8")
    return [
        [cell.strip() for cell in line.strip("| ").split(" | ")]
        for line in page.splitlines()
        if re.match(r"\| \d", line)
    ]


def _sections() -> dict[str, str]:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (KL-\d+)$", page, flags=re.MULTILINE)
    return {code: " ".join(text.split()) for code, text in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.stem)
def test_the_row_the_section_and_the_test_of_a_pain_say_the_same(test: Path) -> None:
    said = _constants(test)
    row = next(row for row in _rows() if row[0] == str(said["PAIN"]))
    assert row[3] == f"[{said['CODE']}](errors.md#{str(said['CODE']).lower()}), [test]({SOURCE}{test.name})"
    assert row[2]
    section = _sections()[str(said["CODE"])]
    assert str(said["SYMPTOM"]) in section
    # What people paste into a search engine.
    assert [text for text in re.findall(r"`([^`]+)`", row[1]) if text not in section] == []


def test_every_pain_has_a_row_and_every_diagnosed_one_a_test() -> None:
    rows = _rows()
    assert [int(row[0]) for row in rows] == list(range(1, 39))
    diagnosed = {int(row[0]) for row in rows if SOURCE in row[3]}
    assert diagnosed == {_constants(test)["PAIN"] for test in TESTS}
    assert len(diagnosed) >= 28
    assert all(row[3] for row in rows)
