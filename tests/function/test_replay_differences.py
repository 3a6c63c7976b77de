"""What is left different from Azure's own Functions host is listed, with its reason, where users read it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from tests.function.replay import TABLES, cases
from tests.function.replay_differences import LEFT

PAGE = Path(__file__).parents[2] / "docs" / "fidelity.md"
# Where nothing may be left.
SETTLED = {"templates", "routes", "route-order", "responses", "auth", "asgi", "eventgrid"}


def section() -> str:
    return PAGE.read_text("utf-8").partition("## The Functions host\n")[2]


def test_every_kind_of_difference_is_listed_with_its_number() -> None:
    listed = dict(re.findall(r"^\| ([^|]+) \| (\d+) \|$", section(), re.MULTILINE))
    assert {kind: int(number) for kind, number in listed.items()} == Counter(LEFT.values())
    assert len(LEFT) < 40
    assert SETTLED.isdisjoint({table for table, _ in LEFT})


def test_the_tables_are_counted_as_they_are() -> None:
    if not TABLES.exists():
        pytest.skip("The answers of Azure's Functions host are not beside this checkout.")
    listed = re.findall(r"^\| ([a-z-]+) \| (\d+) \| (\d+) \|$", section(), re.MULTILINE)
    left = Counter(table for table, _ in LEFT)
    assert len(listed) == 10
    for table, number, different in listed:
        found = cases(table)
        many = {"routes": "requests", "apps": "answers"}.get(table)
        assert (int(number), int(different)) == (
            sum(len(one[many]) for one in found) if many else len(found),
            left[table],
        )
