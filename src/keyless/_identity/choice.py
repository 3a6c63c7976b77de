"""The identity that reads: the one that a reader was given, or one that its host offers.

It is checked when the reader is made, and nothing is sent.

What asks for tokens is loaded with the first read: MSAL and requests take longer to import than all the rest.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from keyless._remedies import remedies
from keyless._remedies.sources import METADATA_SERVICE, arc_agent, managed_source
from keyless._wire.deadline import too_late
from keyless.errors import ConfigurationError
from keyless.workload_identity import WorkloadIdentity

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless._identity.loops import Loops
    from keyless._wire.deadline import Deadline
    from keyless._wire.token import Token
    from keyless._wire.trust import Trust
    from keyless.errors import DeadlineExceededError

SYSTEM_ASSIGNED = "system-assigned"


class Asked(Protocol):
    """The source of tokens in one process."""

    def acquire(self, resource: str, deadline: Deadline, *, claims: str | None = None, patient: bool = True) -> Token:
        """Return a token.

        Args:
            resource: What it is for, such as ``https://vault.azure.net``.
            deadline: By when it must be there.
            claims: A claims challenge, as JSON text, that the resource answered an earlier token with.
            patient: Whether to ask again where that may help.

        Raises:
            IdentityError: If there is none to be had; the subclass shows why.
            DeadlineExceededError: If the time runs out.
        """

    def forget(self) -> None:
        """Forget every token, as far as that is in its hands."""

    def close(self) -> None:
        """Close the connections, and forget every token."""


class Make(Protocol):
    """Makes what is asked for tokens."""

    def __call__(self, pause: Callable[[float], bool], clock: Callable[[], float], trust: Trust) -> Asked:
        """Return it.

        Args:
            pause: Waits that many seconds; returns whether the wait was cut short.
            clock: Tells the time in seconds.
            trust: What a connection to it trusts.
        """


class Choice(NamedTuple):
    """The identity that reads.

    Attributes:
        name: How it is called, such as ``client_id=…``.
        words: How a sentence speaks of it, such as ``the client_id=… managed identity``.
        make: Makes what is asked for tokens.
        slow: Why a token may be late, where to look, and what to do first.
        loops: Where an asynchronous credential is asked; None for everything else.
    """

    name: str
    words: str
    make: Make
    slow: Callable[[], tuple[str, str, str]]
    loops: Loops | None = None

    def too_late(self, wanted: str = "") -> DeadlineExceededError:
        """Return the error for a token that did not come in time.

        Args:
            wanted: What could not be had without it, such as ``https://contoso-kv.vault.azure.net/secrets/db could not be read``.
        """
        cause, where, first = self.slow()
        what = f"{wanted}: no token" if wanted else "No token"
        return too_late(f"{what} for {self.words} came", cause=cause, where=where, first=first)


def choose(identity: Any = None, credential: Any = None) -> Choice:
    """Return who reads.

    Args:
        identity: A managed identity in MSAL's own classes, or a WorkloadIdentity; None for what the host offers.
        credential: A credential of the Azure SDK in its place.

    Raises:
        ConfigurationError: If it can be none of these, or both are given.
    """
    if credential is not None:
        if identity is not None:
            raise ConfigurationError(
                "SecretReader was given an identity and a credential.",
                cause="Each of them decides who reads.",
                remedy="Leave out one of them.",
            )
        return _credential(credential)
    if identity is None:
        identity = offered_identity()
    if isinstance(identity, WorkloadIdentity):
        return _workload(identity.resolved())
    return _managed(identity)


def offered_identity() -> WorkloadIdentity | None:
    """Return the identity that is meant where none is given; None for the system-assigned one."""
    return WorkloadIdentity() if WorkloadIdentity.is_offered() else None


def token_too_late(identity: str) -> DeadlineExceededError:
    """Return the error for a token of a managed identity that did not come in time."""
    cause, where, first = _slow_endpoint()
    return too_late(f"No token for the {identity} managed identity came", cause=cause, where=where, first=first)


def _managed(identity: Any) -> Choice:
    name = SYSTEM_ASSIGNED
    if identity is not None:
        # Whoever made an identity has loaded MSAL.
        from keyless._identity.managed_identity import check_identity  # noqa: PLC0415 (see above)

        name = check_identity(identity)

    def make(pause: Callable[[float], bool], clock: Callable[[], float], trust: Trust) -> Asked:  # noqa: ARG001 (no TLS)
        from keyless._identity.managed_identity import ManagedIdentity  # noqa: PLC0415 (see above)

        return ManagedIdentity(identity, pause=pause, clock=clock)

    return Choice(name=name, words=f"the {name} managed identity", make=make, slow=_slow_endpoint)


def _workload(identity: WorkloadIdentity) -> Choice:
    name = f"workload identity client_id={identity.client_id}"

    def make(pause: Callable[[float], bool], clock: Callable[[], float], trust: Trust) -> Asked:  # noqa: ARG001 (no clock)
        from keyless._identity.workload import Workload  # noqa: PLC0415 (as above)

        return Workload(identity, pause=pause, trust=trust)

    def slow() -> tuple[str, str, str]:
        return f"{identity.authority_host} is slow or silent from here.", "the network and its proxy", "Try again"

    return Choice(name=name, words=f"the {name}", make=make, slow=slow)


def _credential(credential: Any) -> Choice:
    if isinstance(credential, type) or not any(
        callable(getattr(credential, name, None)) for name in ("get_token_info", "get_token")
    ):
        of_class = "the class " if isinstance(credential, type) else ""
        raise ConfigurationError(
            f"The credential is {of_class}{_kind(credential)}, which gives no tokens.",
            cause="A credential of the Azure SDK has get_token(), such as DefaultAzureCredential().",
            remedy="Pass one, made with its brackets; or pass a managed identity as identity=.",
        )
    from keyless._identity.loops import Loops  # noqa: PLC0415 (only for those who give a credential)

    name = _kind(credential)
    loops = Loops.of(credential)

    def make(pause: Callable[[float], bool], clock: Callable[[], float], trust: Trust) -> Asked:  # noqa: ARG001 (it has its own)
        from keyless._identity.credential import AzureCredential  # noqa: PLC0415 (as above)

        return AzureCredential(credential, name=name, loops=loops)

    def slow() -> tuple[str, str, str]:
        return f"{name} is slow or silent: it may try several ways.", "what the credential asks", "Try again"

    return Choice(name=name, words=f"the credential {name}", make=make, slow=slow, loops=loops)


def _kind(credential: object) -> str:
    return (credential if isinstance(credential, type) else type(credential)).__name__


def _slow_endpoint() -> tuple[str, str, str]:
    health = "the platform's health"
    if managed_source(os.environ, agent=arc_agent()).name == METADATA_SERVICE:
        cause = (
            "Nothing answers at the metadata service of virtual machines, where the SDKs turn when no variable names "
            "another endpoint: this does not run in Azure, or the service is slow or being updated."
        )
        return cause, health, f"{remedies.LAPTOP} In Azure, try again"
    return "The identity endpoint is slow, silent or being updated.", health, "Try again"
