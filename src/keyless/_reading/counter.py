"""Numbers that threads raise together without waiting for one another."""

from __future__ import annotations

from itertools import count


class Counter:
    """A number that any thread may raise or read without a lock: one step of ``itertools.count`` cannot be split.

    Attributes:
        add: Counts one more.
    """

    __slots__ = ("_steps", "add")

    def __init__(self) -> None:
        self._steps = count()
        # The step itself, made in C: a read from memory takes little longer than it.
        self.add = self._steps.__next__

    @property
    def value(self) -> int:
        """The count. Looking at it does not change it: ``repr`` has the documented form ``count(3)``."""
        return int(repr(self._steps).removeprefix("count(").removesuffix(")"))


class Counts:
    """The counters of a reader; ``ReaderStats`` explains each number."""

    __slots__ = ("failed", "hits", "misses", "refused", "retrieved", "stale")

    def __init__(self) -> None:
        self.hits = Counter()
        self.misses = Counter()
        self.stale = Counter()
        self.refused = Counter()
        self.retrieved = Counter()
        self.failed = Counter()
