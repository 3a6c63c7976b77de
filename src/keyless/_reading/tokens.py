"""The tokens of the caller: one flight a token for all callers, and no more requests than can help."""

from __future__ import annotations

from copy import copy
from functools import partial
from typing import TYPE_CHECKING

from keyless._reading.flight import SingleFlight, Ticket
from keyless._wire.clock import unix_time
from keyless._wire.deadline import Deadline
from keyless._wire.pauses import LONGEST_PAUSE
from keyless.errors import DeadlineExceededError, IdentityError

if TYPE_CHECKING:
    from keyless._identity.choice import Asked, Choice
    from keyless._reading.options import ReaderOptions
    from keyless._wire.token import Token
    from keyless.events import Hook

# MSAL takes a token with less than five minutes to live for expired.
_SHORTEST_LIFE = 300.0
# A token in hand is good for hours yet when its renewal is due: what reads with it must not wait long for another.
_RENEWAL_SECONDS = 2.0
_RENEWAL_REST = 60.0


class _Held:
    """A token in hand.

    Args:
        token: The token.

    Attributes:
        rest_until: Until when it is not renewed although it should be: the endpoint has just failed to.
    """

    __slots__ = ("rest_until", "token")

    def __init__(self, token: Token) -> None:
        self.token = token
        self.rest_until = float("-inf")

    @property
    def is_usable(self) -> bool:
        """Whether a resource will take it."""
        return self.token.expires_on - unix_time() >= _SHORTEST_LIFE

    @property
    def is_due(self) -> bool:
        """Whether it should be renewed: half of its life is gone."""
        return self.token.refresh_on is not None and self.token.refresh_on <= unix_time()


class TokenSource:
    """The tokens of the caller.

    A failure is remembered as long as a refusal of the vault is where the endpoint does not say how long, so that many
    readers do not hammer an endpoint that cannot help them.

    Args:
        asked: What they are asked of.
        choice: Who reads.
        options: The reader's options.
        emit: What is given each event.
    """

    def __init__(self, asked: Asked, choice: Choice, options: ReaderOptions, *, emit: Hook) -> None:
        self._choice = choice
        self._asked = asked
        self._options = options
        self._clock = options.clock
        self._emit = emit
        self._held: dict[str, _Held] = {}
        self._failures: dict[str, tuple[float, IdentityError]] = {}
        self._flights: SingleFlight[Token] = SingleFlight()

    def token(self, resource: str, deadline: Deadline, *, claims: str | None = None) -> Token:
        """Return a token; this thread asks for it, unless it is on its way.

        Args:
            resource: What it is for, such as ``https://vault.azure.net``.
            deadline: By when it must be there.
            claims: A claims challenge, as JSON text, that the resource answered an earlier token with.

        Raises:
            IdentityError: If there is none to be had; the subclass shows why.
            DeadlineExceededError: If the time runs out.
            ReaderClosedError: If close() came first.
        """
        key = f"{resource} {claims or ''}"
        while True:
            ticket: Ticket[Token] = Ticket()
            flight, opened = self._flights.join(key, deadline)
            flight.board(ticket)
            if opened:
                acquire = partial(self._acquire_unless_known, key, resource, deadline, claims)
                self._flights.run(key, flight, acquire)
            if not ticket.wait(deadline.remaining):
                raise self._choice.too_late()
            # Another flight may have ended only because its opener had less time than is left here.
            early = isinstance(ticket.failure, DeadlineExceededError) and deadline.remaining > 0
            if opened or not early:
                return ticket.outcome()

    def known(self, resource: str) -> Token | None:
        """Return the token in hand if there is nothing to do about it; any thread may ask, for it takes no lock."""
        held = self._held.get(resource)
        if held is None or not held.is_usable or (held.is_due and self._clock() >= held.rest_until):
            return None
        return held.token

    def has(self, resource: str) -> bool:
        """Return whether a token was given that the resource has not refused since; any thread may ask."""
        return resource in self._held

    def forget(self, resource: str, token: Token) -> None:
        """Drop a token, so that the next is asked of the endpoint: the resource has refused this one.

        Where it is not the latest any more, somebody else has dropped it already, and nothing is done.
        """
        held = self._held.get(resource)
        if held is not None and held.token.value == token.value:
            self._held.pop(resource, None)  # Another thread may have been refused at the same time.
            self._failures.clear()
            # The others are held here, too.
            self._asked.forget()

    def close(self) -> None:
        """Close the connections and forget every token; anyone who waits gets ReaderClosedError."""
        self._asked.close()
        self._flights.close()
        self._held.clear()
        self._failures.clear()

    def _acquire_unless_known(self, key: str, resource: str, deadline: Deadline, claims: str | None) -> Token:
        """Return the token in hand or raise the failure that is remembered, else ask for one."""
        known = self.known(resource) if claims is None else None
        if known is not None:
            return known
        held = self._held.get(resource) if claims is None else None
        if held is not None and not held.is_usable:
            held = None
        until, failure = self._failures.get(key, (0.0, None))
        if failure is not None and self._clock() < until:
            raise copy(failure)
        try:
            token = self._acquire(resource, deadline, claims, held)
        except IdentityError as error:
            asked = error.retry_after
            seconds = self._options.negative_ttl if asked is None else min(asked, LONGEST_PAUSE)
            self._failures[key] = (self._clock() + seconds, copy(error))
            raise
        self._failures.pop(key, None)
        return token

    def _acquire(self, resource: str, deadline: Deadline, claims: str | None, held: _Held | None) -> Token:
        """Ask for a token; with a good one in hand, which is returned should it fail, only once and not for long."""
        started = self._clock()
        if held is not None:
            deadline = Deadline.after(min(_RENEWAL_SECONDS, deadline.remaining), self._clock)
        token = self._asked.acquire(resource, deadline, claims=claims, patient=held is None)
        self._held[resource] = _Held(token)
        if held is not None and held.token.value == token.value:
            self._held[resource].rest_until = self._clock() + _RENEWAL_REST
            return token
        from keyless.events import TokenAcquired  # noqa: PLC0415 (importing keyless need not pay for it)

        seconds = self._clock() - started
        self._emit(
            TokenAcquired(identity=self._choice.name, resource=resource, expires_on=token.expires_on, seconds=seconds)
        )
        return token
