"""The challenge that a vault answers with when it does not accept a request's token, or there is none.

Source: https://learn.microsoft.com/en-us/azure/key-vault/general/authentication-requests-and-responses
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from keyless._wire.error_answer import quote

_PARAMETER = r'([A-Za-z_]+)="([^"]*)"'
_FEWEST_LABELS = 2


class Challenge(NamedTuple):
    """A vault's demands on a token.

    Attributes:
        resource: The resource that the token must be for, without a trailing slash.
        tenant: The tenant that the token must come from.
        claims: Claims that the token must have, as JSON text: the vault reports that a token was revoked.
    """

    resource: str | None
    tenant: str | None
    claims: str | None

    @classmethod
    def parse(cls, header: str | None) -> Self:
        """Read a ``WWW-Authenticate`` header; what it does not say is None."""
        scheme, _, rest = (header or "").strip().partition(" ")
        found = dict(re.findall(_PARAMETER, rest)) if scheme.lower() == "bearer" else {}
        resource = (found.get("resource") or found.get("scope") or "").removesuffix("/.default").rstrip("/")
        return cls(resource or None, _tenant(found), _decode(found.get("claims")))

    def vouches_for(self, host: str) -> bool:
        """Return whether a token for this challenge's resource may be sent to a host.

        Anyone can answer with a challenge that names a real vault's resource, and would then be handed a token that
        opens that vault. So the resource must be the host's own parent domain, as every cloud's is.

        Source: https://aka.ms/azsdk/blog/vault-uri
        """
        _, _, parent = host.lower().partition(".")
        # Nothing but the name: a user, a port or a path would make it another resource for the one who reads it.
        named = (self.resource or "").lower() == f"https://{parent}"
        return named and parent.count(".") >= _FEWEST_LABELS - 1


def _tenant(found: dict[str, str]) -> str | None:
    try:
        path = urlsplit(found.get("authorization") or found.get("authorization_uri") or "").path
    except ValueError:
        return None
    return quote(path.strip("/").split("/")[0]) or None


def _decode(claims: str | None) -> str | None:
    if not claims:
        return None
    try:
        return b64decode(claims + "=" * (-len(claims) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
