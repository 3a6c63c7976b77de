"""The words that a filter of the journal can use; one that is misspelt would match nothing, and show nothing."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from keyless.errors import LocalAzureError
from keyless.local.instruments.journal_entry import CHALLENGE, UNKNOWN
from keyless.local.operations import VAULT_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Collection

_SERVICES: Final = ("identity", "vault", "event-grid")
_OPERATIONS: Final = (
    *dict.fromkeys(operation.name for operation in VAULT_OPERATIONS),
    *(CHALLENGE, UNKNOWN, "getToken", "probe", "discover", "deliverEvent"),
)
# The codes that the local Azure gives; those that a journal holds count as well.
_CODES: Final = (
    *("Unauthorized", "Forbidden", "ForbiddenByRbac", "ForbiddenByPolicy", "ForbiddenByFirewall"),
    *("ForbiddenByConnection", "AccessDenied", "SecretDisabled", "SecretNotFound", "NotFound", "MethodNotAllowed"),
    *("BadParameter", "NotSupported", "Conflict", "ObjectIsBeingDeleted", "ObjectIsBeingRecovered"),
    *("ObjectIsDeletedButRecoverable", "Throttled", "Fault"),
    *("invalid_request", "invalid_resource", "invalid_scope", "invalid_client", "unauthorized_client"),
    *("unsupported_grant_type", "unknown", "Not Found", "bad_request_102", "ManagedIdentityNotFound"),
    *(
        "SecretHeaderNotFound",
        "InvalidApiVersion",
        "AudienceNotSupported",
        "ArgumentNullOrEmpty",
        "InternalServerError",
    ),
)


def check_service(service: str | None) -> None:
    """Refuse a service that there is not.

    Raises:
        LocalAzureError: If there is none of that name; the nearest one is suggested.
    """
    _check("service", service, _SERVICES)


def check_operation(operation: str | None) -> None:
    """Refuse an operation that no service has.

    Raises:
        LocalAzureError: If there is none of that name; the nearest one is suggested.
    """
    _check("operation", operation, _OPERATIONS)


def check_code(code: str | None, seen: Collection[str | None]) -> None:
    """Refuse a code that no service gives.

    Args:
        code: The code; None is always right.
        seen: The codes that the journal holds.

    Raises:
        LocalAzureError: If there is none of that name; the nearest one is suggested.
    """
    if code not in seen:
        _check("code", code, _CODES)


def _check(what: str, word: str | None, known: Collection[str]) -> None:
    if word is None or word in known:
        return
    near = get_close_matches(word, known, n=1, cutoff=0.5)
    raise LocalAzureError(
        f"The journal has no {what} {word!r}.",
        cause="Nothing could ever match it, so a test that counts it would show nothing.",
        remedy=f"Did you mean {near[0]!r}?" if near else f"Use one of: {', '.join(known)}.",
    )
