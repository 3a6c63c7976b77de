"""Faults on purpose, as data: which requests, what happens to them, and how often.

A fault only strikes requests that show who asks: the first request of an official SDK brings no token, and gets its
challenge as ever, so that "the next two" are two requests that mean something.
"""

from __future__ import annotations

import itertools
import math
import random
import re
import threading
from collections.abc import Mapping  # noqa: TC003 (help() evaluates the types of a record)
from types import MappingProxyType
from typing import Final, Literal

from msgspec import field
from msgspec.structs import replace

from keyless.errors import LocalAzureError
from keyless.local.operations import Kind  # noqa: TC001 (help() evaluates the types of a record)
from keyless.local.operations.names import CHALLENGE, ON_VAULTS
from keyless.local.record import Record
from keyless.local.sources import SOURCES

Service = Literal["identity", "vault"]
# What the journal calls the requests that a fault can strike.
OPERATIONS: Final[Mapping[Service, tuple[str, ...]]] = MappingProxyType(
    {"vault": ON_VAULTS, "identity": ("getToken", CHALLENGE)}
)

_OF_THE_BODY: Final = frozenset(
    {"content-type", "content-length", "content-encoding", "transfer-encoding", "connection"}
)

# ``answer`` gives status, body and headers as they stand; the others give Azure's own words for what has happened.
Effect = Literal[
    "answer",
    "reset",
    "slow-body",
    "firewall",
    "perimeter",
    "secret-disabled",
    "role-missing",
    "wrong-tenant",
    "token-expired",
    "not-assigned",
]


class Fault(Record, frozen=True, kw_only=True):
    """A fault.

    Attributes:
        service: Which service it strikes.
        name: What it is called, in the journal too.
        operation: The operation that it strikes; None means every one. So with the next six.
        identity: The name of the identity that asks.
        vault: The vault's name.
        secret: The secret's name.
        key: The key's name.
        certificate: The certificate's name.
        source: The source of managed identities.
        effect: What happens.
        status: The HTTP status, for ``answer``.
        body: The body, for ``answer``.
        content_type: The body's type.
        headers: Further headers, such as Retry-After.
        delay: Seconds before anything happens; alone, with the status 0, the request is answered as ever after it.
        times: How many requests it strikes; None means until it is removed.
        share: Which share of the requests it strikes, from 0 to 1.
        seed: What decides which ones, the same at every run.
        id: What it is removed by.
    """

    service: Service
    name: str = "custom"
    operation: str | None = None
    identity: str | None = None
    vault: str | None = None
    secret: str | None = None
    key: str | None = None
    certificate: str | None = None
    source: str | None = None
    effect: Effect = "answer"
    status: int = 0
    body: str = ""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    times: int | None = None
    share: float = 1.0
    seed: int = 0
    id: str = ""

    @property
    def named(self) -> dict[Kind, str]:
        """The objects that it is narrowed down to, in lower case: at most one of each kind."""
        given: dict[Kind, str | None] = {"secret": self.secret, "key": self.key, "certificate": self.certificate}
        return {kind: name.lower() for kind, name in given.items() if name is not None}

    def strikes(
        self,
        service: Service,
        *,
        operation: str,
        identity: str | None,
        vault: str | None,
        kind: Kind | None,
        name: str | None,
        source: str | None,
    ) -> bool:
        """Return whether a request is one of those that it strikes, chance aside."""
        asked = (operation, identity, vault and vault.lower(), source)
        wanted = (self.operation, self.identity, self.vault and self.vault.lower(), self.source)
        return (
            self.service == service
            and all(want in {None, found} for want, found in zip(wanted, asked, strict=True))
            and all((kind, (name or "").lower()) == each for each in self.named.items())
        )


_THROTTLED = (
    '{"error":{"code":"Throttled","message":"Request was not processed because too many requests were received. '
    'Reason: VaultRequestTypeLimitReached"}}'
)
_UNAVAILABLE = '{"error":{"code":"ServiceUnavailable","message":"The service is temporarily unavailable."}}'
_TOO_MANY = '{"error":"too_many_requests","error_description":"Temporarily throttled, too many requests"}'
_UNKNOWN = '{"error":"unknown","error_description":"Failed to retrieve token from the Active directory."}'

# What production does. The throttled vault's answer was recorded; the bodies of the others are not known to the letter.
NAMED: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        fault.name: fault
        for fault in (
            Fault(name="throttled", service="vault", status=429, body=_THROTTLED),
            Fault(name="vault-outage", service="vault", status=503, body=_UNAVAILABLE),
            Fault(name="vault-silent", service="vault", delay=3600.0),
            Fault(name="vault-reset", service="vault", effect="reset"),
            Fault(name="vault-slow", service="vault", effect="slow-body", delay=2.0),
            Fault(name="firewall", service="vault", effect="firewall"),
            Fault(name="perimeter", service="vault", effect="perimeter"),
            Fault(name="secret-disabled", service="vault", operation="getSecret", effect="secret-disabled"),
            Fault(name="role-not-propagated", service="vault", effect="role-missing"),
            Fault(name="wrong-tenant", service="vault", effect="wrong-tenant"),
            Fault(name="clock-skew", service="vault", effect="token-expired"),
            Fault(name="identity-not-assigned", service="identity", effect="not-assigned"),
            Fault(name="imds-upgrade", service="identity", status=410),
            Fault(name="identity-throttled", service="identity", status=429, body=_TOO_MANY),
            Fault(name="identity-outage", service="identity", status=500, body=_UNKNOWN),
            Fault(name="identity-silent", service="identity", delay=3600.0),
            Fault(name="identity-reset", service="identity", effect="reset"),
            Fault(name="identity-html", service="identity", status=200, body="<html>", content_type="text/html"),
        )
    }
)


