"""Reads what Python projects require: requirement files, and ``pip install`` in scripts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from packaging.requirements import InvalidRequirement, Requirement

from keyless.audit.facts import Package
from keyless.audit.rules.packages import FAULTS, canonical
from keyless.audit.values import Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.audit.facts import Fact
    from keyless.audit.readers.words import Command
    from keyless.audit.source import Source

WATCHED: Final = frozenset(fault.name for fault in FAULTS if fault.ecosystem == "pypi")
_NAMES: Final = "|".join(re.escape(name).replace(r"\-", "[-_.]") for name in sorted(WATCHED, key=len, reverse=True))
_LINE: Final = re.compile(rf"(?im)^[ \t]*(?P<text>(?:{_NAMES})(?![\w.-])[^#\\\r\n]*)".encode())


def read(source: Source) -> Iterator[Fact]:
    """Yield what a requirement file names."""
    for found in _LINE.finditer(source.data):
        text = found["text"].decode(errors="replace").split(" --hash")[0]
        yield from required(text, source, source.line_at(found.start("text")))


def required(text: str, source: Source, line: int) -> Iterator[Package]:
    """Yield the package of one requirement, if it is one that has rules."""
    try:
        requirement = Requirement(text.strip())
    except InvalidRequirement:
        return
    name = canonical(requirement.name, "pypi")
    if name in WATCHED and requirement.specifier:
        place = source.place(line)
        yield Package(ecosystem="pypi", name=name, requirement=str(requirement.specifier), place=place)


def install(command: Command, source: Source) -> Iterator[Fact]:
    """Yield what ``pip install`` and ``uv pip install`` name."""
    for word in command.words:
        if isinstance(word, Scalar):
            yield from required(str(word.value), source, word.line)
