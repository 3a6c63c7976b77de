"""A number that threads raise together without waiting for one another."""

from __future__ import annotations

from itertools import count


class Counter:
    """A number that any thread may raise without a lock: one step of ``itertools.count`` cannot be split."""

    def __init__(self) -> None:
        self._steps = count()
        self._looks = 0

    def add(self) -> None:
        """Count one more."""
        next(self._steps)

    def look(self) -> int:
        """Return how many were counted; one thread at a time may look. A look is a step itself, which is taken off."""
        self._looks += 1
        return next(self._steps) - self._looks + 1