def check_fault(fault: Fault) -> None:
    """Refuse a fault that could never strike, or that no server could answer with.

    Raises:
        LocalAzureError: With the field that is wrong, and what it can be.
    """
    for problem, remedy in (
        (not 0 < fault.share <= 1, "share is above 0 and up to 1"),
        (fault.times is not None and fault.times < 1, "times is from 1"),
        (not 0 <= fault.delay < math.inf, "delay is a number of seconds from 0"),
        (fault.status != 0 and not 200 <= fault.status <= 599, "status is from 200 to 599, or 0 for none"),  # noqa: PLR2004
        (
            not all(_is_header(name, text) for name, text in fault.headers.items()),
            "headers are ASCII, each on one line, and none sets how the body is sent",
        ),
        (
            fault.operation not in {None, *OPERATIONS[fault.service]},
            f"operation is one of {', '.join(OPERATIONS[fault.service])}",
        ),
        (fault.source not in {None, *SOURCES}, f"source is one of {', '.join(SOURCES)}"),
        (
            fault.service == "identity" and (fault.vault or fault.named),
            "vault, secret, key and certificate are for faults of the vault",
        ),
        (len(fault.named) > 1, "at most one of secret, key and certificate is given"),
        (fault.service == "vault" and fault.source, "source is for faults of the identity endpoint"),
        (
            fault.effect == "answer" and fault.status == 0 and fault.delay == 0,
            f"give status, delay or effect, or a name: {', '.join(NAMED)}",
        ),
    ):
        if problem:
            raise LocalAzureError(
                f"The fault {fault.name!r} can never strike.",
                cause=f"One of its fields is wrong: {remedy}.",
                remedy="Give an allowed value, or leave it out.",
            )


def _is_header(name: str, text: str) -> bool:
    if name.lower() in _OF_THE_BODY:
        return False
    return bool(re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", name, re.ASCII) and re.fullmatch(r"[ -~]*", text))


class Faults:
    """The faults of a local Azure, the oldest first. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._active: dict[str, tuple[Fault, random.Random, int | None]] = {}

    def add(self, fault: Fault) -> Fault:
        """Switch on a fault from now on.

        Returns:
            The fault with its id.

        Raises:
            LocalAzureError: If it is not one that can strike.
        """
        check_fault(fault)
        made = replace(fault, id=str(next(self._numbers)))
        with self._lock:
            self._active[made.id] = (made, random.Random(fault.seed), fault.times)  # noqa: S311 (no secret)
        return made

    def add_named(
        self,
        name: str,
        *,
        operation: str | None = None,
        identity: str | None = None,
        vault: str | None = None,
        secret: str | None = None,
        key: str | None = None,
        certificate: str | None = None,
        source: str | None = None,
        headers: Mapping[str, str] | None = None,
        times: int | None = None,
        share: float = 1.0,
        seed: int = 0,
    ) -> Fault:
        """Switch on a fault that production knows; what is given narrows it down.

        Raises:
            LocalAzureError: If there is none of that name; the error lists those that exist.
        """
        if name not in NAMED:
            raise LocalAzureError(
                f"There is no fault {name!r}.",
                cause="The name is not one of those that the local Azure knows.",
                remedy=f"Use one of: {', '.join(NAMED)}.",
            )
        known = NAMED[name]
        return self.add(
            replace(
                known,
                operation=operation or known.operation,
                identity=identity,
                vault=vault,
                secret=secret,
                key=key,
                certificate=certificate,
                source=source,
                headers=headers or {},
                times=times,
                share=share,
                seed=seed,
            )
        )

    def remove(self, fault_id: str) -> None:
        """Take one fault away.

        Raises:
            LocalAzureError: If it is not there (any more).
        """
        with self._lock:
            if self._active.pop(fault_id, None) is None:
                raise LocalAzureError(
                    f"There is no fault with the id {fault_id!r}.",
                    cause="It was removed, or has struck as often as it was to.",
                    remedy=f"Use one of: {', '.join(self._active) or 'none is active'}.",
                )

    def clear(self) -> None:
        """Take every fault away."""
        with self._lock:
            self._active.clear()

    def active(self) -> tuple[Fault, ...]:
        """Return the faults that may still strike, with the number of times that is left."""
        with self._lock:
            return tuple(replace(fault, times=left) for fault, _, left in self._active.values())

    def strike(
        self,
        service: Service,
        *,
        operation: str,
        identity: str | None,
        vault: str | None = None,
        kind: Kind | None = None,
        name: str | None = None,
        source: str | None = None,
    ) -> Fault | None:
        """Return the fault that strikes a request, the oldest one that fits; None lets it go on as ever."""
        with self._lock:
            for number, (fault, chance, left) in self._active.items():
                fits = fault.strikes(
                    service, operation=operation, identity=identity, vault=vault, kind=kind, name=name, source=source
                )
                if not fits or chance.random() >= fault.share:
                    continue
                if left == 1:
                    del self._active[number]
                elif left is not None:
                    self._active[number] = (fault, chance, left - 1)
                return fault
        return None
