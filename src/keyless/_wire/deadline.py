"""One deadline over all attempts of a read.

A timeout for each attempt multiplies with the attempts: ten tries of ten seconds are a hundred. So what a caller sets
is the whole, and every connect, read, retry and pause takes from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from keyless._remedies.remedies import HEALTH
from keyless.errors import DeadlineExceededError, VaultUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable


class Deadline(NamedTuple):
    """A point in time by which an answer must be there.

    Attributes:
        at: The point, in the clock's seconds.
        clock: Returns the time, in seconds; only differences matter.
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


def too_late(
    what: str,
    *,
    cause: str = "The vault, the identity endpoint or the network between is slow or silent.",
    where: str = "the network and the platform's health",
    first: str = "Try again",
) -> DeadlineExceededError:
    """Return the error for what did not come in time.

    Args:
        what: What did not come, such as ``https://contoso-kv.vault.azure.net/secrets/db could not be read``.
        cause: Why, as far as is known.
        where: Where to look if it lasts.
        first: What to do before that.
    """
    return DeadlineExceededError(
        f"{what} before the deadline.",
        cause=cause,
        remedy=f"{first}; if it lasts, allow more time (timeout=) or look at {where}. {HEALTH}",
    )


def no_thread(what: str) -> VaultUnreachableError:
    """Return the error for what could not even be asked for, because no thread is to be had.

    Args:
        what: What did not come, such as ``https://contoso-kv.vault.azure.net/secrets/db could not be read``.
    """
    return VaultUnreachableError(
        f"{what}: no thread can be started to ask for it.",
        cause="The process or its container is at its limit of threads, or the interpreter is ending.",
        remedy="Raise the limit: `ulimit -u`, or the container's limit of pids. Or read the secret before the program ends.",
    )
