"""Every failure that Keyless can report: what happened, why, and what to do.

KeylessError
├── ConfigurationError            a wrong argument, setting or file   (also a ValueError)
├── IdentityError                 no token could be had
│   ├── IdentityUnavailableError      nothing answers at the identity endpoint
│   ├── IdentityRefusedError          the endpoint refuses this identity or this request
│   ├── IdentityThrottledError        the endpoint reports too many requests
│   └── IdentityServiceError          the endpoint fails, or what it answers makes no sense
├── VaultError                    the secret could not be read
│   ├── VaultUnreachableError         no connection to the vault: name, network, proxy or TLS
│   ├── VaultAuthenticationError      the vault does not accept the token (401)
│   ├── AccessDeniedError             the vault denies the identity (403)
│   ├── SecretDisabledError           the secret's version is disabled (403)
│   ├── SecretNotFoundError           the vault has no such secret (404)
│   ├── VaultThrottledError           the vault reports too many requests (429)
│   ├── VaultServiceError             the vault fails (5xx)
│   └── UnexpectedAnswerError         the vault answers what no rule covers
├── DeadlineExceededError         the time allowed ran out            (also a TimeoutError)
├── ReaderClosedError             the reader was used after close()
├── ReadErrors                    several secrets, at least one failure (also an ExceptionGroup)
└── LocalAzureError               the local Azure cannot do what was asked
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keyless.secret import Secret


# An error as long as this is no longer read on one line.
_SHORT = 300


class KeylessError(Exception):
    """The one base of every error that Keyless raises.

    Attributes:
        kl_code: The error's own stable code; ``docs/errors.md`` has a section for each.
        retryable: Whether the same call may succeed later with nothing changed; the class's own answer unless given.
        stale_ok: Whether a value read earlier may be served in place of this error. Only outages are: a
            revocation (403, 404, disabled) must take effect.
        what: What happened, with the service's literal code or message where there is one.
        cause: Why it happened, as far as is known.
        remedy: What to do about it.
        code: The service's literal error code, such as ``ForbiddenByRbac``; None where there was no answer.
        status: The HTTP status of the answer; None where there was none.
        retry_after: Seconds that the service asked to wait; None where it gave none.
    """

    kl_code: ClassVar[str] = "KL-000"
    retryable: bool = False
    stale_ok: ClassVar[bool] = False

    def __init__(
        self,
        what: str,
        *,
        cause: str,
        remedy: str,
        code: str | None = None,
        status: int | None = None,
        retry_after: float | None = None,
        retryable: bool | None = None,
    ) -> None:
        super().__init__(what)
        if retryable is not None:
            self.retryable = retryable
        self.what = what
        self.cause = cause
        self.remedy = remedy
        self.code = code
        self.status = status
        self.retry_after = retry_after

    @property
    def line(self) -> str:
        """All of it on one line, for a log."""
        return f"{self.what} Cause: {self.cause} Remedy: {self.remedy} [{self.kl_code}]"

    def __str__(self) -> str:
        """Return it on one line if that is short, else in paragraphs, with each command on a line of its own."""
        if len(self.line) <= _SHORT:
            return self.line
        from keyless._remedies.paragraphs import parts_of  # noqa: PLC0415 (importing keyless need not pay for it)

        remedy = [f"    {part.text}" if part.is_command else part.text for part in parts_of(f"Remedy: {self.remedy}")]
        return "\n\n".join((self.what, f"Cause: {self.cause}", "\n".join((*remedy, f"[{self.kl_code}]"))))

    def __reduce__(self) -> tuple[object, ...]:
        # Errors travel between processes; Exception's own way would call __init__ with positions only.
        return (_restore, (type(self), self.args, self.__dict__))


def _restore(kind: type[KeylessError], args: tuple[object, ...], state: dict[str, object]) -> KeylessError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class ConfigurationError(KeylessError, ValueError):
    """A wrong argument, setting or file: found before anything is sent."""

    kl_code = "KL-100"


class IdentityError(KeylessError):
    """No token could be had for the managed identity."""

    kl_code = "KL-200"


class IdentityUnavailableError(IdentityError):
    """Nothing answers at the identity endpoint: no identity is enabled here, or the network hides it."""

    kl_code = "KL-201"
    retryable = True
    stale_ok = True


class IdentityRefusedError(IdentityError):
    """The identity endpoint answers, and refuses: this identity is not assigned, or the request is wrong."""

    kl_code = "KL-202"


class IdentityThrottledError(IdentityError):
    """The identity endpoint reports that it gets too many requests."""

    kl_code = "KL-203"
    retryable = True
    stale_ok = True


class IdentityServiceError(IdentityError):
    """The identity endpoint fails, or answers what is not a token and not an error it documents."""

    kl_code = "KL-204"
    retryable = True
    stale_ok = True


class VaultError(KeylessError):
    """The secret could not be read from the vault."""

    kl_code = "KL-300"


class VaultUnreachableError(VaultError):
    """The vault was not reached: its name, the network, a proxy or TLS is in the way, or another server answers."""

    kl_code = "KL-301"
    retryable = True
    stale_ok = True


class VaultAuthenticationError(VaultError):
    """The vault does not accept the token (401): wrong tenant, wrong audience, expired."""

    kl_code = "KL-302"


class AccessDeniedError(VaultError):
    """The vault knows the identity and denies it the secret (403)."""

    kl_code = "KL-303"


class SecretDisabledError(VaultError):
    """The secret's version is disabled (403)."""

    kl_code = "KL-304"


