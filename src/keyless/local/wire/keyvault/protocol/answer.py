"""What an operation answers when all is well."""

from __future__ import annotations

from typing import NamedTuple


class Answer(NamedTuple):
    """A success: its status and its JSON body; None means that there is no body."""

    status: int
    body: dict[str, object] | None
