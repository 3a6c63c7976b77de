"""Requests to Microsoft Entra ID by its own names, which the local authority answers.

MSAL for Go, Java and .NET asks login.microsoftonline.com whether it knows the authority that it is to use, the last on that
authority's port. So the proxy stands in for those hosts, reads each request, and hands to the local authority what is about
that, or about its tenant. All else goes on to the host that it was for, over TLS that the proxy verifies.

Source: https://github.com/AzureAD/microsoft-authentication-library-for-dotnet/wiki/Instance-Discovery
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from keyless.local.record import Record

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from keyless.local.wire.proxy.connect_request import Message

_DISCOVERY_PATH: Final = "/common/discovery/instance"


class Login(Record, frozen=True):
    """The local authority, as it stands in for the hosts of Microsoft Entra ID.

    Attributes:
        netloc: Its host and port, as its own URLs have them.
        at: Where it listens.
        context: The TLS settings of a server that is each of those hosts.
        tenant: Tells the tenant that it is about.
    """

    netloc: str
    at: tuple[str, int]
    context: ssl.SSLContext
    tenant: Callable[[], str]

    def answers(self, message: Message) -> bool:
        """Return whether a request is about the local authority, or about its tenant."""
        parts = urlsplit(message.path)
        if self._names_tenant(parts.path):
            return True
        if parts.path.rstrip("/").lower() != _DISCOVERY_PATH:
            return False
        asked = urlsplit((parse_qs(parts.query).get("authorization_endpoint") or [""])[0])
        return asked.netloc.lower() == self.netloc.lower() or self._names_tenant(asked.path)

    def _names_tenant(self, path: str) -> bool:
        return path.lstrip("/").partition("/")[0].lower() == self.tenant().lower()
