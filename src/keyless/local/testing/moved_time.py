"""The time of the libraries in this process that hold tokens and secrets, led by the clock of a local Azure."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from keyless.errors import LocalAzureError

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import ModuleType

    from keyless.local.clock import Clock

# What else keeps time of tokens, and reads it through its modules' own name ``time``.
_PACKAGES = ("msal.", "azure.identity.", "azure.core.", "azure.keyvault.")
# Seconds: longer than any value is kept, so that no reader takes what it read in one test into the next.
_BETWEEN_TESTS = 10 * 366 * 86_400.0


class MovedTime:
    """Leads the time of modules. One for as long as the process runs tests: it remembers how many there were.

    Args:
        library: The module through which the library reads all time of tokens and secrets.

    Raises:
        LocalAzureError: If that module does not read the time through its own name ``time``, so that nothing could lead it.
    """

    def __init__(self, library: ModuleType) -> None:
        if getattr(library, "time", None) is not time:
            raise LocalAzureError(
                f"The time of {library.__name__} cannot be moved.",
                cause="It does not import the module time, or its time is led already.",
                remedy="Name the module through which the library reads the time, and lead it once.",
            )
        self._library = library
        self._tests = 0

    @contextmanager
    def led_by(self, clock: Clock) -> Generator[None]:
        """Give the modules that are loaded by now the time of a clock, for one test.

        Their monotonic time goes on from test to test, by years: a SecretReader that a program keeps has forgotten
        everything when the next test begins. Unix time is the clock's own, since tokens are dated by it.
        """
        self._tests += 1
        led = _LedTime(clock, ahead=self._tests * _BETWEEN_TESTS)
        # A process has thousands of modules, and often none of these.
        wanted = tuple(name for name in _PACKAGES if name.removesuffix(".") in sys.modules)
        others = [module for name, module in list(sys.modules.items()) if name.startswith(wanted)] if wanted else []
        modules = [module for module in (self._library, *others) if getattr(module, "time", None) is time]
        for module in modules:
            module.__dict__["time"] = led
        try:
            yield
        finally:
            for module in modules:
                module.__dict__["time"] = time


class _LedTime:
    """The module ``time``, but for three functions."""

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

    def clock_gettime(self, clock: int) -> float:
        """Return what ``monotonic`` does, of another clock: the library's counts the time that a machine sleeps."""
        return time.clock_gettime(clock) + self._ahead + self._clock.offset
