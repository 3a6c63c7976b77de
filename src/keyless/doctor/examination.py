"""The subject of an examination, and its deadline."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from keyless.workload_identity import WorkloadIdentity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from keyless._remedies.host import Host
    from keyless._vault.challenge import Challenge
    from keyless._wire.deadline import Deadline
    from keyless._wire.token import Token
    from keyless.secret_id import SecretId


class Way(NamedTuple):
    """The first hop of connections to the vault: itself or a proxy."""

    host: str
    port: int
    is_proxy: bool = False


@dataclass(slots=True, kw_only=True)
class Examination:
    """One run of the doctor: what it was asked, and what its stages learned for those that follow.

    Attributes:
        environment: The environment.
        identity: The managed identity, in MSAL's own classes, or a WorkloadIdentity; None for the system-assigned one.
        vault_url: The vault's address as it was given; None where none was.
        secret: The secret's name as it was given; None where none was.
        deadline: By when all must be done.
        now: The time of day.
        host: What this runs on, as far as anything names it.
        agent: The agent of Azure Arc; None where it is not installed.
        target: The vault's checked address, with a name that stands for any secret.
        way: Where connections to the vault go; None where its name leads nowhere.
        token: The token that was got; None again once it is clear that this vault would not take it, or must not see it.
        claims: The claims of the token.
        challenge: What the vault wants of a token.
        public_addresses: The public addresses that the vault's name led to.
    """

    environment: Mapping[str, str]
    identity: Any
    vault_url: str | None
    secret: str | None
    deadline: Deadline
    now: datetime
    host: Host | None = None
    agent: Path | None = None
    target: SecretId | None = None
    way: Way | None = None
    token: Token | None = field(default=None, repr=False)
    claims: Mapping[str, Any] = field(default_factory=dict)
    challenge: Challenge | None = None
    public_addresses: tuple[str, ...] = ()

    @property
    def asked_id(self) -> tuple[str, str] | None:
        """The kind and the value of the id that names a user-assigned identity; None for the system-assigned."""
        if self.identity is None:
            return None
        if isinstance(self.identity, WorkloadIdentity):
            return "ClientId", self.identity.client_id or self.environment.get("AZURE_CLIENT_ID", "")
        import msal  # noqa: PLC0415 (code that made an identity has loaded it)

        if not msal.managed_identity.ManagedIdentity.is_managed_identity(self.identity):
            return None  # The identity's stage says so.
        value = self.identity.get("Id")
        return (str(self.identity["ManagedIdentityIdType"]), str(value)) if value is not None else None
