"""The work of a caller's thread: it serves what is remembered, asks the backroom for the rest, and waits with a ticket.

It can be interrupted at any instruction, and a signal's handler may read while it does. So it takes no lock, and changes
nothing that more than one step would change.
"""

from __future__ import annotations

import random
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from keyless._reading.backroom import Backroom
from keyless._reading.cache import Deny, Renew, Revalidate, SecretCache, Serve
from keyless._reading.counter import Counts
from keyless._reading.flight import Ticket, closed
from keyless._reading.forks import guard_forks
from keyless._reading.herald import Herald
from keyless._wire.deadline import Deadline, no_thread, too_late
from keyless.errors import KeylessError
from keyless.secret_id import SecretId

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless._identity.choice import Choice
    from keyless._reading.options import ReaderOptions
    from keyless._wire.gate import Gate
    from keyless._wire.token import Token
    from keyless.secret import Secret
    from keyless.stats import ReaderStats

_MAX_KEYS = 10_000


class PendingRead(NamedTuple):
    """A secret that is on its way.

    Attributes:
        secret: Which one.
        ticket: What to wait for it with.
        fallback: The old value, should the read fail or take too long, and until when it may be served.
        unattended: Whether no thread is to be had, so that it is not on its way.
    """

    secret: SecretId
    ticket: Ticket[Secret]
    fallback: Renew | None
    unattended: bool = False


