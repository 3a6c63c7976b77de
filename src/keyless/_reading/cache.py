"""The memory of a vault's secrets, and when to ask again: logic alone, no clock, no network, no threads.

Theory of operation
-------------------
There are no timers, since Azure Functions freezes idle instances. What a read finds, ``lookup`` derives from what is
remembered and the time. The first state that fits is the one:

================ ===================================== ============ ===============================================
State            What is remembered; what time it is   ``lookup``   What the read gets; whether the vault is asked
================ ===================================== ============ ===============================================
refused, failing a failure; before its ``until``       Deny         the failure; not asked
failed           a failure, no value; ``until`` passed Fetch, once  waits; asked once, for it may fail again
unknown          nothing, or a failure long past       Fetch        waits; asked, and again where that may help
fresh            a value; before ``fresh_until``       Serve        the value; not asked
lapsed           a value; ``max_stale`` is over        Fetch        as if unknown: nobody may be given it any more
stale, resting   a stale value; before ``retry_at``    Serve        the value, marked stale; not asked
stale            a stale value; up to a minute later   Revalidate   the value, marked stale; asked by a worker
stale, forgotten a stale value; later than that        Renew        waits; the value only if the vault cannot be asked
revalidating     a value; before ``due_at``            Revalidate   the value; asked by a worker (RFC 5861)
due              a value; from ``due_at``              Renew        waits; the value only if the vault cannot be asked
================ ===================================== ============ ===============================================

What changes a state, beside the time:

* ``store``: the vault gave a value. It is fresh, whatever was before.
* ``fail`` with a refusal (403, 404, disabled): the value is dropped at once. Refused for ``negative_ttl``.
* ``fail`` with an outage: the value becomes stale, and rests longer after each failure in a row. Without a value the
  failure is remembered: from the second in a row on, reads get it until the vault may be asked again, or thousands of
  instances that start during an outage would hammer it.
* ``expire``: a caller says that the value does not work. It is due at once, and no failure is remembered.

Long after a value was due, or should have been tried again, its reader waits rather than get what was true hours ago.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from keyless._wire.pauses import LONGEST_PAUSE, backoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.errors import KeylessError
    from keyless.secret import Secret

# The value of one version never changes; it is only asked for again to learn that it was disabled or deleted.
PINNED_TTL = 3600.0
_TTL_SPREAD = 0.2
_DUE_AFTER = 1.5
_FIRST_RETRY = 1.0
_MAX_FAILURES = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """The memory of one secret; times are in the reader's clock's seconds.

    Attributes:
        secret: The value.
        stored_at: When the vault gave it.
        fresh_until: Until when it is served with nothing else to do.
        due_at: From when a reader waits for the vault.
        stale: The value marked stale, in an outage.
        failures: How often in a row the vault could not be asked.
        retry_at: In an outage, until when the vault is left alone.
        expired: Whether a caller said that it does not work.
        confirmed: Whether the vault said after that that it is still the latest.
    """

    secret: Secret
    stored_at: float
    fresh_until: float
    due_at: float
    stale: Secret | None = None
    failures: int = 0
    retry_at: float = 0.0
    expired: bool = False
    confirmed: bool = False


class RememberedFailure(NamedTuple):
    """The reason why there is no value, and until when readers get it without a request to the vault.

    Attributes:
        until: That time.
        error: The refusal or failure.
        failures: How often in a row the vault could not be asked; 0 for a refusal, which is an answer.
    """

    until: float
    error: KeylessError
    failures: int


# Named tuples, which are made in a fifth of the time that dataclasses take: a cold start waits for it. Told apart by class.
class Serve(NamedTuple):
    """Serve the secret."""

    secret: Secret


class Revalidate(NamedTuple):
    """Serve the secret, and ask the vault behind the reader's back."""

    secret: Secret


class Renew(NamedTuple):
    """Wait for the vault; should it not be to be asked, serve the secret until a time."""

    secret: Secret
    until: float


class Fetch(NamedTuple):
    """Wait for the vault; nothing is in hand.

    Attributes:
        once: Whether one attempt is enough: the last one has just failed.
    """

    once: bool = False


class Deny(NamedTuple):
    """Raise the error, which is recent."""

    error: KeylessError


Lookup = Serve | Revalidate | Renew | Fetch | Deny


class Held(NamedTuple):
    """The contents of the memory.

    Attributes:
        secrets: How many values.
        stale: How many of these are served stale.
        oldest_age: Seconds since the oldest was read; 0 without any.
    """

    secrets: int
    stale: int
    oldest_age: float


