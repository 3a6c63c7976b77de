"""The clocks of the library: nothing else in it reads the time of tokens and secrets.

Tests that move the time replace this module's own name ``time``.
"""

from __future__ import annotations

import time


def monotonic() -> float:
    """Return the seconds of a clock that never goes back."""
    return time.monotonic()


def unix_time() -> float:
    """Return the Unix time, in seconds: tokens are dated by it."""
    return time.time()
