"""Read Azure Key Vault secrets with a managed identity: no credential in code, configuration or on disk."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from msal import SystemAssignedManagedIdentity, UserAssignedManagedIdentity

    from keyless import clouds as clouds
    from keyless import errors as errors
    from keyless import events as events
    from keyless import reader as reader
    from keyless import retry as retry
    from keyless import secret as secret
    from keyless import secret_id as secret_id
    from keyless import stats as stats
    from keyless import workload_identity as workload_identity
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
    from keyless.events import (
        Event,
        Hook,
        ReadFailed,
        ReadWaiting,
        RefreshFailed,
        SecretInvalidated,
        SecretRetrieved,
        StaleEnded,
        StaleStarted,
        TokenAcquired,
        log_event,
    )
    from keyless.reader import SecretReader
    from keyless.retry import aretry_on_rejected, retry_on_rejected
    from keyless.secret import Secret
    from keyless.secret_id import SecretId
    from keyless.stats import ReaderStats
    from keyless.workload_identity import WorkloadIdentity

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
    "ReadWaiting",
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
    "WorkloadIdentity",
    "aretry_on_rejected",
    "log_event",
    "retry_on_rejected",
]

# A program pays for what it uses alone. Names that are not here are errors or events.
_HOMES = {
    "ReaderStats": "keyless.stats",
    "Secret": "keyless.secret",
    "SecretId": "keyless.secret_id",
    "SecretReader": "keyless.reader",
    "SystemAssignedManagedIdentity": "msal",
    "UserAssignedManagedIdentity": "msal",
    "WorkloadIdentity": "keyless.workload_identity",
    "aretry_on_rejected": "keyless.retry",
    "retry_on_rejected": "keyless.retry",
}
_MODULES = frozenset(
    {"clouds", "errors", "events", "reader", "retry", "secret", "secret_id", "stats", "workload_identity"}
)


# A type checker that saw it would take every misspelt name for one that is there.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in _MODULES:
            return import_module(f"keyless.{name}")
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        is_error = name.endswith(("Error", "Errors"))
        found = getattr(import_module(_HOMES.get(name, "keyless.errors" if is_error else "keyless.events")), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
