"""What a file says, whatever its language: texts and numbers, groups, lists, and what only a run can work out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value that stands in the file.

    Attributes:
        value: The value; it may be a secret, so it is never shown.
        line: The line that it stands on.
    """

    value: str | float | bool | None = field(repr=False)
    line: int


@dataclass(frozen=True, slots=True)
class Computed:
    """An expression.

    Attributes:
        text: How it is written.
        line: The line that it begins on.
        known: What the names in it stand for, as far as the same file says so.
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
        """Return what stands at a path such as ``properties.sku``; Azure takes any case. None where nothing does."""
        found: Value | None = self
        for part in path.lower().split("."):
            if not isinstance(found, Group):
                return None
            found = next((value for name, value in found.members.items() if name.lower() == part), None)
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
