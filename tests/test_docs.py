"""What the documents and docstrings claim, held against the code."""

import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import keyless
from keyless import errors

ROOT = Path(__file__).parents[1]
MODULES = [found.name for found in pkgutil.walk_packages(keyless.__path__, "keyless.") if "__main__" not in found.name]
BASES = {"KL-000", "KL-200", "KL-300"}


def codes() -> set[str]:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.KeylessError)]
    return {kind.kl_code for kind in kinds}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_are_true(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def finding_codes() -> set[str]:
    modules = (ROOT / "src" / "keyless" / "doctor").glob("*.py")
    return {code for module in modules for code in re.findall(r'"(KL-6\d\d)"', module.read_text())}


def test_every_error_code_and_finding_has_a_section_and_every_section_one_of_them() -> None:
    text = (ROOT / "docs" / "errors.md").read_text()
    assert set(re.findall(r"^## (KL-\d+)$", text, re.MULTILINE)) == codes() - BASES | finding_codes()
    assert len(finding_codes()) >= 13


def test_the_table_of_errors_says_what_the_classes_say() -> None:
    text = (ROOT / "docs" / "errors.md").read_text()
    rows = re.findall(r"^\| (KL-\d+) \| `(\w+)` \| (yes|no) \| (yes|no) \|", text, re.MULTILINE)
    assert {row[0] for row in rows} == codes() - BASES
    for code, name, retryable, stale in rows:
        kind = getattr(errors, name)
        assert (kind.kl_code, kind.retryable, kind.stale_ok) == (code, retryable == "yes", stale == "yes")


def test_every_file_that_contributors_are_sent_to_is_there() -> None:
    pages = [ROOT / "CONTRIBUTING.md", *(ROOT / "docs" / "decisions").glob("*.md")]
    named = {path for page in pages for path in re.findall(r"`((?:src|tests|docs)/[\w./-]+)`", page.read_text())}
    assert sorted(path for path in named if not (ROOT / path).exists()) == []
    assert len(named) > 30


def test_the_readme_keeps_to_what_a_new_user_needs() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    first = text.split("\n\n")[1]
    assert all(words in first for words in ("local emulator", "managed identity", "Key Vault"))
    assert len(text.split()) < 900
    assert {"    make demo", "    make test"} <= {line.partition("  #")[0].rstrip() for line in text.splitlines()}


def test_every_link_of_the_readme_into_the_repository_leads_to_a_file() -> None:
    # PyPI shows the page too, so that its links are whole addresses.
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((?!https:)[^)]+\)", text) == []
    named = re.findall(r"keyless-azure/keyless/(?:blob/)?main/([\w./-]+)\)", text)
    assert [path for path in named if not (ROOT / path).is_file()] == []
    assert len(named) > 10


def test_every_link_between_the_documents_leads_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []
    assert pages
