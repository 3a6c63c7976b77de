"""What is remembered of a vault's secrets, and when to ask again: logic alone, no clock, no network, no threads.

A value lives through three ages. *Fresh*: it is served. *Aging*: it is served while one worker asks the vault anew.
*Due*: a reader waits for the vault. There are no timers, since Azure Functions freezes idle instances: after a long
sleep the first read finds a value that is due, and waits rather than serve what was true hours ago.

When the vault or the identity endpoint fails, the old value is served, marked stale, for a bounded time, and the vault
is asked again at growing intervals. Without an old value the failures are remembered, too: from the second on, reads get
the last one until the vault may be asked again, or thousands of instances that start during an outage would hammer it.
When the vault *answers*, and the answer is no, the old value is dropped at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

from keyless.deadline import LONGEST_PAUSE, backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.errors import KeylessError
    from keyless.secret import Secret

# The value of one version never changes; it is only asked for again to learn that it was disabled or deleted.
PINNED_TTL = 3600.0
_TTL_SPREAD = 0.2
_DUE_AFTER = 1.5
_FIRST_RETRY = 1.0
_MOST_DENIALS = 1024


@dataclass(slots=True, eq=False)
class Entry:
    """What is remembered of one secret; times are in the reader's clock's seconds."""

    secret: Secret
    stored_at: float
    fresh_until: float
    due_at: float
    stale: Secret | None = None
    failures: int = 0
    retry_at: float = 0.0
    expired: bool = False
    confirmed: bool = False


class Denial(NamedTuple):
    """Why there is no value, and until when readers are told so without the vault being asked.

    Attributes:
        until: That time.
        error: The refusal or failure.
        failures: How often in a row the vault could not be asked; 0 for a refusal, which is an answer.
    """

    until: float
    error: KeylessError
    failures: int


class Lookup(NamedTuple):
    """What the cache says about a secret.

    Attributes:
        action: ``serve`` the secret; serve it and ``refresh`` behind the reader's back; ``wait`` for the vault, and
            fall back on the secret if there is one; ``deny`` with the error, which is recent.
        secret: The value in hand.
        error: The recent refusal or failure; with ``wait``, a failure after which the vault should be asked just once.
        until: With ``wait``, until when the secret may be served.
    """

    action: Literal["serve", "refresh", "wait", "deny"]
    secret: Secret | None = None
    error: KeylessError | None = None
    until: float = 0.0


class Held(NamedTuple):
    """What is in memory.

    Attributes:
        secrets: How many values.
        stale: How many of these are served stale.
        oldest_age: Seconds since the oldest was read; 0 without any.
    """

    secrets: int
    stale: int
    oldest_age: float


_MISS = Lookup("wait")


class SecretCache:
    """The secrets of one vault, as one identity sees them.

    The caller holds no lock for ``fresh``: a dict's own reads are atomic, and an entry's ``secret`` and ``fresh_until``
    are set before it is put in. Everything else must be called by one thread at a time.

    Args:
        ttl: Seconds for which a value is fresh, give or take a fifth, so that instances do not ask together.
        max_stale: Seconds after its reading for which a value may be served while the vault cannot be asked.
        negative_ttl: Seconds for which a refusal is remembered, so that a hot path cannot hammer the vault.
        chance: A number from 0 to 1, anew at each call.
    """

    def __init__(self, *, ttl: float, max_stale: float, negative_ttl: float, chance: Callable[[], float]) -> None:
        self._ttl = ttl
        self._max_stale = max_stale
        self._negative_ttl = negative_ttl
        self._chance = chance
        self._entries: dict[str, Entry] = {}
        self._denials: dict[str, Denial] = {}

    def fresh(self, key: str, now: float) -> Secret | None:
        """Return the value if it can be served with nothing else to do."""
        entry = self._entries.get(key)
        return entry.secret if entry is not None and now < entry.fresh_until else None

    def lookup(self, key: str, now: float) -> Lookup:
        """Say what to do about a secret that is asked for now."""
        denial = self._denials.get(key)
        if denial is not None and now < denial.until:
            return Lookup("deny", error=denial.error)
        entry = self._entries.get(key)
        if entry is None:
            failures = self._failures(key, now)
            return Lookup("wait", error=denial.error) if denial is not None and failures else _MISS
        if now < entry.fresh_until:
            return Lookup("serve", entry.secret)
        until = entry.stored_at + self._max_stale
        if now >= until:
            # Nobody may be served it, so nothing is gained by keeping it.
            return _MISS
        if entry.stale is not None:
            if now < entry.retry_at:
                return Lookup("serve", entry.stale)
            # Long after that time nobody has asked, and the outage may be long over.
            return Lookup("refresh" if now < entry.retry_at + LONGEST_PAUSE else "wait", entry.stale, until=until)
        return Lookup("refresh" if now < entry.due_at else "wait", entry.secret, until=until)

    def store(self, key: str, secret: Secret, now: float, *, pinned: bool) -> Entry | None:
        """Remember a value that the vault has just given.

        Args:
            key: The secret's key.
            secret: The value.
            now: The time.
            pinned: Whether it was asked for by version, and so can never change.

        Returns:
            What was remembered before, replaced in one step: readers never find nothing in between.
        """
        before = self._entries.get(key)
        ttl = max(self._ttl, PINNED_TTL) if pinned and self._ttl else self._ttl
        ttl *= 1 + _TTL_SPREAD * (2 * self._chance() - 1)
        entry = Entry(replace(secret, source="cache"), now, now + ttl, now + ttl * _DUE_AFTER)
        entry.confirmed = before is not None and before.expired and before.secret.version == secret.version
        self._entries[key] = entry
        self._denials.pop(key, None)
        return before

    def fail(self, key: str, error: KeylessError, now: float) -> Entry | None:
        """Remember that a value could not be read.

        Returns:
            What is remembered, its ``stale`` to be served in the error's place; None where the error stands.
        """
        entry = self._entries.get(key)
        if not error.stale_ok:
            self._entries.pop(key, None)
            self._deny(key, Denial(now + self._negative_ttl, error, failures=0), now)
            return None
        if entry is None or now - entry.stored_at >= self._max_stale:
            self._entries.pop(key, None)
            failures = self._failures(key, now) + 1
            # The first may be a slip, and the next reader tries at once; unless the service asked to wait.
            again = failures > 1 or error.retry_after is not None
            pause = self._pause(max(1, failures - 1), error) if again else 0.0
            self._deny(key, Denial(now + pause, error, failures), now)
            return None
        entry.failures += 1
        entry.retry_at = now + self._pause(entry.failures, error)
        entry.stale = entry.stale or replace(entry.secret, source="stale")
        return entry

    def expire(self, key: str, now: float, rejected: str | None = None) -> bool:
        """Let the next read wait for the vault; the value stays in hand in case the vault cannot be asked.

        Args:
            key: The secret's key.
            now: The time.
            rejected: The version that does not work; None means whatever is in hand.

        Returns:
            Whether there was anything to do: not where that version is not in hand any more, or has expired already, or
            was rejected before and the vault has just said that it is still the latest.
        """
        entry = self._entries.get(key)
        if rejected is not None:
            if entry is None or entry.expired or entry.secret.version != rejected:
                return False
            if entry.confirmed and now < entry.stored_at + self._negative_ttl:
                return False
        self._denials.pop(key, None)
        if entry is not None:
            # An episode of staleness goes on, but for its pause: whoever asks next waits for the vault.
            at, again = entry.stored_at, float("-inf")
            self._entries[key] = replace(
                entry, fresh_until=at, due_at=at, retry_at=again, expired=True, confirmed=False
            )
        return True

    def held(self, now: float) -> Held:
        """Return what is in memory now."""
        entries = self._entries.values()
        stale = sum(entry.stale is not None for entry in entries)
        return Held(len(entries), stale, max((now - entry.stored_at for entry in entries), default=0.0))

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._denials.clear()

    def _pause(self, failures: int, error: KeylessError) -> float:
        asked = error.retry_after
        return backoff(failures, first=_FIRST_RETRY, longest=LONGEST_PAUSE, asked=asked, chance=self._chance)

    def _failures(self, key: str, now: float) -> int:
        """Return how often in a row a secret that is not in hand could not be read; what is long past does not count."""
        denial = self._denials.get(key)
        return denial.failures if denial is not None and now < denial.until + LONGEST_PAUSE else 0

    def _deny(self, key: str, denial: Denial, now: float) -> None:
        if len(self._denials) >= _MOST_DENIALS:
            self._denials = {key: denial for key, denial in self._denials.items() if now < denial.until}
        if len(self._denials) < _MOST_DENIALS:
            self._denials[key] = denial
