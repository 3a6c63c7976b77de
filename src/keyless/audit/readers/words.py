"""A command of a script: its words, and what its options are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyless.audit.values import Computed, Scalar

if TYPE_CHECKING:
    from keyless.audit.values import Value

Word = Scalar | Computed


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes:
        name: The program or cmdlet.
        words: All that follows it, in order.
        line: The line that it begins on.
    """

    name: str
    words: tuple[Word, ...]
    line: int

    def head(self, count: int) -> tuple[str, ...]:
        """Return its first words after the name, as far as they are plain."""
        return tuple(str(word.value) for word in self.words[:count] if isinstance(word, Scalar))

    def option(self, *names: str) -> Word | None:
        """Return what an option is given, as ``--name value`` or ``--name=value``; None where it is not there."""
        for position, word in enumerate(self.words):
            written = str(word.value) if isinstance(word, Scalar) else word.text
            name, equals, rest = written.partition("=")
            if name.lower() not in names:
                continue
            if equals:
                return Scalar(rest, word.line) if isinstance(word, Scalar) else Computed(rest, word.line)
            return self.words[position + 1] if position + 1 < len(self.words) else Scalar(None, word.line)
        return None

    def text(self, *names: str) -> str | None:
        """Return the text that an option is given; None where there is none, or only a run can tell."""
        found: Value | None = self.option(*names)
        return str(found.value) if isinstance(found, Scalar) and found.value is not None else None
