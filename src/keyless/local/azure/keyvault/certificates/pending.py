"""A certificate that was ordered and is not there yet, or was not a moment ago: what its client asks until it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

from msgspec import field
from msgspec.structs import asdict

from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

Status = Literal["inProgress", "completed", "cancelled", "failed"]
# Both recorded.
_WAITING: Final = (
    "Pending certificate created. Certificate request is in progress. This may take some time based on the issuer "
    "provider. Please check again later."
)
_TO_BE_MERGED: Final = "Pending certificate created. Please Perform Merge to complete the request."


class PendingOperation(Record, frozen=True, kw_only=True):
    """A version of a certificate that is being made. No representation shows the key, which is encrypted besides.

    Attributes:
        name: The certificate's name.
        version: The version that it is to be.
        request_id: What the client knows the order by.
        csr: The request, DER in base64.
        policy: The policy as it was then.
        key: The private key, encrypted.
        created_on: When it was ordered, in Unix seconds.
        settles_on: When it is issued, or its cancellation done.
        enabled: Whether the version may be used then.
        tags: The tags that it is to have.
        preserve_order: Whether its chain keeps the order in which it came.
        certificates: What was issued, DER in base64, the leaf first; nothing where somebody must merge it.
        cancel: Whether its cancellation was asked for.
        done: Whether the version is there.
        error: Why it never will be, as the wire has it; None where nothing went wrong.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"key"})

    name: str
    version: str
    request_id: str
    csr: str
    policy: Mapping[str, Any]
    key: str
    created_on: int
    settles_on: float
    enabled: bool = True
    tags: Mapping[str, str] = field(default_factory=dict)
    preserve_order: bool = False
    certificates: tuple[str, ...] = ()
    cancel: bool = False
    done: bool = False
    error: Mapping[str, str] | None = None

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Self:
        """Read what a store has."""
        return cls(**{**kept, "certificates": tuple(kept["certificates"])})

    def to_json(self) -> dict[str, Any]:
        """Return what a store keeps."""
        return asdict(self)

    @property
    def issuer(self) -> str:
        """The name of who issues it."""
        return str(self.policy["issuer"]["name"])

    @property
    def is_to_be_merged(self) -> bool:
        """Whether somebody brings what was issued."""
        return self.issuer.lower() == "unknown"

    def status(self, now: float) -> Status:
        """Return how far it is at a moment."""
        if self.done:
            return "completed"
        if now < self.settles_on or not (self.cancel or self.error):
            return "inProgress"
        return "failed" if self.error else "cancelled"

    def is_due(self, now: float) -> bool:
        """Return whether what was issued is to become the latest version."""
        return bool(self.certificates) and not (self.done or self.cancel or self.error) and self.settles_on <= now

    def details(self, now: float) -> str | None:
        """Return what the client receives while it waits; None once it need not."""
        if self.status(now) != "inProgress":
            return None
        return _TO_BE_MERGED if self.is_to_be_merged else _WAITING
