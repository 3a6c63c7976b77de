"""The attacks with a small count; ``make attack`` runs them with their full one."""

from __future__ import annotations

import pytest
from tests.attack.__main__ import COLUMNS, run


@pytest.mark.parametrize(("name", "count", "seed"), [("interrupts", 600, 25), ("forks", 40, 25), ("drips", 20, 25)])
def test_nothing_hangs_nothing_is_lost_and_no_value_is_another_s(name: str, count: int, seed: int) -> None:
    found = run(name, count, seconds=120, seed=seed)
    assert found["tried"] >= count
    assert [found[column] for column in COLUMNS[1:]] == [0, 0, 0, 0]
