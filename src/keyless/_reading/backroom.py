"""The work of a reader's own threads: they ask the services and remember the answers, under locks that no caller takes."""

from __future__ import annotations

import threading
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING

from keyless._reading.cache import Deny, Fetch, Revalidate, SecretCache, Serve
from keyless._reading.crew import Crew, Lane
from keyless._reading.flight import SingleFlight, Ticket, closed
from keyless._wire.deadline import Deadline
from keyless._wire.gate import Gate
from keyless.errors import KeylessError

if TYPE_CHECKING:
    from contextvars import Context

    from keyless._identity.choice import Choice
    from keyless._reading.cache import Lookup
    from keyless._reading.counter import Counts
    from keyless._reading.crew import Act
    from keyless._reading.fetch import Fetcher
    from keyless._reading.flight import Flight
    from keyless._reading.herald import Herald
    from keyless._reading.options import ReaderOptions
    from keyless._wire.token import Token
    from keyless.secret import Secret
    from keyless.secret_id import SecretId

# A vault that does not answer must not hold up the end of its outage: with an old value in hand, trying again is better.
_REFRESH_SECONDS = 10.0
# Nothing that an act does takes long.
_CLOSING_SECONDS = 5.0
_LOOKING_SECONDS = 1.0


class Backroom:
    """One flight a secret, and what comes of it, in one process: after a fork there is another.

    Callers use what comes first here. It puts one act into the crew's queue, or looks at one thing.

    Args:
        vault_url: The vault's address, already checked.
        choice: Who reads.
        options: The reader's options.
        cache: What is remembered.
        counts: What is counted.
        herald: The sender of each event.

    Attributes:
        gate: What a fork shuts.
    """

    def __init__(
        self,
        vault_url: str,
        choice: Choice,
        options: ReaderOptions,
        *,
        cache: SecretCache,
        counts: Counts,
        herald: Herald,
    ) -> None:
        self._vault_url = vault_url
        self._choice = choice
        self._options = options
        self._clock = options.clock
        self._cache = cache
        self._counts = counts
        self._herald = herald
        self.gate = Gate()
        self._lock = threading.Lock()
        self._flights: SingleFlight[Secret] = SingleFlight()
        # Refreshes that nobody waits for must not keep every thread from those that somebody does, nor must what waits
        # for a token keep the token from coming.
        parallel = options.parallel
        self._reads, self._refreshes = Lane(parallel), Lane(max(1, parallel // 2))
        self._tokens, self._tellings = Lane(parallel), Lane(parallel)
        self._crew = Crew(self._reads, self._tokens, self._refreshes, self._tellings)
        self._fetcher: Fetcher | None = None
        self._closing = self._is_shut = False

    def read(self, wanted: SecretId, ticket: Ticket[Secret]) -> bool:
        """See that a ticket gets a secret; return False where no thread is to be had, and nothing was done."""
        return self._do(partial(self._depart, wanted, ticket, copy_context()))

    def is_reading(self, key: str) -> bool:
        """Return whether one more that nobody waits for need not be asked for."""
        return self._flights.has(key) or self._crew.is_behind

    def fetch_token(self, resource: str, claims: str | None, deadline: Deadline, ticket: Ticket[Token]) -> bool:
        """See that a ticket gets a token, as ``read`` does."""
        return self._do(partial(self._depart_for_token, resource, claims, deadline, ticket, copy_context()))

    def prepare(self) -> None:
        """Load what the first read needs; nothing is sent."""
        self._do(self._prepare)

    def known_token(self, resource: str) -> Token | None:
        """Return the token in hand if there is nothing to do about it."""
        return None if self._fetcher is None else self._fetcher.tokens.known(resource)

    @property
    def lacks_token(self) -> bool:
        """Whether what reads is made, and a read must wait for a token first."""
        return self._fetcher is not None and self._fetcher.lacks_token

    def tell_waiting(self, wanted: SecretId, seconds: float, left: float) -> None:
        """Send an event, once a flight, that a caller has waited for long."""
        self._do(partial(self._tell_waiting, wanted, seconds, left, copy_context()))

    def expire(self, secret: SecretId, rejected: str | None, ticket: Ticket[None]) -> bool:
        """See that the next read waits for the vault; return whether the ticket is to be waited with until it is so."""
        # A hook runs on a thread of the crew, and need not wait for another.
        if not self._herald.is_telling and self._do(partial(self._expire, secret, rejected, ticket, copy_context())):
            return True
        if self._has_expired(secret, rejected):
            self._herald.tell_invalidated(self._vault_url, secret.name)
        return False

    @property
    def in_flight(self) -> int:
        """The number of reads of the vault that are under way, of all that were asked for until now."""
        ticket: Ticket[int] = Ticket()
        if self._crew.has_begun and not self._is_shut and self._do(lambda: ticket.give(len(self._flights))):
            ticket.wait(_LOOKING_SECONDS)
        return len(self._flights) if ticket.result is None else ticket.result

    def close(self) -> None:
        """End the threads and the connections, and forget everything."""
        self._closing = True
        ticket: Ticket[None] = Ticket()
        if self._is_shut or not self._crew.has_begun:
            self._cache.clear()
            self._crew.stop()
        else:
            self._do(partial(self._shut, ticket))
            self._crew.stop()
            ticket.wait(_CLOSING_SECONDS)

    def _do(self, act: Act) -> bool:
        try:
            self._crew.do(act)
        except RuntimeError:
            return False
        return True

    # What follows runs on the crew's threads.

    def _depart(self, wanted: SecretId, ticket: Ticket[Secret], context: Context) -> None:
        """Give a reader what has come meanwhile, or a place in a flight, which is opened where there is none."""
        try:
            with self._lock:
                if self._closing:
                    raise closed()  # noqa: TRY301 (each failure goes to the ticket)
                found = self._cache.lookup(wanted.key, self._clock())
                match found:
                    case Deny(error):
                        ticket.give(None, error)
                    case Serve(secret):
                        ticket.give(secret)
                    case _:
                        self._join(wanted, ticket, context, found)
        except BaseException as error:  # noqa: BLE001 (whatever it is, who waits must get it)
            ticket.give(None, error.with_traceback(None))

    def _join(self, wanted: SecretId, ticket: Ticket[Secret], context: Context, found: Lookup) -> None:
        seconds = self._options.timeout
        until = Deadline.after(seconds if isinstance(found, Fetch) else min(seconds, _REFRESH_SECONDS), self._clock)
        fetcher = self._prepared()
        fetcher.open_ahead()
        flight, opened = self._flights.join(wanted.key, until)
        if opened:
            read = partial(self._read, fetcher, flight, wanted, until, patient=found == Fetch())
            lane = self._refreshes if isinstance(found, Revalidate) else self._reads
            self._crew.later(lane, partial(context.run, self._flights.fly, wanted.key, flight, read))
        if isinstance(found, Revalidate):
            ticket.give(found.secret)
        else:
            flight.board(ticket)

    def _prepare(self) -> None:
        with self._lock:
            if not self._closing:
                self._prepared()

    def _prepared(self, *, for_token: bool = False) -> Fetcher:
        """Return what asks the services; no fork falls into its making, nor into the imports that a read needs.

        Args:
            for_token: Whether a token is all that is wanted: most are had without a root certificate.
        """
        if self._fetcher is None:
            with self.gate.passage:
                from keyless._wire.trust import Trust  # noqa: PLC0415 (it loads urllib3)

                trust = Trust(self.gate)
                if not for_token:
                    trust.read_ahead()
                # After that: OpenSSL reads the certificates meanwhile.
                from keyless._reading.fetch import Fetcher  # noqa: PLC0415 (it loads requests and MSAL)

                self._herald.prepare()
                self._fetcher = Fetcher(
                    self._vault_url, self._choice, self._options, emit=self._herald.tell, trust=trust
                )
        return self._fetcher

    def _depart_for_token(
        self, resource: str, claims: str | None, deadline: Deadline, ticket: Ticket[Token], context: Context
    ) -> None:
        with self._lock:
            tokens = self._prepared(for_token=True).tokens

        def fetch() -> Act:
            try:
                return partial(ticket.give, tokens.token(resource, deadline, claims=claims))
            except BaseException as error:  # noqa: BLE001 (whatever it is, who waits must get it)
                return partial(ticket.give, None, error.with_traceback(None))

        self._crew.later(self._tokens, partial(context.run, fetch))

    def _expire(self, secret: SecretId, rejected: str | None, ticket: Ticket[None], context: Context) -> None:
        def tell() -> Act:
            self._herald.tell_invalidated(self._vault_url, secret.name)
            return partial(ticket.give, None)

        if self._has_expired(secret, rejected):
            self._crew.later(self._tellings, partial(context.run, tell))
        else:
            ticket.give(None)

    def _tell_waiting(self, wanted: SecretId, seconds: float, left: float, context: Context) -> None:
        def tell() -> Act:
            self._herald.tell_waiting(wanted, seconds, left)
            return _nothing

        with self._lock:
            if self._flights.tell_once(wanted.key):
                self._crew.later(self._tellings, partial(context.run, tell))

    def _has_expired(self, secret: SecretId, rejected: str | None) -> bool:
        with self._lock:
            expired = self._cache.expire(secret.key, self._clock(), rejected)
            if expired:
                # What is under way may have been answered before the value was changed.
                self._flights.forget(secret.key)
        return expired

    def _shut(self, ticket: Ticket[None]) -> None:
        with self._lock:
            self._flights.close()
            self._cache.clear()
            if self._fetcher is not None:
                self._fetcher.close()
            self._is_shut = True
        ticket.give(None)

    def _read(
        self, fetcher: Fetcher, flight: Flight[Secret], wanted: SecretId, until: Deadline, *, patient: bool
    ) -> Secret:
        """Ask the vault and remember the outcome."""
        started = self._clock()
        try:
            fetched = fetcher.fetch(wanted, until, patient=patient)
        except KeylessError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 (whatever it is, it is remembered, and an old value may be used)
            from keyless._vault.failures import unreadable  # noqa: PLC0415 (as for Fetcher)

            failure = unreadable(wanted, error)
        else:
            return self._remember(flight, wanted, fetched, started)
        return self._remember_failure(flight, wanted, failure.with_traceback(None), started)

    def _remember(self, flight: Flight[Secret], wanted: SecretId, fetched: Secret, started: float) -> Secret:
        self._counts.retrieved.add()
        now = self._clock()
        with self._lock:
            # Invalidated or closed meanwhile: who waits may have this answer, and the next reader gets a newer one.
            current = self._flights.is_current(wanted.key, flight)
            pinned = wanted.version is not None
            before = self._cache.store(wanted.key, fetched, now, pinned=pinned) if current else None
        self._herald.tell_success(wanted, fetched, before, now=now, seconds=now - started)
        return fetched

    def _remember_failure(
        self, flight: Flight[Secret], wanted: SecretId, error: KeylessError, started: float
    ) -> Secret:
        self._counts.failed.add()
        now = self._clock()
        with self._lock:
            current = self._flights.is_current(wanted.key, flight)
            entry = self._cache.fail(wanted.key, error, now) if current else None
        self._herald.tell_failure(wanted, error, entry, now=now, seconds=now - started)
        if entry is None or entry.stale is None:
            raise error
        return entry.stale


def _nothing() -> None:
    """Wake nobody: none waits for a sent event."""
