"""Read Azure Key Vault secrets with a managed identity: no credential in code, configuration or on disk."""

from typing import TYPE_CHECKING

from msal import SystemAssignedManagedIdentity, UserAssignedManagedIdentity

from keyless.errors import (
    AccessDeniedError,
    ConfigurationError,
    DeadlineExceededError,
    IdentityError,
    IdentityRefusedError,
    IdentityServiceError,
    IdentityThrottledError,
    IdentityUnavailableError,
    KeylessError,
    ReaderClosedError,
    ReadErrors,
    SecretDisabledError,
    SecretNotFoundError,
    UnexpectedAnswerError,
    VaultAuthenticationError,
    VaultError,
    VaultServiceError,
    VaultThrottledError,
    VaultUnreachableError,
)
from keyless.reader import SecretReader
from keyless.rejected import aretry_on_rejected, retry_on_rejected
from keyless.secret import Secret
from keyless.secret_id import SecretId

if TYPE_CHECKING:
    from keyless.events import (
        Event,
        Hook,
        ReadFailed,
        RefreshFailed,
        SecretInvalidated,
        SecretRetrieved,
        StaleEnded,
        StaleStarted,
        TokenAcquired,
        log_event,
    )
    from keyless.stats import ReaderStats

__version__ = "0.1.0"

__all__ = [
    "AccessDeniedError",
    "ConfigurationError",
    "DeadlineExceededError",
    "Event",
    "Hook",
    "IdentityError",
    "IdentityRefusedError",
    "IdentityServiceError",
    "IdentityThrottledError",
    "IdentityUnavailableError",
    "KeylessError",
    "ReadErrors",
    "ReadFailed",
    "ReaderClosedError",
    "ReaderStats",
    "RefreshFailed",
    "Secret",
    "SecretDisabledError",
    "SecretId",
    "SecretInvalidated",
    "SecretNotFoundError",
    "SecretReader",
    "SecretRetrieved",
    "StaleEnded",
    "StaleStarted",
    "SystemAssignedManagedIdentity",
    "TokenAcquired",
    "UnexpectedAnswerError",
    "UserAssignedManagedIdentity",
    "VaultAuthenticationError",
    "VaultError",
    "VaultServiceError",
    "VaultThrottledError",
    "VaultUnreachableError",
    "aretry_on_rejected",
    "log_event",
    "retry_on_rejected",
]


def __getattr__(name: str) -> object:
    # Few programs look at events and counts; the others need not pay for their import.
    if name in __all__:
        from keyless import events, stats  # noqa: PLC0415

        return getattr(stats if name == "ReaderStats" else events, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