class SecretNotFoundError(VaultError):
    """The vault has no such secret, or no such version of it (404)."""

    kl_code = "KL-305"


class VaultThrottledError(VaultError):
    """The vault reports that it gets too many requests (429)."""

    kl_code = "KL-306"
    retryable = True
    stale_ok = True


class VaultServiceError(VaultError):
    """The vault fails (5xx)."""

    kl_code = "KL-307"
    retryable = True
    stale_ok = True


class UnexpectedAnswerError(VaultError):
    """The vault answers what no rule covers."""

    kl_code = "KL-308"


class DeadlineExceededError(KeylessError, TimeoutError):
    """The time allowed for a read ran out before an answer came."""

    kl_code = "KL-401"
    retryable = True
    stale_ok = True


class ReaderClosedError(KeylessError):
    """The reader was used after it was closed."""

    kl_code = "KL-402"


class ReadErrors(KeylessError, ExceptionGroup[KeylessError]):  # noqa: N818 (a group, named for what it holds)
    """Some of several secrets could not be read; those that could be are in ``secrets``.

    Attributes:
        errors: What went wrong, by the name that was asked for.
        secrets: What was read all the same, by the name that was asked for.
    """

    kl_code = "KL-403"

    def __new__(cls, errors: Mapping[str, KeylessError], secrets: Mapping[str, Secret]) -> Self:
        """Make the group from its failures, which ``except*`` then sees one by one."""
        what = f"{len(errors)} of {len(errors) + len(secrets)} secrets could not be read: {', '.join(errors)}."
        return super().__new__(cls, what, list(errors.values()))

    def __init__(self, errors: Mapping[str, KeylessError], secrets: Mapping[str, Secret]) -> None:
        super().__init__(
            self.message,
            cause=" ".join(f"{name}: {error.line}" for name, error in errors.items()),
            remedy="Fix each one as its error shows; .secrets holds those that were read.",
        )
        self.errors = dict(errors)
        self.secrets = dict(secrets)

    def __str__(self) -> str:
        """Return the text of each of them, in paragraphs."""
        return "\n\n".join(
            (f"{self.what} [{self.kl_code}]", *(f"{name}: {error}" for name, error in self.errors.items()))
        )

    def __reduce__(self) -> tuple[object, ...]:
        # Values do not travel with an error.
        return (type(self), (self.errors, {}))

    def derive(self, excs: Sequence[Any], /) -> Any:
        """Make the part of this group that ``except*`` splits off: a plain group, since names no longer fit."""
        return ExceptionGroup(self.message, excs)


class LocalAzureError(KeylessError):
    """The local Azure cannot start, or was asked for what it does not have."""

    kl_code = "KL-500"
