"""Shows what a command waits for: one line at a terminal, which is gone when the wait is over."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType


class Waiting:
    """Shows a line on standard error while the block runs, or until it is over.

    Only a terminal gets the line: a file or a pipe would keep it.

    Args:
        what: What is waited for, such as "Starting the local Azure".
    """

    def __init__(self, what: str) -> None:
        self._line = f"{what} ..." if sys.stderr.isatty() else ""

    def __enter__(self) -> Self:
        self._write(self._line)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Take the line away; what is printed next begins in its place."""
        line, self._line = self._line, ""
        self._write(f"\r{' ' * len(line)}\r" if line else "")

    def _write(self, text: str) -> None:
        if text:
            sys.stderr.write(text)
            sys.stderr.flush()