class Refresher:
    """The cache of one reader, kept current: one flight a secret, on the crew's threads.

    Args:
        vault_url: The vault's address, already checked.
        choice: Who reads.
        options: The reader's options.

    Attributes:
        identity_name: Who reads, as text.
    """

    def __init__(self, vault_url: str, choice: Choice, options: ReaderOptions) -> None:
        self.vault_url = vault_url
        self.identity_name = choice.name
        self._choice = choice
        self._options = options
        self._clock = options.clock
        self._counts = Counts()
        self._herald = Herald(options.on_event, self)
        self._cache = SecretCache(
            ttl=options.ttl, max_stale=options.max_stale, negative_ttl=options.negative_ttl, chance=random.random
        )
        self._keys: dict[str, str] = {}
        self._entries, self._add_hit = self._cache.entries, self._counts.hits.add
        self._closed = False
        self.begin_process()
        guard_forks(self)

    def fresh(self, name: str) -> Secret | None:
        """Return a secret if it can be served with nothing else to do: two look-ups, no lock."""
        try:
            entry = self._entries[self._keys[name]]
        except (KeyError, TypeError):  # TypeError: a name of a wrong type, which ``ask`` tells.
            return None
        if self._clock() >= entry.fresh_until:
            return None
        self._add_hit()
        return entry.secret

    def ask(self, name: str, version: str | None, ticket: Callable[[], Ticket[Secret]]) -> Secret | PendingRead:
        """Return what can be served now, or see that what is missing is on its way.

        Args:
            name: The secret, in any form that a reader takes.
            version: Which version; None means the latest.
            ticket: Makes what the caller will wait with.

        Raises:
            ConfigurationError: If the name or version cannot be one, or a hook asks what is not in memory.
            KeylessError: If the vault has just refused it.
            ReaderClosedError: After close().
        """
        wanted = SecretId.resolve(self.vault_url, name, version)
        key = wanted.key
        if self._closed:
            raise closed()
        if version is None and len(self._keys) < _MAX_KEYS:
            self._keys[name] = key
        found = self._cache.lookup(key, self._clock())
        match found:
            case Deny(error):
                self._counts.refused.add()
                raise copy(error)
            case Serve(secret):
                return self._served(secret)
            case Revalidate(secret):
                if not self._backroom.is_reading(key):
                    self._backroom.read(wanted, Ticket())
                return self._served(secret)
        self._herald.refuse_if_telling()
        if self._choice.loops is not None:
            self._choice.loops.note(blocking=ticket is Ticket)
        made = ticket()
        told = self._backroom.read(wanted, made)
        # Looked at again: close() may have come in between, and then nobody answers any more.
        if self._closed:
            raise closed()
        return PendingRead(wanted, made, found if isinstance(found, Renew) else None, unattended=not told)

    def prepare(self) -> None:
        """Load what the first read needs, on another thread; nothing is sent."""
        if self._closed:
            raise closed()
        self._backroom.prepare()

    def tell_waiting(self, wanted: SecretId, seconds: float, left: float) -> None:
        """Send an event that a caller has waited for a secret, and how many seconds more it will."""
        self._backroom.tell_waiting(wanted, seconds, left)

    def result_or_fallback(self, pending: PendingRead) -> Secret:
        """Return what a reader gets that has waited for as long as it would.

        Raises:
            KeylessError: If the flight brought one, and no old value may be served in its place.
            DeadlineExceededError: If the flight is still under way, and there is no old value.
        """
        ticket, old = pending.ticket, pending.fallback
        if pending.unattended:
            error: BaseException | None = no_thread(f"{pending.secret} could not be read")
        else:
            error = ticket.failure if ticket.landed else self._too_late(pending.secret)
        if error is None:
            return self._served(ticket.outcome())
        # The value may have been invalidated meanwhile, and the flight that brought this error with it.
        if old is not None and self._clock() < old.until and isinstance(error, KeylessError) and error.stale_ok:
            return self._served(replace(old.secret, source="stale"))
        self._counts.misses.add()
        raise copy(error) if isinstance(error, KeylessError) else error

    def read_alone(self, wanted: SecretId, deadline: Deadline) -> Secret:
        """Read a secret in the calling thread, where no other is to be had: with connections and locks of its own.

        Raises:
            KeylessError: If it cannot be read.
        """
        from keyless._reading.fetch import Fetcher  # noqa: PLC0415 (it loads requests and MSAL)

        fetcher = Fetcher(self.vault_url, self._choice, self._options, emit=self._herald.tell)
        self._counts.misses.add()
        try:
            fetched = fetcher.fetch(wanted, deadline, patient=False)
        except KeylessError:
            self._counts.failed.add()
            raise
        finally:
            fetcher.close()
        self._counts.retrieved.add()
        if not self._closed:
            self._cache.store(wanted.key, fetched, self._clock(), pinned=wanted.version is not None)
        return fetched

    def invalidate(self, name: str, version: str | None, rejected: str | None) -> None:
        """Make the next read wait for the vault, unless the rejected version is not in hand any more."""
        secret = SecretId.resolve(self.vault_url, name, version)
        if self._closed:
            return
        ticket: Ticket[None] = Ticket()
        if self._backroom.expire(secret, rejected, ticket) and not self._closed:
            ticket.wait(self._options.timeout)

    def token(self, resource: str, claims: str | None) -> Token:
        """Return a token, for a credential of the Azure SDK."""
        deadline = Deadline.after(self._options.timeout, self._clock)
        found = self._ask_for_token(resource, claims, deadline, Ticket)
        if not isinstance(found, Ticket):
            return found
        if not found.wait(deadline.remaining):
            raise self._choice.too_late()
        return found.outcome()

    async def atoken(self, resource: str, claims: str | None) -> Token:
        """Return a token as ``token`` does, without ever blocking the event loop."""
        deadline = Deadline.after(self._options.timeout, self._clock)
        found = self._ask_for_token(resource, claims, deadline, Ticket.in_loop)
        if not isinstance(found, Ticket):
            return found
        if not await found.awaited(deadline.remaining):
            raise self._choice.too_late()
        return found.outcome()

    def stats(self) -> ReaderStats:
        """Return what was counted, and what is in memory."""
        from keyless.stats import ReaderStats  # noqa: PLC0415 (importing keyless need not pay for it)

        held, counts = self._cache.held(self._clock()), self._counts
        return ReaderStats(
            hits=counts.hits.value,
            misses=counts.misses.value,
            stale=counts.stale.value,
            refused=counts.refused.value,
            retrieved=counts.retrieved.value,
            failed=counts.failed.value,
            secrets=held.secrets,
            stale_secrets=held.stale,
            oldest_age=held.oldest_age,
            in_flight=self._backroom.in_flight,
        )

    def close(self) -> None:
        """Forget every value, end the threads and the connections; anyone who waits gets ReaderClosedError."""
        self._closed = True
        self._backroom.close()

    def begin_process(self) -> None:
        """Make what cannot outlive a fork."""
        if self._choice.loops is not None:
            self._choice.loops.begin_process()
        self._backroom = Backroom(
            self.vault_url, self._choice, self._options, cache=self._cache, counts=self._counts, herald=self._herald
        )

    @property
    def gate(self) -> Gate:
        """The gate that a fork shuts."""
        return self._backroom.gate

    def _ask_for_token(
        self, resource: str, claims: str | None, deadline: Deadline, ticket: Callable[[], Ticket[Token]]
    ) -> Token | Ticket[Token]:
        if self._closed:
            raise closed()
        known = self._backroom.known_token(resource) if claims is None else None
        if known is not None:
            return known
        self._herald.refuse_if_telling()
        if self._choice.loops is not None:
            self._choice.loops.note(blocking=ticket is Ticket)
        made = ticket()
        if not self._backroom.fetch_token(resource, claims, deadline, made):
            raise no_thread(f"No token for {self._choice.words} came")
        if self._closed:
            raise closed()
        return made

    def _too_late(self, wanted: SecretId) -> KeylessError:
        """Return the error for a caller whose time has run out before the flight's own: it reports what has not come."""
        what = f"{wanted} could not be read"
        return self._choice.too_late(what) if self._backroom.lacks_token else too_late(what)

    def _served(self, secret: Secret) -> Secret:
        counts = self._counts
        {"vault": counts.misses, "cache": counts.hits, "stale": counts.stale}[secret.source].add()
        return secret
