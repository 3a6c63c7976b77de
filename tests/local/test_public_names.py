"""What users import from ``keyless.local``: all that the documents name, and no more is loaded than is used."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import keyless.local

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_every_public_name_is_there_and_listed() -> None:
    assert sorted(keyless.local.__all__) == sorted(keyless.local._ROOMS)
    for name in keyless.local.__all__:
        assert getattr(keyless.local, name) is not None
    assert set(keyless.local.__all__) <= set(dir(keyless.local))


def test_a_name_that_is_none_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'LocalAzur'"):
        keyless.local.LocalAzur  # type: ignore[attr-defined]  # noqa: B018 (mypy finds it, too)


def test_the_documents_import_from_the_package_itself() -> None:
    imports = [
        line
        for page in PAGES
        for line in re.findall(r"^ *from (keyless\.local\S*) import (.+)$", page.read_text(), re.MULTILINE)
    ]
    assert {module for module, _ in imports} == {"keyless.local"}
    assert {name.strip() for _, names in imports for name in names.split(",")} <= set(keyless.local.__all__)


@pytest.mark.parametrize("name", ["Fault", "Clock", "SOURCES", "VaultSettings", "ObjectStateError"])
def test_a_name_that_needs_no_server_loads_none(name: str) -> None:
    heavy = "{'aiohttp', 'cryptography', 'msal'}"
    program = f"import sys; from keyless.local import {name}; print(*{heavy}.intersection(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.split() == []
