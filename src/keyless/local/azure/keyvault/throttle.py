"""Azure's limit on the requests of a vault.

Source: https://learn.microsoft.com/en-us/azure/key-vault/general/service-limits
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyless.local.clock import Clock

MOST_REQUESTS = 4_000
WINDOW_SECONDS = 10.0


class Throttle:
    """Counts the requests of one vault in the last ten seconds; those that it turns away do not count."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: deque[float] = deque()

    def lets_in(self) -> bool:
        """Count a request and return whether it is within the limit."""
        now = self._clock.now()
        while self._times and self._times[0] <= now - WINDOW_SECONDS:
            self._times.popleft()
        if len(self._times) >= MOST_REQUESTS:
            return False
        self._times.append(now)
        return True
