"""The word list that people read is the one that `make check` holds pages to."""

from __future__ import annotations

import re
from pathlib import Path

from tests import prose

ROOT = Path(__file__).parents[1]


def test_every_example_of_the_word_list_is_found_and_every_better_one_is_not() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r'^\| "([^"]+)" \| "([^"]+)"', text, re.MULTILINE)
    found = [{pattern for pattern in prose.WORDS if re.search(pattern, bad)} for bad, _ in rows]
    assert [bad for (bad, _), patterns in zip(rows, found, strict=True) if not patterns] == []
    assert set().union(*found) == set(prose.WORDS)
    assert [good for _, good in rows if any(re.search(pattern, good) for pattern in prose.WORDS)] == []


def test_prose_is_measured_without_code_tables_and_addresses() -> None:
    page = "# Title\n\nYou run it; [then](https://a.example/b) stop. Twice.\n\n    code; you\n\n| a; b |\n\n```\nyou\n```\n"
    figures = prose.measure(prose.prose_of(page))
    assert (figures.words, figures.sentences, figures.semicolons, figures.you) == (6, 2, 1, 1)


def test_a_page_with_a_forbidden_word_or_long_sentences_has_problems() -> None:
    assert prose.problems("page.md", "The page says how.")
    assert prose.problems("page.md", f"{'word ' * 30}.")
    assert prose.problems("page.md", "You read it. It works.") == []
