"""One entry of the journal: a request to the local Azure, and its answer."""

from __future__ import annotations

from keyless.local.operations import Kind  # noqa: TC001 (help() evaluates the types of a record)
from keyless.local.operations.names import CHALLENGE, Check, Service
from keyless.local.record import Record

_BEFORE_A_TOKEN = frozenset({CHALLENGE, "probe", "discover"})
_DENIALS = {
    "vault": frozenset({401, 403}),
    "arm": frozenset({401, 403}),
    "identity": frozenset({400, 401, 403, 404}),
    "graph": frozenset({401, 403}),
    "control": frozenset[int](),
    "event-grid": frozenset[int](),
}


class Entry(Record, frozen=True, kw_only=True):
    """One request and its answer.

    Attributes:
        time: When it was answered, in Unix seconds by the clock of the local Azure.
        service: Which service was asked; ``arm`` is Azure Resource Manager, the management plane; ``control`` where the
            control API failed; ``event-grid`` where an event was delivered to a function.
        operation: What was asked, such as ``getToken``, ``getSecret``, ``setSecret``, ``listSecrets``, ``deliverEvent``;
            ``probe`` where a client asked whether a source is there, ``getChallenge`` and ``discover`` before a token: the
            first request of official SDKs to a vault shows none, and is not a read.
        source: Which source of managed identities was asked, such as ``imds``; None where none was.
        identity: The name of the identity that asked; None where it is not known.
        vault: The vault's name; None where no vault was asked.
        kind: What the operation is about: a secret, a key or a certificate; None elsewhere.
        name: The object's name as it was sent; None where none was named.
        version: The object's version as it was sent; None where none was named.
        status: The HTTP status of the answer.
        code: The service's literal error code; None on success.
        reason: Why it was answered so, in one sentence.
        client: The client's User-Agent; empty where it sent none.
        ms: How long the answer took to make, in milliseconds.
        check: The check of a vault that ended it; None where all were passed, or no vault was asked.
        application: The client id of the application that asked a vault; None where a managed identity asked, or nobody known.
    """

    time: float
    service: Service
    operation: str
    status: int
    reason: str
    source: str | None = None
    identity: str | None = None
    vault: str | None = None
    kind: Kind | None = None
    name: str | None = None
    version: str | None = None
    code: str | None = None
    client: str = ""
    ms: float = 0.0
    check: Check | None = None
    application: str | None = None

    @property
    def is_denial(self) -> bool:
        """Whether an identity was refused: a token at the identity endpoint, or what it wanted at the vault."""
        return self.status in _DENIALS[self.service] and self.operation not in _BEFORE_A_TOKEN

    @property
    def secret(self) -> str | None:
        """The secret's name; None where the entry is about another object, or none."""
        return self.name if self.kind == "secret" else None

    @property
    def scope(self) -> str:
        """The scope of a role for this: ``VAULT``, ``VAULT/SECRET`` or ``VAULT/keys/KEY``."""
        if not self.name:
            return self.vault or ""
        return f"{self.vault}/{self.name}" if self.kind == "secret" else f"{self.vault}/{self.kind}s/{self.name}"

    def names(self) -> set[str]:
        """Return how its secret may be called: by its name, and with its vault's; in lower case."""
        return {text.lower() for text in (self.secret or "", f"{self.vault}/{self.secret}")}
