"""The clocks of the library: nothing else in it reads the time of tokens and secrets.

Tests that move the time replace this module's own name ``time``.
"""

from __future__ import annotations

import time

# Time that a machine spends asleep counts: a value that was read before it is old after it. Linux has a clock of its own
# for that. Elsewhere the usual one goes on: https://docs.python.org/3/library/time.html#time.CLOCK_MONOTONIC has macOS's.
_COUNTS_SLEEP = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def monotonic() -> float:
    """Return the seconds of a clock that never goes back, and goes on while the machine sleeps."""
    return time.monotonic() if _COUNTS_SLEEP is None else time.clock_gettime(_COUNTS_SLEEP)


def unix_time() -> float:
    """Return the Unix time, in seconds: tokens are dated by it."""
    return time.time()
