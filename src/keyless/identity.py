"""Tokens for a managed identity, through MSAL: which identity, one flight a token, and what every failure means.

Nothing here speaks an identity protocol: MSAL picks the platform's endpoint and asks it. What MSAL leaves to its caller
is here: timeouts, the retries that each platform asks for, one call at a time, and telling failures apart. (MSAL reports
every failure of App Service as ``invalid_scope`` and lets an answer that is not JSON escape as ``JSONDecodeError``.)
"""

from __future__ import annotations

import re
import time
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msal

from keyless import identity_errors
from keyless.deadline import LONGEST_PAUSE, Deadline
from keyless.errors import ConfigurationError, DeadlineExceededError, IdentityError, KeylessError
from keyless.flight import SingleFlight, landed
from keyless.identity_session import IdentitySession
from keyless.remedies import IDENTITY_OVERVIEW, LIST_IDENTITIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.events import Hook

# Patterns are compiled when they are first needed, so that importing costs little.
_GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_RESOURCE_ID = (
    rf"(?i:/subscriptions/{_GUID}/resourcegroups/[^/?#\s]+"
    r"/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/[^/?#\s]+)"
)
# MSAL takes a token with less than five minutes to live for expired.
_SHORTEST_LIFE = 300.0
# A token in hand is good for hours yet when its renewal is due: what reads with it must not wait long for another.
_RENEWAL_SECONDS = 2.0
_RENEWAL_REST = 60.0
# MSAL's own spelling of the identity kinds: https://learn.microsoft.com/en-us/python/api/msal/msal.managed_identity
_KINDS = {"ClientId": "client_id", "ResourceId": "resource_id", "ObjectId": "object_id"}


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token.

    Attributes:
        value: The token; in no repr.
        expires_on: When it expires, in Unix seconds.
        refresh_on: When it should be renewed, in Unix seconds; None where MSAL does not say.
    """

    value: str = field(repr=False)
    expires_on: int
    refresh_on: int | None = None


@dataclass(slots=True, eq=False)
class _Held:
    """A token in hand.

    Attributes:
        token: The token.
        rest_until: Until when it is not renewed although it should be: the endpoint has just failed to.
    """

    token: Token
    rest_until: float = float("-inf")

    @property
    def is_aging(self) -> bool:
        """Whether it should be renewed: half of its life is gone."""
        return self.token.refresh_on is not None and self.token.refresh_on <= time.time()


def check_identity(identity: Any) -> str:
    """Return how a managed identity is spoken of, such as ``client_id=…``, if it can be one.

    Args:
        identity: An ``msal.SystemAssignedManagedIdentity`` or ``msal.UserAssignedManagedIdentity``.

    Raises:
        ConfigurationError: If it is something else, or its id does not have the form of one.
    """
    if not msal.managed_identity.ManagedIdentity.is_managed_identity(identity):
        raise ConfigurationError(
            f"The identity is {type(identity).__name__}, which is no managed identity.",
            cause="Only SystemAssignedManagedIdentity() and UserAssignedManagedIdentity(...) are.",
            remedy="Pass one of them: both can be imported from keyless.",
        )
    if msal.managed_identity.ManagedIdentity.is_system_assigned(identity):
        return "system-assigned"
    kind, value = _KINDS[identity["ManagedIdentityIdType"]], identity["Id"]
    form = _RESOURCE_ID if kind == "resource_id" else _GUID
    if not isinstance(value, str) or not re.fullmatch(form, value):
        example = (
            "/subscriptions/{guid}/resourcegroups/{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
            if kind == "resource_id"
            else "00000000-0000-0000-0000-000000000000"
        )
        raise ConfigurationError(
            f"The {kind} {str(value)[:200]!r} is not valid.",
            cause=f"A {kind} has the form {example}.",
            remedy=f"Copy it from: {LIST_IDENTITIES}. {IDENTITY_OVERVIEW}",
        )
    return f"{kind}={value}"


class TokenSource:
    """The tokens of one managed identity.

    Args:
        identity: Which one, in MSAL's own classes.
        memory: Seconds for which a failure is remembered where the endpoint does not say, so that many readers do not
            hammer an endpoint that cannot help them.
        tell: What hears of tokens that came from the endpoint.
        pause: Waits that many seconds; returns whether the wait was cut short because the owner closes.
        clock: Tells the time in seconds, for deadlines and pauses.
    """

    def __init__(
        self, identity: Any, *, memory: float, tell: Hook, pause: Callable[[float], bool], clock: Callable[[], float]
    ) -> None:
        self.name = check_identity(identity)
        self._identity = identity
        self._memory = memory
        self._tell = tell
        self._held: dict[str, _Held] = {}
        self._clock = clock
        self._failures: dict[str, tuple[float, IdentityError]] = {}
        self._session = IdentitySession(pause=pause, clock=clock)
        self._flights: SingleFlight[Token] = SingleFlight()
        self._answers: dict[object, object] = {}
        self._client = self._new_client()

    def token(self, resource: str, deadline: Deadline, *, claims: str | None = None) -> Token:
        """Return a token, from MSAL's cache or from the identity endpoint; waits for one already on its way.

        Args:
            resource: What it is for, such as ``https://vault.azure.net``.
            deadline: By when it must be there.
            claims: A claims challenge, as JSON text, that the resource answered an earlier token with.

        Raises:
            IdentityError: If there is none to be had; the subclass says why.
            DeadlineExceededError: If the time runs out.
        """
        key = f"{resource} {claims or ''}"
        while True:
            flight, opened = self._flights.board(key, deadline)
            if opened:
                self._flights.fly(key, flight, lambda: self._acquire_unless_known(key, resource, deadline, claims))
            try:
                error = flight.exception(deadline.remaining)
            except TimeoutError:
                raise identity_errors.too_late(self.name) from None
            # Whoever opened the flight may have had less time than is left here.
            if opened or not isinstance(error, DeadlineExceededError) or deadline.remaining <= 0:
                return landed(flight)

    def forget(self, resource: str, token: Token) -> None:
        """Drop a token, so that the next is asked of the endpoint: the resource has refused this one.

        Where it is not the latest any more, somebody else has dropped it already, and nothing is done.
        """
        held = self._held.get(resource)
        if held is not None and held.token.value == token.value:
            self._held.pop(resource, None)  # Another thread may have been refused at the same time.
            self._failures.clear()
            # MSAL has no way to drop one token; the others are held here, too.
            self._client = self._new_client()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _new_client(self) -> Any:
        return msal.ManagedIdentityClient(self._identity, http_client=self._session, http_cache=self._answers)

    def _acquire_unless_known(self, key: str, resource: str, deadline: Deadline, claims: str | None) -> Token:
        """Return the token in hand or raise the failure that is remembered, else ask the endpoint."""
        held = self._held.get(resource) if claims is None else None
        usable = held is not None and held.token.expires_on - time.time() >= _SHORTEST_LIFE
        if held is not None and usable and (not held.is_aging or self._clock() < held.rest_until):
            return held.token
        until, failure = self._failures.get(key, (0.0, None))
        if failure is not None and self._clock() < until:
            raise copy(failure)
        try:
            token = self._acquire(resource, deadline, claims, held if usable else None)
        except IdentityError as error:
            seconds = self._memory if error.retry_after is None else min(error.retry_after, LONGEST_PAUSE)
            self._failures[key] = (self._clock() + seconds, copy(error))
            raise
        self._failures.pop(key, None)
        return token

    def _acquire(self, resource: str, deadline: Deadline, claims: str | None, held: _Held | None) -> Token:
        """Ask MSAL; with a good token in hand, which MSAL returns should it fail, only once and not for long."""
        started, token, problem = self._clock(), None, None
        if held is not None:
            deadline = Deadline.after(min(_RENEWAL_SECONDS, deadline.remaining), self._clock)
        # MSAL would replay a failed answer from memory for a time of its own; how long to remember is decided here.
        self._answers.clear()
        with self._session.until(deadline, patient=held is None) as exchange:
            try:
                token = _token(self._client.acquire_token_for_client(resource=resource, claims_challenge=claims))
            except KeylessError:
                raise
            except Exception as error:  # noqa: BLE001 (MSAL lets through whatever its parts raise)
                problem = error
        if token is None:
            # Raised outside the except block: an error in its context could hold the answer's body, and so a token.
            raise identity_errors.explain(self.name, exchange, problem)
        self._held[resource] = _Held(token)
        if held is not None and held.token.value == token.value:
            self._held[resource].rest_until = self._clock() + _RENEWAL_REST
            return token
        from keyless.events import TokenAcquired  # noqa: PLC0415 (importing keyless need not pay for it)

        seconds = self._clock() - started
        self._tell(TokenAcquired(identity=self.name, resource=resource, expires_on=token.expires_on, seconds=seconds))
        return token


def _token(result: object) -> Token | None:
    """Return the token in what MSAL returned; None where that is an error."""
    if not isinstance(result, dict) or not isinstance(result.get("access_token"), str):
        return None
    expires_in, refresh_on = result.get("expires_in"), result.get("refresh_on")
    return Token(
        value=result["access_token"],
        # MSAL itself takes an hour where the endpoint does not say.
        expires_on=int(time.time()) + (int(expires_in) if expires_in is not None else 3600),
        refresh_on=int(refresh_on) if refresh_on is not None else None,
    )
