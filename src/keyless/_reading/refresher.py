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
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from keyless._reading.cache import Deny, Fetch, Renew, Revalidate, SecretCache, Serve
from keyless._reading.counter import Counter
from keyless._reading.fetch import Fetcher
from keyless._reading.flight import SingleFlight
from keyless._reading.workers import Workers
from keyless._wire.deadline import Deadline, too_late
from keyless.errors import KeylessError
from keyless.secret_id import SecretId

if TYPE_CHECKING:
    from concurrent.futures import Future

    from keyless._reading.options import ReaderOptions
    from keyless._wire.token import Token
    from keyless.events import Event
    from keyless.secret import Secret
    from keyless.stats import ReaderStats

_MAX_KEYS = 10_000
# A vault that does not answer must not hold up the end of its outage: with an old value in hand, trying again is better.
_REFRESH_SECONDS = 10.0


class PendingRead(NamedTuple):
    """A secret that is on its way.

    Attributes:
        secret: Which one.
        flight: What will bring it.
        fallback: The old value, should the flight fail or take too long, and until when it may be served.
    """

    secret: SecretId
    flight: Future[Secret]
    fallback: Renew | None


class Refresher:
    """The cache of one reader, kept current: one flight a secret, on worker threads.

    Args:
        vault_url: The vault's address, already checked.
        identity: The managed identity, in MSAL's own classes.
        options: The reader's options.
    """

    def __init__(self, vault_url: str, identity: Any, options: ReaderOptions) -> None:
        self.vault_url = vault_url
        self._identity = identity
        self._options = options
        self._clock = options.clock
        self._cache = SecretCache(
            ttl=options.ttl, max_stale=options.max_stale, negative_ttl=options.negative_ttl, chance=random.random
        )
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

    def ask(self, name: str, version: str | None) -> Secret | PendingRead:
        """Return what can be served now, or see that what is missing is on its way.

        Raises:
            ConfigurationError: If the name or version cannot be one.
            KeylessError: If the vault has just refused it.
            ReaderClosedError: After close().
        """
        wanted = SecretId.resolve(self.vault_url, name, version)
        key = _key(wanted)
        with self._lock:
            if version is None and len(self._keys) < _MAX_KEYS:
                self._keys[name] = key
            found = self._cache.lookup(key, self._clock())
            match found:
                case Deny(error):
                    self._refused.add()
                    raise copy(error)
                case Serve(secret):
                    return self._served(secret)
                case Revalidate() | Renew():
                    seconds = min(self._options.timeout, _REFRESH_SECONDS)
                case Fetch():
                    seconds = self._options.timeout
            until = Deadline.after(seconds, self._clock)
            flight, opened = self._flights.join(key, until)
        if opened:
            read = partial(self._read, key, flight, wanted, until, patient=found == Fetch())
            # Refreshes that nobody waits for must not keep every worker from those that somebody does.
            workers = self._refreshers if isinstance(found, Revalidate) else self._workers
            workers.submit(partial(self._flights.run, key, flight, read))
        if isinstance(found, Revalidate):
            return self._served(found.secret)
        return PendingRead(wanted, flight, found if isinstance(found, Renew) else None)

    def result_or_fallback(self, pending: PendingRead) -> Secret:
        """Return what a reader gets that has waited for as long as it would.

        Raises:
            KeylessError: If the flight brought one, and no old value may be served in its place.
            DeadlineExceededError: If the flight is still under way, and there is no old value.
        """
        flight, old = pending.flight, pending.fallback
        error = flight.exception() if flight.done() else too_late(f"{pending.secret} could not be read")
        if error is None:
            return self._served(flight.result())
        # The value may have been invalidated meanwhile, and the flight that brought this error with it.
        if old is not None and self._clock() < old.until and isinstance(error, KeylessError) and error.stale_ok:
            return self._served(replace(old.secret, source="stale"))
        self._misses.add()
        raise copy(error) if isinstance(error, KeylessError) else error

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

        self._emit(SecretInvalidated(vault_url=self.vault_url, name=secret.name))

    def token(self, resource: str, claims: str | None) -> Token:
        """Return a token, for a credential of the Azure SDK."""
        return self._fetcher.tokens.get(resource, claims)

    async def atoken(self, resource: str, claims: str | None) -> Token:
        """Return a token as ``token`` does, without ever blocking the event loop."""
        return await self._fetcher.tokens.aget(resource, claims)

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

    def close(self) -> None:
        """Forget every value, end the threads and the connections; whoever waits gets ReaderClosedError."""
        with self._lock:
            self._closed = True
            self._flights.close()
            self._cache.clear()
        self._workers.stop()
        self._refreshers.stop()
        self._fetcher.close()

    def _begin_process(self) -> None:
        """Make what cannot outlive a fork: threads, locks, connections and what is under way on them."""
        parallel = self._options.parallel
        self._lock = threading.Lock()
        self._flights: SingleFlight[Secret] = SingleFlight()
        self._workers = Workers(parallel)
        self._refreshers = Workers(max(1, parallel // 2))
        self._fetcher = Fetcher(self.vault_url, self._identity, self._options, emit=self._emit)
        if self._closed:
            self.close()

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
            # Invalidated or closed meanwhile: who waits may have this answer, and the next reader gets a newer one.
            current = self._flights.is_current(key, flight)
            before = self._cache.store(key, fetched, now, pinned=secret.version is not None) if current else None
        if before is not None and before.stale is not None:
            self._emit(StaleEnded(vault_url=self.vault_url, name=secret.name, age=now - before.stored_at))
        self._emit(
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
            self._emit(failed)
            raise error
        kind = StaleStarted if entry.failures == 1 else RefreshFailed
        self._emit(
            kind(
                vault_url=self.vault_url,
                name=secret.name,
                kl_code=error.kl_code,
                what=error.what,
                age=now - entry.stored_at,
                seconds=seconds,
            )
        )
        return entry.stale

    def _served(self, secret: Secret) -> Secret:
        {"vault": self._misses, "cache": self._hits, "stale": self._stale}[secret.source].add()
        return secret

    def _emit(self, event: Event) -> None:
        from keyless.events import log_event  # noqa: PLC0415 (as above)

        for hook in (self._options.on_event or log_event, self._emit_telemetry):
            try:
                hook(event)
            except Exception:
                logging.getLogger("keyless").exception("the event hook failed")

    def _emit_telemetry(self, event: Event) -> None:
        # In a program that has imported neither there is nobody to receive anything.
        if not sys.modules.keys().isdisjoint({"opentelemetry.trace", "opentelemetry.metrics"}):
            from keyless.integrations.telemetry import process_telemetry  # noqa: PLC0415 (as above)

            process_telemetry().emit(self, event)


def _begin_in_child(reference: weakref.ref[Refresher]) -> None:
    refresher = reference()
    if refresher is not None:
        refresher._begin_process()  # noqa: SLF001 (its own module)


def _key(secret: SecretId) -> str:
    # Key Vault compares names without case.
    return f"{secret.name.lower()}/{secret.version or ''}"
