"""Errors for a credential of the Azure SDK that gives no token."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keyless._wire.deadline import too_late
from keyless._wire.error_answer import quote
from keyless._wire.pauses import parse_retry_after
from keyless.errors import (
    IdentityRefusedError,
    IdentityServiceError,
    IdentityThrottledError,
    IdentityUnavailableError,
)

if TYPE_CHECKING:
    from keyless._wire.deadline import Deadline
    from keyless.errors import DeadlineExceededError, IdentityError

_CODE = r"\bAADSTS\d+\b"
_THROTTLED = 429
_SERVER_ERRORS = range(500, 600)
_SDK = "https://aka.ms/azsdk/python/identity/troubleshoot"
# How a chain of credentials begins to say that none of them gave a token.
_CHAIN = "from the included credentials"
_UNAVAILABLE = "CredentialUnavailableError"
_REFUSED = "ClientAuthenticationError"
_NETWORK = frozenset({"ServiceRequestError", "ServiceResponseError"})


def explain_credential(name: str, problem: Exception, deadline: Deadline) -> IdentityError | DeadlineExceededError:
    """Return the error for a credential that raised something.

    The classes are distinguished by name: azure-core and azure-identity need not be there.

    Args:
        name: The credential's class.
        problem: What it raised.
        deadline: By when the token had to be there.
    """
    kinds = {kind.__name__ for kind in type(problem).__mro__}
    response = getattr(problem, "response", None)
    status = getattr(response, "status_code", None)
    said = quote(getattr(problem, "message", None) or str(problem)) if kinds & {_REFUSED, "AzureError"} else ""
    what = f"{name} gives no token" + (f": {said}" if said else f" ({type(problem).__name__}).")
    what = what if what.endswith(".") else f"{what}."
    code = next(iter(re.findall(_CODE, said)), None)
    if isinstance(problem, TimeoutError) and deadline.remaining <= 0:
        return too_late(f"No token from {name} came", cause=f"{name} is slow or silent.", where="what it asks")
    if status == _THROTTLED:
        headers = getattr(response, "headers", None) or {}
        return IdentityThrottledError(
            what,
            cause="Too many token requests: each process or each call makes its own.",
            remedy="Wait, and keep one credential and one SecretReader for the whole process.",
            code=code,
            status=status,
            retry_after=parse_retry_after(headers.get("Retry-After")),
        )
    if _UNAVAILABLE in kinds or (_REFUSED in kinds and status is None and _CHAIN in said):
        return IdentityUnavailableError(
            what,
            cause=f"What {name} needs is not here: a login, a variable, a program or an endpoint.",
            remedy=f"Provide one of the things that it names (on a laptop: `az login`), or give another credential. {_SDK}",
            code=code,
        )
    if kinds & _NETWORK:
        return IdentityUnavailableError(
            what,
            cause="The service that the credential asks cannot be reached from here.",
            remedy="Check the network, and what a proxy lets through: `env | grep -i proxy`.",
        )
    if _REFUSED in kinds and status not in _SERVER_ERRORS:
        return IdentityRefusedError(
            what,
            cause="The credential was asked for a token and was refused: what it presents has expired, was revoked, or is wrong.",
            remedy=f"Log in again or renew what it presents, and look up the code. {_SDK}",
            code=code,
            status=status,
        )
    return IdentityServiceError(
        what,
        cause=f"{name}, or the service that it asks, failed.",
        remedy=f"Try again in a minute; if it lasts, ask it by itself for a token, with its log switched on. {_SDK}",
        code=code,
        status=status if isinstance(status, int) else None,
    )


def no_token(name: str) -> IdentityServiceError:
    """Return the error for a token that no request can carry."""
    return IdentityServiceError(
        f"{name} gives a token that is none: it is empty, or has other signs than printable ASCII.",
        cause="The credential, or what it asks, does not do what the Azure SDK expects of it.",
        remedy="Ask it by itself for a token, and look at its log.",
    )
