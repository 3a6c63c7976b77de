"""The time of the libraries in this process that hold tokens and secrets, led by the clock of a local Azure."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

    from keyless.local.clock import Clock

# What keeps time of tokens or secrets, and reads it through its module's own name ``time``.
_LED = ("keyless._wire.clock", "msal.", "azure.identity.", "azure.core.", "azure.keyvault.")
# Seconds: longer than any value is kept, so that no reader takes what it read in one test into the next.
_BETWEEN_TESTS = 10 * 366 * 86_400.0


class MovedTime:
    """Leads the time of modules. One for as long as the process runs tests: it remembers how many there were."""

    def __init__(self) -> None:
        self._tests = 0

    @contextmanager
    def led_by(self, clock: Clock) -> Generator[None]:
        """Give the modules that are loaded by now the time of a clock, for one test.

        Their monotonic time goes on from test to test, by years: a SecretReader that a program keeps has forgotten
        everything when the next test begins. Unix time is the clock's own, since tokens are dated by it.
        """
        self._tests += 1
        led = _LedTime(clock, ahead=self._tests * _BETWEEN_TESTS)
        modules = [
            module
            for name, module in list(sys.modules.items())
            if name.startswith(_LED) and getattr(module, "time", None) is time
        ]
        for module in modules:
            module.__dict__["time"] = led
        try:
            yield
        finally:
            for module in modules:
                module.__dict__["time"] = time


class _LedTime:
    """The module ``time``, but for two functions."""

    def __init__(self, clock: Clock, *, ahead: float) -> None:
        self._clock = clock
        self._ahead = ahead

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    def time(self) -> float:
        """Return the Unix time of the clock, in seconds."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Return seconds that the clock moves, and that are far ahead of those of earlier tests."""
        return time.monotonic() + self._ahead + self._clock.offset
