"""Federated credentials: an application's trust in another issuer. The configuration loads them, so nothing slow is here."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from keyless.local.record import Record

if TYPE_CHECKING:
    import jwt

AUDIENCE: Final = "api://AzureADTokenExchange"


class FederatedCredential(Record, frozen=True, kw_only=True):
    """The trust of an application or an identity: tokens of another issuer about one subject.

    Attributes:
        issuer: Who gives them out: ``iss``.
        subject: Whom they are about: ``sub``.
        audience: What they are meant for: ``aud``.
        keys: The issuer's keys; None means that the local Azure signs in the issuer's place.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"keys"})

    issuer: str
    subject: str
    audience: str = AUDIENCE
    keys: tuple[jwt.PyJWK, ...] | None = None
