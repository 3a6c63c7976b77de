"""A long text as paragraphs: what is to be done in words, and each command on a line of its own, to be copied whole."""

from __future__ import annotations

import re
from typing import NamedTuple

# A command that is as short as a name reads best where it is.
_LONGEST_INSIDE = 40
# Each of these begins a line: what to do in Azure differs from what to do here, and the portal from the command line.
_BEGINNINGS = re.compile(r"(?<=[.:?] )(?=In Azure: |Portal: )")


class Part(NamedTuple):
    """A part of a text.

    Attributes:
        text: What it is.
        is_command: Whether it is a command, without its backticks.
    """

    text: str
    is_command: bool = False


def parts_of(text: str, *, longest_inside: int = _LONGEST_INSIDE) -> list[Part]:
    """Return the parts of a text, each of which begins a line.

    Args:
        text: Words, with commands between backticks.
        longest_inside: How long a command may be that stays among the words.
    """
    found: list[Part] = []
    words = ""
    for position, piece in enumerate(text.split("`")):
        if not position % 2:
            # What ended the sentence of a command that has a line of its own has nothing to end.
            words += piece if words else piece.lstrip(".,;: ")
        elif len(piece) <= longest_inside:
            words += f"`{piece}`"
        else:
            found += [*_lines(words), Part(piece, is_command=True)]
            words = ""
    return [*found, *_lines(words)]


def _lines(words: str) -> list[Part]:
    return [Part(text.strip()) for text in _BEGINNINGS.split(words) if text.strip()]
