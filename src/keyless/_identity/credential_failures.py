"""Errors for a credential of the Azure SDK that gives no token."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from keyless._remedies import local, remedies
from keyless._remedies.host import host_of
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
# The remedy has the address of the guide, once.
_GUIDE = (
    r"(Visit|See the troubleshooting guide for more information:|"
    r"To mitigate this issue, please refer to the troubleshooting guidelines here at) "
    r"https://aka\.ms/azsdk/\S+/troubleshoot( to troubleshoot this issue)?\.?"
)
# A chain names each credential that it has tried; the developer's own come last.
_LONGEST_WORDS = 3000
# How a chain of credentials begins to say that none of them gave a token.
_CHAIN = "from the included credentials"
_UNAVAILABLE = "CredentialUnavailableError"
_REFUSED = "ClientAuthenticationError"
_NETWORK = frozenset({"ServiceRequestError", "ServiceResponseError"})
# How azure-identity quotes an identity endpoint that has answered: "(invalid_scope) 400, ..." on App Service.
_ANSWERED = r"Token request error: \(\w+\) (\d{3}), "
# What the endpoints say of an identity that is not there; azure-identity calls that "unavailable", or "refused".
_NOT_ASSIGNED = (
    r"(?i)unable to load (the proper|requested) managed identity|no user assigned or delegated managed identity found|"
    r"\bidentity not found|multiple user assigned identities exist|identity has (not )?been assigned to this resource"
)
_CLIENT_ERRORS = range(400, 500)
_PASSING = frozenset({404, 408, 410})


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
    said = _words(getattr(problem, "message", None) or str(problem)) if kinds & {_REFUSED, "AzureError"} else ""
    status = getattr(response, "status_code", None)
    if status is None and _CHAIN not in said:
        status = next((int(found) for found in re.findall(_ANSWERED, said)), None)
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
    if _lacks_identity(said, status):
        host = host_of(os.environ)
        return IdentityRefusedError(
            what,
            cause=f"The identity endpoint answers. The identity that {name} asks for is not assigned to this application, or "
            "several are and none was named.",
            remedy=local.first(
                f"{local.name_identity()} Or have the system-assigned one. {local.assign_identity('system-assigned')}",
                f"{remedies.name_identity(host)} Or have the system-assigned one. {remedies.enable_identity(host)}",
            ),
            code=code,
            status=status,
        )
    is_failing = status in _SERVER_ERRORS or status in _PASSING
    if (_UNAVAILABLE in kinds and not is_failing) or (_REFUSED in kinds and status is None and _CHAIN in said):
        return IdentityUnavailableError(
            what,
            cause=f"What {name} needs is not here: a login, a variable, a program or an endpoint.",
            remedy=f"{_on_a_laptop(said)}Provide one of the things that it names, or give another credential. {_SDK}",
            code=code,
        )
    if kinds & _NETWORK:
        return IdentityUnavailableError(
            what,
            cause="The service that the credential asks cannot be reached from here.",
            remedy="Check the network, and what a proxy lets through: `env | grep -i proxy`.",
        )
    if _REFUSED in kinds and not is_failing:
        return IdentityRefusedError(
            what,
            cause="The credential was asked for a token and was refused: what it presents has expired, was revoked, or is wrong.",
            remedy=f"Log in again or renew what it presents, and look up the code. {_SDK}",
            code=code,
            status=status,
        )
    if isinstance(problem, RuntimeError) and "loop" in str(problem):
        return IdentityServiceError(
            what,
            cause=f"{name} has connections of another event loop, or of one that has closed: each asyncio.run() makes a new one.",
            remedy="Use an asynchronous credential in one event loop only. Or give the reader one that is not asynchronous, such "
            "as azure.identity.DefaultAzureCredential(): no event loop waits for it.",
        )
    return IdentityServiceError(
        what,
        cause=f"{name}, or the service that it asks, failed.",
        remedy=f"Try again in a minute; if it lasts, ask it by itself for a token, with its log switched on. {_SDK}",
        code=code,
        status=status if isinstance(status, int) else None,
    )


def _words(message: str) -> str:
    """Return what a credential says, on one line: each credential of a chain after a dash."""
    return quote(re.sub(_GUIDE, "", message).replace("\n\t", " - "), _LONGEST_WORDS)


def _on_a_laptop(said: str) -> str:
    # A managed identity was looked for, and a local Azure has one.
    start = f"{remedies.LAPTOP} " if "ManagedIdentityCredential" in said and not local.source() else ""
    login = "If the Azure CLI is installed, log in: `az login`. " if "Azure CLI" in said or "az login" in said else ""
    return start + login


def _lacks_identity(said: str, status: int | None) -> bool:
    """Return whether an identity endpoint has answered, and refuses the identity."""
    if _CHAIN in said or re.search(_CODE, said) or status in _PASSING:
        return False
    has_refused = status in _CLIENT_ERRORS and re.search(_ANSWERED, said) is not None
    return has_refused or re.search(_NOT_ASSIGNED, said) is not None


def no_token(name: str) -> IdentityServiceError:
    """Return the error for a token that no request can carry."""
    return IdentityServiceError(
        f"{name} gives a token that is none: it is empty, or has other signs than printable ASCII.",
        cause="The credential, or what it asks, does not do what the Azure SDK expects of it.",
        remedy="Ask it by itself for a token, and look at its log.",
    )
