"""What the authority publishes: where its tokens come from and the key that they are checked with.

Any JWT library can check a token of the local Azure with this, as a service that users write would in production.

https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens#validate-tokens
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from keyless.local.azure.identities.tokens import issuer_of
from keyless.local.wire.identity.endpoint import Answer, Body, entra_refusal, journaled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from keyless.local.azure.azure import Azure
    from keyless.local.wire.identity.endpoint import Handler

NAME: Final = "workload"

# As Microsoft Entra ID tells of itself: its own names lead here as well, for what is about the local tenant.
_PUBLIC: Final = {
    "preferred_network": "login.microsoftonline.com",
    "preferred_cache": "login.windows.net",
    "aliases": ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"],
}


class OpenId:
    """The authority's published documents.

    Args:
        azure: The local Azure whose tokens they are about.
        url: The authority's address.
    """

    def __init__(self, azure: Azure, *, url: str) -> None:
        self._azure = azure
        self._url = url

    def endpoints(self) -> Mapping[str, Handler]:
        """Return what answers, by path; ``{tenant}`` is a tenant's GUID, ``common`` or ``organizations``."""
        answers = {
            "/{tenant}/.well-known/openid-configuration": self._configuration,
            "/{tenant}/v2.0/.well-known/openid-configuration": self._configuration_v2,
            "/{tenant}/discovery/keys": self._keys,
            "/{tenant}/discovery/v2.0/keys": self._keys,
            "/common/discovery/instance": self._instance,
        }
        return {path: journaled(self._azure, NAME, answer) for path, answer in answers.items()}

    async def _configuration(self, request: web.Request) -> Answer:
        tenant = check_tenant(self._azure, request)
        return _published(self._document(tenant, issuer_of(self._azure.tenant_id), version=""))

    async def _configuration_v2(self, request: web.Request) -> Answer:
        tenant = check_tenant(self._azure, request)
        issuer = f"{self._url}/{self._azure.tenant_id}/v2.0"
        return _published(self._document(tenant, issuer, version="/v2.0"))

    def _document(self, tenant: str, issuer: str, *, version: str) -> Body:
        root = f"{self._url}/{tenant}"
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{root}/oauth2{version}/authorize",
            "token_endpoint": f"{root}/oauth2{version}/token",
            "jwks_uri": f"{root}/discovery{version}/keys",
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "response_types_supported": ["token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "tenant_region_scope": None,
        }

    async def _keys(self, request: web.Request) -> Answer:
        check_tenant(self._azure, request)
        issuer = issuer_of(self._azure.tenant_id)
        keys = [{**key, "issuer": issuer} for key in self._azure.tokens.jwks()["keys"]]
        return _published({"keys": keys})

    async def _instance(self, request: web.Request) -> Answer:
        asked = urlsplit(request.query.get("authorization_endpoint", "")).netloc
        own = self._url.removeprefix("https://")
        host = asked if asked in _PUBLIC["aliases"] else own
        return _published(
            {
                "tenant_discovery_endpoint": f"https://{host}/{self._azure.tenant_id}/v2.0/.well-known/openid-configuration",
                "api-version": request.query.get("api-version", "1.1"),
                "metadata": [{"preferred_network": own, "preferred_cache": own, "aliases": [own]}, _PUBLIC],
            }
        )


def check_tenant(azure: Azure, request: web.Request) -> str:
    """Return the tenant that a request names, and refuse one that there is not."""
    tenant: str = request.match_info["tenant"]
    if tenant.lower() not in {azure.tenant_id, "common", "organizations"}:
        text = f"Tenant '{tenant[:200]}' not found. Check to make sure you have the correct tenant ID."
        raise entra_refusal(azure, 400, "invalid_request", 90002, text, reason=f"There is no tenant {tenant[:200]!r}.")
    return tenant


def _published(body: Body) -> Answer:
    return Answer(status=200, body=body, reason="It is public.", operation="discover")
