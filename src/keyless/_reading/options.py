"""The options of a reader, checked once and passed on as one."""

from __future__ import annotations

import sys
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
    """What a SecretReader was given beside its vault and its identity; its docstring says what each option is.

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


def check_timeout(timeout: object) -> None:
    """Check how many seconds a read may take.

    Raises:
        ConfigurationError: If it is no number, not above 0, or has no end.
    """
    _check("timeout", timeout, "a finite number of seconds above 0", valid=_is_number(timeout) and timeout != 0)


def _is_number(value: object, kind: type[float] = float) -> bool:
    """Say whether a value is a finite number from 0; every whole number will do as a float."""
    if isinstance(value, bool) or not isinstance(value, (int, kind)):
        return False
    # Compared as it is: a whole number can be larger than any float.
    return 0 <= value <= sys.float_info.max


def _check(name: str, value: object, kind: str, *, valid: bool) -> None:
    if not valid:
        raise ConfigurationError(
            f"The option {name}={value!r} of SecretReader is not valid.",
            cause=f"It is {kind}.",
            remedy="Give another value, or leave it out.",
        )
