"""Federated credentials: an application's trust in another issuer. The configuration loads them, so nothing slow is here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import jwt

AUDIENCE: Final = "api://AzureADTokenExchange"


@dataclass(frozen=True, slots=True, kw_only=True)
class FederatedCredential:
    """The trust of an application or an identity: tokens of another issuer about one subject.

    Attributes:
        issuer: Who gives them out: ``iss``.
        subject: Whom they are about: ``sub``.
        audience: What they are meant for: ``aud``.
        keys: The issuer's keys; None means that the local Azure signs in the issuer's place.
    """

    issuer: str
    subject: str
    audience: str = AUDIENCE
    keys: tuple[jwt.PyJWK, ...] | None = field(default=None, repr=False)
