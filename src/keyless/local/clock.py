"""The time of the local Azure, which tests move instead of sleeping."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from keyless.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

_JITTER: Final = 1.0  # Seconds: threads read the time side by side, and small corrections do not matter.
_LATEST: Final = 221_845_392_000.0
"""The beginning of the year 9000: what is dated from then on still ends before dates do."""


class Clock:
    """Real time plus an offset that only grows until it is reset, since time in Azure never goes back either.

    Where the machine's own clock is set back, the offset grows by as much: tokens of before go on being good.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offset = 0.0
        self._furthest = 0.0
        self._last = 0.0
        self._watchers: list[Callable[[], None]] = []

    def now(self) -> float:
        """Return the time, in seconds since 1970-01-01 UTC."""
        real = time.time()
        if real < self._last - _JITTER:
            with self._lock:
                self._offset += max(0.0, self._last - real)
                self._last = real
        self._last = real
        return real + self._offset

    @property
    def offset(self) -> float:
        """The seconds that it is ahead of real time."""
        return self._offset

    def advance(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        """Move the time forward by the sum of what is given.

        Tokens expire and secrets age by this clock alone. A client keeps its own time, so that a token which it still
        holds as good may be refused as expired: as with a client whose clock is slow.

        Raises:
            ConfigurationError: If the sum is negative, or leads beyond what dates can hold.
        """
        step = seconds + 60 * minutes + 3600 * hours + 86400 * days
        if not 0 <= step <= _LATEST - self.now():
            raise ConfigurationError(
                f"The clock cannot be advanced by {step} seconds.",
                cause="Time only moves forward, and not beyond the year 9000: dates end soon after it.",
                remedy="Give a positive number of seconds, minutes, hours or days.",
            )
        with self._lock:
            self._offset += step
        for act in self._watchers:
            act()

    def on_advance(self, act: Callable[[], None]) -> None:
        """Have something done each time that the clock was advanced, on the thread that advanced it."""
        self._watchers.append(act)

    def reset(self) -> None:
        """Go back to real time, where another test begins."""
        with self._lock:
            self._furthest = self.furthest()
            self._offset = 0.0

    def furthest(self) -> float:
        """Return the latest time that there has been, in seconds since 1970-01-01 UTC: after a reset, it is ahead of now."""
        return max(self._furthest, self.now())
