"""What stands behind a reader: it serves what is remembered and sees that the rest is on its way."""

from __future__ import annotations

import logging
import os
import random
import sys
import threading
import weakref
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from keyless import vault_errors
from keyless.cache import SecretCache
from keyless.counter import Counter
from keyless.deadline import Deadline
from keyless.errors import KeylessError
from keyless.fetch import Fetcher, closed
from keyless.flight import SingleFlight
from keyless.secret_id import SecretId
from keyless.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from keyless.events import Event, Hook
    from keyless.identity import Token
    from keyless.secret import Secret
    from keyless.stats import ReaderStats

_MOST_KEYS = 10_000
# A vault that does not answer must not hold up the end of its outage: with an old value in hand, trying again is better.
_REFRESH_SECONDS = 10.0


class Pending(NamedTuple):
    """A secret that is on its way.

    Attributes:
        secret: Which one.
        flight: What will bring it.
        fallback: The old value, should the flight fail or take too long.
        until: Until when that may be served.
    """

    secret: SecretId
    flight: Future[Secret]
    fallback: Secret | None
    until: float


class Refresher:
    """The cache of one reader, kept current: one flight a secret, on worker threads.

    Args:
        vault_url: The vault's address, already checked.
        identity: The managed identity, in MSAL's own classes, already checked.
        ttl: As for SecretReader.
        max_stale: As for SecretReader.
        negative_ttl: As for SecretReader.
        timeout: As for SecretReader; it bounds each flight.
        parallel: As for SecretReader.
        on_event: As for SecretReader; None logs.
        clock: As for SecretReader.
    """

    def __init__(
        self,
        vault_url: str,
        identity: Any,
        *,
        ttl: float,
        max_stale: float,
        negative_ttl: float,
        timeout: float,
        parallel: int,
        on_event: Hook | None,
        clock: Callable[[], float],
    ) -> None:
        self.vault_url = vault_url
        self._identity = identity
        self._negative_ttl = negative_ttl
        self._timeout = timeout
        self._parallel = parallel
        self._on_event = on_event
        self._clock = clock
        self._cache = SecretCache(ttl=ttl, max_stale=max_stale, negative_ttl=negative_ttl, chance=random.random)
        self._keys: dict[str, str] = {}
        self._hits, self._misses, self._stale, self._refused = Counter(), Counter(), Counter(), Counter()
        self._retrieved, self._failed = Counter(), Counter()
        self._closed = False
        self._begin_process()
        if hasattr(os, "register_at_fork"):
            # Before any thread of the child can take a lock that a thread of the parent held.
            os.register_at_fork(after_in_child=partial(_begin_in_child, weakref.ref(self)))

    @property
    def identity_name(self) -> str:
        """The managed identity, as text."""
        return self._fetcher.tokens.name

    def fresh(self, name: str) -> Secret | None:
        """Return a secret if it can be served with nothing else to do: two look-ups, no lock."""
        key = self._keys.get(name)
        secret = None if key is None else self._cache.fresh(key, self._clock())
        if secret is not None:
            self._hits.add()
        return secret

    def ask(self, name: str, version: str | None) -> Secret | Pending:
        """Return what can be served now, or see that what is missing is on its way.

        Raises:
            ConfigurationError: If the name or version cannot be one.
            KeylessError: If the vault has just refused it.
            ReaderClosedError: After close().
        """
        secret = SecretId.resolve(self.vault_url, name, version)
        key = _key(secret)
        with self._lock:
            if self._closed:
                raise closed()
            if version is None and len(self._keys) < _MOST_KEYS:
                self._keys[name] = key
            found = self._cache.lookup(key, self._clock())
            if found.action == "deny" and found.error is not None:
                self._refused.add()
                raise copy(found.error)
            if found.action == "serve" and found.secret is not None:
                return self._served(found.secret)
            seconds = self._timeout if found.secret is None else min(self._timeout, _REFRESH_SECONDS)
            until = Deadline.after(seconds, self._clock)
            flight, opened = self._flights.board(key, until)
        if opened:
            patient = found.secret is None and found.error is None
            read = partial(self._read, key, flight, secret, until, patient=patient)
            # Refreshes that nobody waits for must not keep every worker from those that somebody does.
            workers = self._refreshers if found.action == "refresh" else self._workers
            workers.do(partial(self._flights.fly, key, flight, read))
        if found.action == "refresh" and found.secret is not None:
            return self._served(found.secret)
        return Pending(secret, flight, found.secret, found.until)

    def settle(self, pending: Pending) -> Secret:
        """Return what a reader gets that has waited for as long as it would.

        Raises:
            KeylessError: If the flight brought one, and no old value may be served in its place.
            DeadlineExceededError: If the flight is still under way, and there is no old value.
        """
        flight = pending.flight
        error = flight.exception() if flight.done() else vault_errors.too_late(pending.secret)
        if error is None:
            return self._served(flight.result())
        # The value may have been invalidated meanwhile, and the flight that brought this error with it.
        old = pending.fallback if self._clock() < pending.until else None
        if old is not None and isinstance(error, KeylessError) and error.stale_ok:
            return self._served(replace(old, source="stale"))
        self._misses.add()
        raise copy(error) if isinstance(error, KeylessError) else error

    def stats(self) -> ReaderStats:
        """Return what was counted, and what is in memory."""
        from keyless.stats import ReaderStats  # noqa: PLC0415 (importing keyless need not pay for it)

        with self._lock:
            held = self._cache.held(self._clock())
            return ReaderStats(
                hits=self._hits.look(),
                misses=self._misses.look(),
                stale=self._stale.look(),
                refused=self._refused.look(),
                retrieved=self._retrieved.look(),
                failed=self._failed.look(),
                secrets=held.secrets,
                stale_secrets=held.stale,
                oldest_age=held.oldest_age,
                in_flight=len(self._flights),
            )

    def invalidate(self, name: str, version: str | None, rejected: str | None) -> None:
        """Make the next read wait for the vault, unless the rejected version is not in hand any more."""
        secret = SecretId.resolve(self.vault_url, name, version)
        key = _key(secret)
        with self._lock:
            if not self._cache.expire(key, self._clock(), rejected):
                return
            # What is under way may have been answered before the value was changed.
            self._flights.forget(key)
        from keyless.events import SecretInvalidated  # noqa: PLC0415 (importing keyless need not pay for it)

        self._tell(SecretInvalidated(vault_url=self.vault_url, name=secret.name))

    def close(self) -> None:
        """Forget every value, end the threads and the connections; whoever waits gets ReaderClosedError."""
        with self._lock:
            self._closed = True
            self._cache.clear()
        self._workers.stop()
        self._refreshers.stop()
        self._fetcher.close()
        self._flights.abandon(closed())
        self._token_flights.abandon(closed())

    def _begin_process(self) -> None:
        """Make what cannot outlive a fork: threads, locks, connections and what is under way on them."""
        self._lock = threading.Lock()
        self._flights: SingleFlight[Secret] = SingleFlight()
        self._token_flights: SingleFlight[Token] = SingleFlight()
        self._workers = Workers(self._parallel)
        self._refreshers = Workers(max(1, self._parallel // 2))
        self._fetcher = Fetcher(
            self.vault_url,
            self._identity,
            connections=self._parallel,
            memory=self._negative_ttl,
            tell=self._tell,
            clock=self._clock,
            now=_now,
        )

    def _read(self, key: str, flight: Future[Secret], secret: SecretId, until: Deadline, *, patient: bool) -> Secret:
        """Ask the vault and remember the outcome; runs on a worker's thread."""
        started = self._clock()
        try:
            fetched = self._fetcher.fetch(secret, until, patient=patient)
        except KeylessError as error:
            self._failed.add()
            return self._remember_failure(key, flight, secret, error, started)
        self._retrieved.add()
        from keyless.events import SecretRetrieved, StaleEnded  # noqa: PLC0415 (as above)

        now = self._clock()
        with self._lock:
            # Invalidated meanwhile: whoever waits may have this answer, and the next reader shall have a newer one.
            current = self._flights.is_current(key, flight) and not self._closed
            before = self._cache.store(key, fetched, now, pinned=secret.version is not None) if current else None
        if before is not None and before.stale is not None:
            self._tell(StaleEnded(vault_url=self.vault_url, name=secret.name, age=now - before.stored_at))
        self._tell(
            SecretRetrieved(
                vault_url=self.vault_url,
                name=fetched.name,
                version=fetched.version,
                seconds=now - started,
                previous_version=before.secret.version if before else None,
            )
        )
        return fetched

    def _remember_failure(
        self, key: str, flight: Future[Secret], secret: SecretId, error: KeylessError, started: float
    ) -> Secret:
        from keyless.events import ReadFailed, RefreshFailed, StaleStarted  # noqa: PLC0415 (as above)

        now = self._clock()
        error.with_traceback(None)
        with self._lock:
            current = self._flights.is_current(key, flight)
            entry = self._cache.fail(key, error, now) if current else None
        seconds = now - started
        if entry is None or entry.stale is None:
            failed = ReadFailed(
                vault_url=self.vault_url, name=secret.name, kl_code=error.kl_code, what=error.what, seconds=seconds
            )
            self._tell(failed)
            raise error
        told = StaleStarted if entry.failures == 1 else RefreshFailed
        self._tell(
            told(
                vault_url=self.vault_url,
                name=secret.name,
                kl_code=error.kl_code,
                what=error.what,
                age=now - entry.stored_at,
                seconds=seconds,
            )
        )
        return entry.stale

    def token(self, resource: str, claims: str | None) -> Future[Token]:
        """See that a token is on its way, for a credential of the Azure SDK."""
        with self._lock:
            if self._closed:
                raise closed()
            key = f"{resource} {claims or ''}"
            until = Deadline.after(self._timeout, self._clock)
            flight, opened = self._token_flights.board(key, until)
        if opened:
            acquire = partial(self._fetcher.tokens.token, resource, until, claims=claims)
            self._workers.do(partial(self._token_flights.fly, key, flight, acquire))
        return flight

    def _served(self, secret: Secret) -> Secret:
        {"vault": self._misses, "cache": self._hits, "stale": self._stale}[secret.source].add()
        return secret

    def _tell(self, event: Event) -> None:
        from keyless.events import log_event  # noqa: PLC0415 (as above)

        for hook in (self._on_event or log_event, self._tell_telemetry):
            try:
                hook(event)
            except Exception:
                logging.getLogger("keyless").exception("the event hook failed")

    def _tell_telemetry(self, event: Event) -> None:
        # In a program that has imported neither there is nobody to receive anything.
        if not sys.modules.keys().isdisjoint({"opentelemetry.trace", "opentelemetry.metrics"}):
            from keyless.telemetry import process_telemetry  # noqa: PLC0415 (as above)

            process_telemetry().tell(self, event)


def _begin_in_child(reference: weakref.ref[Refresher]) -> None:
    refresher = reference()
    if refresher is not None:
        refresher._begin_process()  # noqa: SLF001 (its own module)


def _key(secret: SecretId) -> str:
    # Key Vault compares names without case.
    return f"{secret.name.lower()}/{secret.version or ''}"


def _now() -> datetime:
    return datetime.now(UTC)
