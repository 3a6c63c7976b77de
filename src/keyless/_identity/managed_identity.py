"""A managed identity: which one it is, and one acquisition of a token through MSAL.

Nothing here speaks an identity protocol: MSAL picks the platform's endpoint and asks it. What MSAL leaves to its caller
is here: timeouts, the retries that each platform asks for, and telling failures apart. (MSAL reports every failure of
App Service as ``invalid_scope`` and lets an answer that is not JSON escape as ``JSONDecodeError``.)
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msal

from keyless._identity.failures import explain, no_header
from keyless._identity.msal_tokens import MsalTokens
from keyless._identity.session import IdentitySession
from keyless._remedies.host import GUID
from keyless._remedies.remedies import IDENTITY_OVERVIEW, LIST_IDENTITIES
from keyless._wire import clock
from keyless._wire.token import Token
from keyless.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless._identity.session import Exchange
    from keyless._wire.deadline import Deadline

# In seconds; of a token that is good for longer, MSAL asks for the next at half of its life.
_LONG_LIFE = 7200
# Patterns are compiled when they are first needed, so that importing costs little.
_RESOURCE_ID = (
    rf"(?i:/subscriptions/{GUID}/resourcegroups/[^/?#\s]+"
    r"/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/[^/?#\s]+)"
)
# MSAL's own spelling of the identity kinds: https://learn.microsoft.com/en-us/python/api/msal/msal.managed_identity
_KINDS = {"ClientId": "client_id", "ResourceId": "resource_id", "ObjectId": "object_id"}


def check_identity(identity: Any) -> str:
    """Return how a managed identity is spoken of, such as ``client_id=…``, if it can be one.

    Args:
        identity: An ``msal.SystemAssignedManagedIdentity`` or ``msal.UserAssignedManagedIdentity``.

    Raises:
        ConfigurationError: If it is something else, or its id does not have the form of one.
    """
    if not _is_managed_identity(identity):
        raise ConfigurationError(
            f"The identity is {type(identity).__name__}, which is not a managed identity.",
            cause="identity= takes SystemAssignedManagedIdentity(), UserAssignedManagedIdentity(...) or WorkloadIdentity().",
            remedy="Pass one of them: each can be imported from keyless. Pass a credential of the Azure SDK as credential=.",
        )
    if msal.managed_identity.ManagedIdentity.is_system_assigned(identity):
        return "system-assigned"
    kind, value = _KINDS[identity["ManagedIdentityIdType"]], identity["Id"]
    form = _RESOURCE_ID if kind == "resource_id" else GUID
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


def _is_managed_identity(identity: Any) -> bool:
    kinds = msal.managed_identity.ManagedIdentity
    try:
        return kinds.is_system_assigned(identity) or (
            kinds.is_managed_identity(identity) and identity["ManagedIdentityIdType"] in _KINDS
        )
    except TypeError:  # A dict may have anything as its kind, such as a list.
        return False


class ManagedIdentity:
    """One managed identity, as MSAL asks for its tokens.

    Args:
        identity: Which one, in MSAL's own classes; None for the system-assigned one.
        pause: Waits that many seconds; returns whether the wait was cut short because the owner closes.
        clock: Tells the time in seconds, for deadlines and pauses.

    Attributes:
        name: How it is spoken of.
    """

    def __init__(self, identity: Any, *, pause: Callable[[float], bool], clock: Callable[[], float]) -> None:
        identity = msal.SystemAssignedManagedIdentity() if identity is None else identity
        self.name = check_identity(identity)
        self._identity = identity
        self._session = IdentitySession(pause=pause, clock=clock)
        self._msal = MsalTokens(self._session, self._made)

    def acquire(self, resource: str, deadline: Deadline, *, claims: str | None = None, patient: bool = True) -> Token:
        """Return a token, from MSAL's cache or from the identity endpoint.

        MSAL returns the token of before where that is good yet and another cannot be had.

        Args:
            resource: What it is for, such as ``https://vault.azure.net``.
            deadline: By when it must be there.
            claims: A claims challenge, as JSON text, that the resource answered an earlier token with.
            patient: Whether to ask again where the platform's advice says so.

        Raises:
            IdentityError: If there is none to be had; the subclass shows why.
            DeadlineExceededError: If the time runs out.
        """
        with self._session.until(deadline, patient=patient) as exchange:
            token, problem = self._msal.ask(
                lambda client: client.acquire_token_for_client(resource=resource, claims_challenge=claims)
            )
            if problem is not None:
                token = _dated(exchange)
        # Raised here, outside an except block: an error in its context could hold the answer's body, and so a token.
        if token is None:
            raise explain(self.name, exchange, problem)
        if not token.can_be_sent:
            raise no_header(self.name, exchange.source)
        return token

    def forget(self) -> None:
        """Forget every token."""
        self._msal.forget()

    def close(self) -> None:
        """Close the connections, and forget every token."""
        self._msal.close()

    def _made(self, answers: dict[object, object]) -> msal.ManagedIdentityClient:
        return msal.ManagedIdentityClient(self._identity, http_client=self._session, http_cache=answers)


def _dated(exchange: Exchange) -> Token | None:
    """Return the token of an answer whose end is a date in ISO 8601, which MSAL does not read; None for any other.

    Azure has sent such answers: https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/issues/4963
    """
    try:
        body = json.loads(exchange.body) if exchange.status == HTTPStatus.OK else {}
        ends = datetime.fromisoformat(body["expires_on"])
        value = body["access_token"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(value, str) or ends.tzinfo is None:
        return None
    now, expires_on = int(clock.unix_time()), int(ends.timestamp())
    refresh_on = (now + expires_on) // 2 if expires_on - now >= _LONG_LIFE else None
    return Token(value=value, expires_on=expires_on, refresh_on=refresh_on)
