"""The contents of a file, whatever its language: texts and numbers, groups, lists, and what only a run can work out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value that is in the file.

    Attributes:
        value: The value; it may be a secret, so it is never shown.
        line: Its line.
    """

    value: str | float | bool | None = field(repr=False)
    line: int


@dataclass(frozen=True, slots=True)
class Computed:
    """An expression.

    Attributes:
        text: How it is written.
        line: The line that it begins on.
        known: What the names in it stand for, as far as the same file shows it.
    """

    text: str = field(repr=False)
    line: int
    known: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list."""

    items: tuple[Value, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Group:
    """Values by name.

    Attributes:
        members: Each name as it is written, with its value.
        line: The line that it begins on.
    """

    members: Mapping[str, Value]
    line: int

    def get(self, path: str) -> Value | None:
        """Return what is at a path such as ``properties.sku``; Azure takes any case. None where nothing does."""
        found: Value | None = self
        for part in path.split("."):
            if not isinstance(found, Group):
                return None
            members = found.members
            found = members[part] if part in members else _in_any_case(members, part.lower())
        return found

    def text(self, path: str) -> str | None:
        """Return the text at a path; None where there is none, or only a run can tell."""
        found = self.get(path)
        return str(found.value) if isinstance(found, Scalar) and found.value is not None else None

    def groups(self, path: str) -> Iterator[Group]:
        """Yield each group in the list at a path."""
        found = self.get(path)
        for item in found.items if isinstance(found, Listing) else (found,):
            if isinstance(item, Group):
                yield item


class Unread(Mapping[str, "Value"]):
    """Members that are read from the syntax tree when they are asked for: most never are."""

    def __init__(self, nodes: Mapping[str, Node], read: Callable[[Node], Value]) -> None:
        self._nodes = nodes
        self._read = read
        self._known: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        if name not in self._known:
            self._known[name] = self._read(self._nodes[name])
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._nodes)

    def __len__(self) -> int:
        return len(self._nodes)


def _in_any_case(members: Mapping[str, Value], wanted: str) -> Value | None:
    name = next((name for name in members if len(name) == len(wanted) and name.lower() == wanted), None)
    return members[name] if name is not None else None


Value = Scalar | Computed | Listing | Group

EMPTY = Group({}, 0)


def known_text(value: Value | None) -> str | None:
    """Return a value as a text, also where it is a name that the file gives one text."""
    match value:
        case Scalar(value=found) if found is not None and not isinstance(found, bool):
            return str(found)
        case Computed(known=(only,)):
            return only
    return None


def mentions(value: Value | None) -> str:
    """Return all that a value is known to name: its text, and what the names in it stand for."""
    match value:
        case Scalar(value=found):
            return str(found)
        case Computed():
            return " ".join((value.text, *value.known))
        case Listing():
            return " ".join(mentions(item) for item in value.items)
    return ""
