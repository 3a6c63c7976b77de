"""The word list that people read is the one that `make check` holds pages and code to."""

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


def test_the_words_of_tables_and_headings_count_and_those_of_code_and_of_quotations_do_not() -> None:
    assert prose.problems("page.md", "# A page that bites\n\nYou read it.")
    assert prose.problems("page.md", "You read it.\n\n| it is read anew |\n")
    assert prose.problems("page.md", 'You read "Mend first" there.') == []
    assert prose.problems("page.md", "You read `the page says`.\n\n    anew\n\n```sh\nanew\n```\n") == []


def test_messages_docstrings_and_comments_of_code_are_held_to_the_words() -> None:
    assert len(prose.code_problems("a.py", '"""A module.\n\nIt is read anew.\n"""\n')) == 1
    assert len(prose.code_problems("a.py", "raise ValueError(f'{name} is no vault')")) == 1
    assert len(prose.code_problems("a.py", "x = 1  # read anew")) == 1
    assert prose.code_problems("a.py", "anew = {'anew': 'the `anew` of it'}  # see ``anew``") == []


def test_a_docstring_of_a_module_or_a_class_is_a_noun() -> None:
    assert prose.code_problems("a.py", '"""What is remembered."""')
    assert prose.code_problems("a.py", 'class A:\n    """Who reads."""')
    assert prose.code_problems("a.py", '"""The memory."""\n\n\ndef f() -> bool:\n    """Whether it is."""') == []
