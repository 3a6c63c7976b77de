"""One deadline over all attempts of a read, and the pauses between them.

A timeout for each attempt multiplies with the attempts: ten tries of ten seconds are a hundred. So what a caller sets
is the whole, and every connect, read, retry and pause takes from it.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

# A busy service asks for patience in whole seconds; more than this is an outage, and an error serves the caller better.
LONGEST_PAUSE = 60.0


def monotonic() -> float:
    """Return the seconds of a clock that never goes back."""
    return time.monotonic()


class Deadline(NamedTuple):
    """A point in time by which an answer must be there.

    Attributes:
        at: The point, in the clock's seconds.
        clock: What tells the time, in seconds; only differences matter.
    """

    at: float
    clock: Callable[[], float]

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float]) -> Deadline:
        """Return the deadline that many seconds from now."""
        return cls(clock() + seconds, clock)

    @property
    def remaining(self) -> float:
        """Seconds left; never below zero."""
        return max(0.0, self.at - self.clock())


def backoff(
    attempt: int,
    *,
    first: float,
    longest: float,
    asked: float | None = None,
    chance: Callable[[], float] = random.random,
) -> float:
    """Return how long to pause before the next attempt, in seconds.

    The pause doubles with each attempt and is then shortened by chance to between half and all of it, so that clients
    which failed together do not return together. It comes on top of what the service asked for, since it asks all of
    them for the same.

    Args:
        attempt: How many attempts have failed, from 1.
        first: The longest first pause, in seconds.
        longest: The longest pause of all, in seconds.
        asked: The service's Retry-After, in seconds; more than ``LONGEST_PAUSE`` is not waited.
        chance: A number from 0 to 1, anew at each call.

    Source: https://learn.microsoft.com/en-us/azure/key-vault/general/overview-throttling
    """
    whole = min(longest, first * 2.0 ** min(attempt - 1, 30))
    return min(asked or 0.0, LONGEST_PAUSE) + whole * (0.5 + 0.5 * chance())


def parse_retry_after(value: str | None) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, or None where it says nothing usable.

    Only the form in seconds is read: no Azure service is known to send the form with a date.
    """
    if value is None or not value.strip().isdecimal():
        return None
    return float(value)
