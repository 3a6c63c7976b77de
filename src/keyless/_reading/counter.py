"""Numbers that threads raise together without waiting for one another."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count


class Counter:
    """A number that any thread may raise or read without a lock: one step of ``itertools.count`` cannot be split."""

    def __init__(self) -> None:
        self._steps = count()

    def add(self) -> None:
        """Count one more."""
        next(self._steps)

    @property
    def value(self) -> int:
        """How many were counted. To look is no step: ``repr`` has the documented form ``count(3)``."""
        return int(repr(self._steps).removeprefix("count(").removesuffix(")"))


@dataclass(frozen=True, slots=True)
class Counts:
    """What a reader counts; ``ReaderStats`` says what each number is."""

    hits: Counter = field(default_factory=Counter)
    misses: Counter = field(default_factory=Counter)
    stale: Counter = field(default_factory=Counter)
    refused: Counter = field(default_factory=Counter)
    retrieved: Counter = field(default_factory=Counter)
    failed: Counter = field(default_factory=Counter)
