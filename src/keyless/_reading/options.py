"""The options of a reader, checked once and passed on as one."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyless.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.events import Hook

# A thread for each is started when it is needed, and a place for its connection is kept.
_MAX_PARALLEL = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderOptions:
    """The options of a SecretReader beside its vault and its identity; its docstring explains each one.

    Raises:
        ConfigurationError: If a number is not one that its option can have.
    """

    ttl: float
    max_stale: float
    negative_ttl: float
    timeout: float
    parallel: int
    on_event: Hook | None
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        for name in ("ttl", "max_stale", "negative_ttl"):
            value = getattr(self, name)
            _check(name, value, "a finite number of seconds from 0", valid=_is_number(value))
        check_timeout(self.timeout)
        valid = _is_number(self.parallel, int) and 1 <= self.parallel <= _MAX_PARALLEL
        _check("parallel", self.parallel, f"a whole number from 1 to {_MAX_PARALLEL}", valid=valid)
        hook: object = self.on_event
        clock: object = self.clock
        _check("on_event", hook, "a function that takes an event, or None", valid=hook is None or callable(hook))
        _check("clock", clock, "a function that returns seconds", valid=callable(clock) and _is_time(clock()))


def check_timeout(timeout: object) -> None:
    """Check how many seconds a read may take.

    Raises:
        ConfigurationError: If it is not a number, not above 0, or has no end.
    """
    _check("timeout", timeout, "a finite number of seconds above 0", valid=_is_number(timeout) and timeout != 0)


def check_names(names: object) -> list[str]:
    """Return the names of several secrets as a list; each one's form is checked when it is asked for.

    Raises:
        ConfigurationError: If they are not names.
    """
    if isinstance(names, str):
        raise ConfigurationError(
            "get_many() was given one string.",
            cause="It takes several names, and the letters of one are several.",
            remedy="Give a list of names, or call get().",
        )
    found = list(names) if isinstance(names, Iterable) else None
    if found is None or not all(isinstance(name, str) for name in found):
        wrong = names if found is None else next(name for name in found if not isinstance(name, str))
        raise ConfigurationError(
            f"get_many() was given {type(wrong).__name__} where names of secrets are wanted.",
            cause="It takes several names, each of them text.",
            remedy="Give a list of names.",
        )
    return found


def _is_number(value: object, kind: type[float] = float) -> bool:
    """Return whether a value is a finite number from 0; every whole number will do as a float."""
    if isinstance(value, bool) or not isinstance(value, (int, kind)):
        return False
    # Compared as it is: a whole number can be larger than any float.
    return 0 <= value <= sys.float_info.max


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _check(name: str, value: object, kind: str, *, valid: bool) -> None:
    if not valid:
        raise ConfigurationError(
            f"The option {name}={_shown(value)} of SecretReader is not valid.",
            cause=f"It is {kind}.",
            remedy="Give another value, or leave it out.",
        )


def _shown(value: object) -> str:
    # A number can have more digits than Python turns into text.
    return repr(value)[:100] if not isinstance(value, int) or abs(value) < sys.float_info.max else "(a huge number)"
