"""Reads what JavaScript and .NET projects lock in JSON: package.json, package-lock.json, packages.lock.json."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.audit.facts import Package
from keyless.audit.readers.arm import value
from keyless.audit.rules.packages import FAULTS
from keyless.audit.source import above, node_at
from keyless.audit.values import Group, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.audit.facts import Fact
    from keyless.audit.source import Source

_NPM: Final = "|".join(re.escape(fault.name) for fault in FAULTS if fault.ecosystem == "npm")
_NUGET: Final = "|".join(re.escape(fault.name) for fault in FAULTS if fault.ecosystem == "nuget")
_REQUIRED: Final = re.compile(rf'"(?P<name>{_NPM})"\s*:\s*"(?P<text>[^"]+)"'.encode())
_LOCKED: Final = re.compile(rf'"(?:[^"\n]*node_modules/)?(?P<name>{_NPM})"\s*:\s*(?P<body>\{{)'.encode())
_RESOLVED: Final = re.compile(rf'(?i)"(?P<name>{_NUGET})"\s*:\s*(?P<body>\{{)'.encode())


def read(source: Source) -> Iterator[Fact]:
    """Yield what a package.json requires."""
    root = source.tree("json")
    for found in _REQUIRED.finditer(source.data):
        if above(node_at(root, found.start("name"), found.end("name")), "pair") is not None:
            yield Package(
                ecosystem="npm",
                name=found["name"].decode(),
                requirement=found["text"].decode(errors="replace"),
                place=source.place(source.line_at(found.start("name"))),
            )


def read_lock(source: Source) -> Iterator[Fact]:
    """Yield what a package-lock.json holds."""
    yield from _locked(source, _LOCKED, "version", is_npm=True)


def read_nuget(source: Source) -> Iterator[Fact]:
    """Yield what a packages.lock.json holds."""
    yield from _locked(source, _RESOLVED, "resolved", is_npm=False)


def _locked(source: Source, pattern: re.Pattern[bytes], member: str, *, is_npm: bool) -> Iterator[Package]:
    root = source.tree("json")
    for found in pattern.finditer(source.data):
        node = above(node_at(root, found.start("body"), found.end("body")), "object")
        body = value(node, source) if node is not None else None
        version = body.get(member) if isinstance(body, Group) else None
        if isinstance(version, Scalar) and isinstance(version.value, str):
            place = source.place(version.line, source.line_at(found.start("name")))
            name, text = found["name"].decode(), f"={version.value}"
            yield Package(ecosystem="npm" if is_npm else "nuget", name=name, requirement=text, place=place)
