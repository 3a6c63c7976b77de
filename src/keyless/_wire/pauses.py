"""The pauses between attempts: one rule for the vault, the identity endpoint and what is remembered of both."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Nothing is remembered as failing for longer: more than this is an outage, whose end should be seen soon.
LONGEST_PAUSE = 60.0
# What a service asks for beyond this is useless to a caller that sleeps for it.
_LONGEST_ASKED = 86_400.0


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
    them for the same. A caller whose deadline is nearer does not pause at all: it reports what the service answered.

    Args:
        attempt: How many attempts have failed, from 1.
        first: The longest first pause, in seconds.
        longest: The longest pause of all, in seconds.
        asked: The service's Retry-After, in seconds.
        chance: A number from 0 to 1, a new one at each call.

    Source: https://learn.microsoft.com/en-us/azure/key-vault/general/overview-throttling
    """
    whole = min(longest, first * 2.0 ** min(attempt - 1, 30))
    return (asked or 0.0) + whole * (0.5 + 0.5 * chance())


def parse_retry_after(value: str | None) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, or None where it has nothing usable; a day at most.

    Only the form in seconds is read: no Azure service is known to send the form with a date.
    """
    seconds = "" if value is None else value.strip()
    if not (seconds.isascii() and seconds.isdecimal()):
        return None
    return min(float(seconds), _LONGEST_ASKED)
