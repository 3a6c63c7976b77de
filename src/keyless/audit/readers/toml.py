"""Reads TOML: pyproject.toml, and the lock files of Poetry, uv and PDM."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.audit.facts import Package
from keyless.audit.readers.requirements import WATCHED, required
from keyless.audit.rules.packages import canonical
from keyless.audit.source import above, node_at, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from keyless.audit.facts import Fact
    from keyless.audit.source import Source

_NAMES: Final = "|".join(re.escape(name).replace(r"\-", "[-_.]") for name in sorted(WATCHED, key=len, reverse=True))
_LOCKED: Final = re.compile(rf"""(?im)^name\s*=\s*["'](?P<name>{_NAMES})["']""".encode())
_REQUIRED: Final = re.compile(rf"""(?i)["'](?P<text>(?:{_NAMES})(?![\w.-])[^"'\n]*)["']""".encode())
_POETRY: Final = re.compile(
    rf"""(?im)^["']?(?P<name>{_NAMES})["']?\s*=\s*(?:\{{[^}}\n]*version\s*=\s*)?["'](?P<text>[^"']+)["']""".encode()
)


def read(source: Source) -> Iterator[Fact]:
    """Yield what a project requires: PEP 621, dependency groups, and Poetry's own tables."""
    root = source.tree("toml")
    for found in _REQUIRED.finditer(source.data):
        if _inside(root, found.start("text"), "array"):
            yield from required(found["text"].decode(errors="replace"), source, source.line_at(found.start("text")))
    for found in _POETRY.finditer(source.data):
        table = above(node_at(root, found.start("name"), found.end("name")), "table", "comment")
        if table is None or not text_of(table.named_children[0]).endswith("dependencies"):
            continue
        place = source.place(source.line_at(found.start("name")))
        version = found["text"].decode(errors="replace")
        # Poetry's caret and tilde are npm's.
        text = version if version[:1] in "^~=<>!*" else f"=={version}"
        yield Package(ecosystem="pypi", name=canonical(found["name"].decode(), "pypi"), requirement=text, place=place)


def read_lock(source: Source) -> Iterator[Fact]:
    """Yield the releases that a lock file names."""
    root = source.tree("toml")
    for found in _LOCKED.finditer(source.data):
        table = above(node_at(root, found.start("name"), found.end("name")), "table_array_element")
        version = _member(table, "version")
        if version is not None:
            place = source.place(source.line_of(version), source.line_at(found.start()))
            name = canonical(found["name"].decode(), "pypi")
            text = text_of(version).strip("\"'")
            yield Package(ecosystem="pypi", name=name, requirement=f"=={text}", place=place)


def _member(table: Node | None, name: str) -> Node | None:
    for pair in table.named_children if table is not None else ():
        if pair.type == "pair" and text_of(pair.named_children[0]) == name:
            return pair.named_children[-1]
    return None


def _inside(root: Node, offset: int, kind: str) -> bool:
    node = above(node_at(root, offset, offset + 1), kind, "comment")
    return node is not None and node.type == kind
