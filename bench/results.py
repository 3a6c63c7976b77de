"""Keeps what a benchmark measured: the raw numbers as JSON, and its table in docs/performance.md."""

import json
import os
import platform
import re
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench" / "results"
PAGE = ROOT / "docs" / "performance.md"
ROUNDS = 7


T = TypeVar("T")


def alternate(rivals: Mapping[str, Callable[[], T]], rounds: int = ROUNDS) -> dict[str, list[T]]:
    """Measure each rival once a round, so that what else the machine does hits all of them alike."""
    measured: dict[str, list[T]] = {name: [] for name in rivals}
    for number in range(rounds):
        # Backwards every other time: the one that comes after a heavy rival is not always the same.
        for name in list(rivals) if number % 2 == 0 else reversed(rivals):
            measured[name].append(rivals[name]())
    return measured


def median(measured: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in measured.items()}


def ratio(measured: Mapping[str, list[float]], rival: str, to: str) -> float:
    """Return the median of the rounds' own ratios."""
    return statistics.median(one / other for one, other in zip(measured[rival], measured[to], strict=True))


def keep(name: str, raw: Mapping[str, object], section: str) -> None:
    """Save the raw numbers and put the section between its marks into the page.

    Args:
        name: The benchmark's name; the page has ``<!-- bench: NAME -->`` and ``<!-- end: NAME -->``.
        raw: What was measured.
        section: Markdown.
    """
    RESULTS.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "system": platform.system(), "cores": os.cpu_count()}
    text = json.dumps({"machine": machine, **raw}, indent=1)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    marks = re.compile(rf"(<!-- bench: {name} -->\n).*?(<!-- end: {name} -->)", re.DOTALL)
    if not marks.search(page):
        raise SystemExit(f"docs/performance.md has no section with the marks of {name}")
    PAGE.write_text(marks.sub(lambda found: f"{found[1]}{section.strip()}\n{found[2]}", page), encoding="utf-8")
    print(section)


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def met(value: float, goal: float, *, unit: str = "", at_least: bool = False) -> str:
    """Say whether a goal was met, in words."""
    good = value >= goal if at_least else value <= goal
    return f"{'at least' if at_least else 'at most'} {goal:g}{unit}: {'met' if good else 'missed'}"