class SecretCache:
    """The secrets of one vault, as one identity sees them.

    Any thread may call ``lookup`` and ``held`` and look into ``entries`` without a lock: a dict's own steps are atomic,
    and an entry is whole before it is put in and never changes after. What changes something must be called by one
    thread at a time.

    Args:
        ttl: Seconds for which a value is fresh, give or take a fifth, so that instances do not ask together.
        max_stale: Seconds after its reading for which a value may be served while the vault cannot be asked.
        negative_ttl: Seconds for which a refusal is remembered, so that a hot path cannot hammer the vault.
        chance: A number from 0 to 1, a new one at each call.

    Attributes:
        entries: What is remembered, by key. A value whose ``fresh_until`` has not come is served with nothing else to do.
    """

    def __init__(self, *, ttl: float, max_stale: float, negative_ttl: float, chance: Callable[[], float]) -> None:
        self._ttl = ttl
        self._max_stale = max_stale
        self._negative_ttl = negative_ttl
        self._chance = chance
        self.entries: dict[str, Entry] = {}
        self._failed: dict[str, RememberedFailure] = {}

    def lookup(self, key: str, now: float) -> Lookup:
        """Decide what to do about a secret that is asked for now: the table above."""
        failure = self._failed.get(key)
        if failure is not None and now < failure.until:
            return Deny(failure.error)
        entry = self.entries.get(key)
        if entry is None:
            return Fetch(once=self._failures(key, now) > 0)
        if now < entry.fresh_until:
            return Serve(entry.secret)
        until = entry.stored_at + self._max_stale
        if now >= until:
            return Fetch()
        if entry.stale is None:
            return Revalidate(entry.secret) if now < entry.due_at else Renew(entry.secret, until)
        if now < entry.retry_at:
            return Serve(entry.stale)
        return Revalidate(entry.stale) if now < entry.retry_at + LONGEST_PAUSE else Renew(entry.stale, until)

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
        before = self.entries.get(key)
        ttl = max(self._ttl, PINNED_TTL) if pinned and self._ttl else self._ttl
        ttl *= 1 + _TTL_SPREAD * (2 * self._chance() - 1)
        confirmed = before is not None and before.expired and before.secret.version == secret.version
        entry = Entry(replace(secret, source="cache"), now, now + ttl, now + ttl * _DUE_AFTER, confirmed=confirmed)
        # In this order: who looks in between asks again, and is not told of a failure that is over.
        self._failed.pop(key, None)
        self.entries[key] = entry
        return before

    def fail(self, key: str, error: KeylessError, now: float) -> Entry | None:
        """Remember that a value could not be read.

        Returns:
            What is remembered, its ``stale`` to be served in the error's place; None where the error stands.
        """
        entry = self.entries.get(key)
        if not error.stale_ok:
            self.entries.pop(key, None)
            self._remember(key, RememberedFailure(now + self._negative_ttl, error, failures=0), now)
            return None
        if entry is None or now - entry.stored_at >= self._max_stale:
            self.entries.pop(key, None)
            failures = self._failures(key, now) + 1
            # The first may be a slip, and the next reader tries at once; unless the service asked to wait.
            again = failures > 1 or error.retry_after is not None
            pause = self._pause(max(1, failures - 1), error) if again else 0.0
            self._remember(key, RememberedFailure(now + pause, error, failures), now)
            return None
        failures = entry.failures + 1
        retry_at, stale = now + self._pause(failures, error), entry.stale or replace(entry.secret, source="stale")
        # Another one in its place, since readers look at it meanwhile.
        self.entries[key] = entry = replace(entry, failures=failures, retry_at=retry_at, stale=stale)
        return entry

    def expire(self, key: str, now: float, rejected: str | None = None) -> bool:
        """Make the next read wait for the vault; the value stays in hand in case the vault cannot be asked.

        Args:
            key: The secret's key.
            now: The time.
            rejected: The version that does not work; None means whatever is in hand.

        Returns:
            Whether there was anything to do: not where that version is not in hand any more, or has expired already, or
            was rejected before and the vault has just said that it is still the latest.
        """
        entry = self.entries.get(key)
        if rejected is not None:
            if entry is None or entry.expired or entry.secret.version != rejected:
                return False
            if entry.confirmed and now < entry.stored_at + self._negative_ttl:
                return False
        self._failed.pop(key, None)
        if entry is not None:
            # An episode of staleness goes on, but for its pause: anyone who asks next waits for the vault.
            at, again = entry.stored_at, float("-inf")
            self.entries[key] = replace(entry, fresh_until=at, due_at=at, retry_at=again, expired=True, confirmed=False)
        return True

    def held(self, now: float) -> Held:
        """Return what is in memory now."""
        entries = list(self.entries.values())
        stale = sum(entry.stale is not None for entry in entries)
        return Held(len(entries), stale, max((now - entry.stored_at for entry in entries), default=0.0))

    def clear(self) -> None:
        """Forget everything."""
        self.entries.clear()
        self._failed.clear()

    def _pause(self, failures: int, error: KeylessError) -> float:
        asked = min(error.retry_after or 0.0, LONGEST_PAUSE)
        return backoff(failures, first=_FIRST_RETRY, longest=LONGEST_PAUSE, asked=asked, chance=self._chance)

    def _failures(self, key: str, now: float) -> int:
        """Return how often in a row a secret that is not in hand could not be read; what is long past does not count."""
        failure = self._failed.get(key)
        return failure.failures if failure is not None and now < failure.until + LONGEST_PAUSE else 0

    def _remember(self, key: str, failure: RememberedFailure, now: float) -> None:
        if len(self._failed) >= _MAX_FAILURES:
            self._failed = {key: failure for key, failure in self._failed.items() if now < failure.until}
        if len(self._failed) < _MAX_FAILURES:
            self._failed[key] = failure
