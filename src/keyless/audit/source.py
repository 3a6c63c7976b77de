"""One file of a project, and the grammars that its text is read with."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keyless.audit.facts import Place

if TYPE_CHECKING:
    from tree_sitter import Node, Parser


class Grammars:
    """The parsers, each made when a file first needs it."""

    def __init__(self) -> None:
        self._parsers: dict[str, Parser] = {}

    def tree(self, language: str, data: bytes) -> Node:
        """Return the syntax tree of a text. It has a tree whatever the text is: faults are nodes of it."""
        parser = self._parsers.get(language)
        if parser is None:
            from tree_sitter import Language, Parser  # noqa: PLC0415 (the rules are loaded without it)

            grammar = importlib.import_module(f"tree_sitter_{language}")
            parser = self._parsers[language] = Parser(Language(grammar.language()))
        return parser.parse(data).root_node


@dataclass(frozen=True, slots=True)
class Problem:
    """A file, or a part of one, that could not be read.

    Attributes:
        path: The file.
        line: Where; 0 for the whole file.
        why: What is wrong with it, without a word of its text.
    """

    path: str
    line: int
    why: str


@dataclass(slots=True)
class Source:
    """A file, or a script inside one.

    Attributes:
        path: The file, as the user would name it.
        data: Its bytes, in UTF-8.
        grammars: The parsers.
        problems: What could not be read.
        first_line: The line of the file that the text begins on.
        is_part: Whether it is a script inside another file, whose text may have been changed for it.
    """

    path: str
    data: bytes = field(repr=False)
    grammars: Grammars = field(repr=False)
    problems: list[Problem] = field(default_factory=list)
    first_line: int = 1
    is_part: bool = False

    def tree(self, language: str) -> Node:
        """Return the syntax tree, and note where the text does not fit the grammar."""
        root = self.grammars.tree(language, self.data)
        if root.has_error and not self.is_part:
            line = _first_fault(root).start_point[0] + self.first_line
            self.problems.append(Problem(self.path, line, "This part is not understood; the rest was read."))
        return root

    def line_of(self, node: Node) -> int:
        """Return the line of the file that a node begins on."""
        return node.start_point[0] + self.first_line

    def line_at(self, offset: int) -> int:
        """Return the line of the file that a byte is on."""
        return self.data.count(b"\n", 0, offset) + self.first_line

    def place(self, line: int, block: int = 0) -> Place:
        """Return a place in the file."""
        return Place(self.path, line, block)

    def part(self, text: str, line: int) -> Source:
        """Return a script that is inside the file, from a line on."""
        return Source(self.path, text.encode(), self.grammars, self.problems, line, is_part=True)


def _first_fault(root: Node) -> Node:
    """Return the first node that is an error or is missing."""
    node = root
    while True:
        below = next((child for child in node.children if child.has_error or child.is_missing), None)
        if below is None or node.is_error:
            return node
        node = below


def text_of(node: Node | None) -> str:
    """Return a node as it is written; nothing for none."""
    return (node.text or b"").decode(errors="replace") if node is not None else ""


def above(node: Node | None, *kinds: str) -> Node | None:
    """Return the nearest node of a kind that a node is in, itself included; None where there is none."""
    while node is not None and node.type not in kinds:
        node = node.parent
    return node


def node_at(root: Node, start: int, end: int) -> Node | None:
    """Return the smallest node that holds some bytes."""
    return root.descendant_for_byte_range(start, end)


def decoded(data: bytes) -> bytes:
    """Return a text as UTF-8 without a byte order mark; Windows' tools write UTF-16.

    Raises:
        UnicodeDecodeError: It claims to be UTF-16 and is not.
    """
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data.decode("utf-16").encode()
    return data.removeprefix(b"\xef\xbb\xbf")


NAMESPACES = re.compile(rb"(?i)microsoft\.(?:keyvault|web|authorization)/")
