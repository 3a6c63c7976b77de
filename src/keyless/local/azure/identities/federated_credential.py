"""What an application trusts of another issuer: loaded with the configuration, so that it loads nothing that is slow."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import jwt

AUDIENCE: Final = "api://AzureADTokenExchange"


@dataclass(frozen=True, slots=True, kw_only=True)
class FederatedCredential:
    """What an application or an identity trusts: tokens of another issuer about one subject.

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
