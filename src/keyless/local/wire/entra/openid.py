"""The documents that the authority publishes: where its tokens come from and the key that they are checked with.

Any JWT library can check a token of the local Azure with this, as a service that users write would in production.

https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens#validate-tokens
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from keyless.local.azure.identities.tokens import issuer_of
from keyless.local.wire.identity.endpoint import Answer, Body, entra_refusal, journaled
from keyless.local.wire.serving.hosts import LOGIN_HOSTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler

# As Microsoft Entra ID describes itself, a row for each cloud: its own names lead here as well.
_CLOUDS: Final = (
    (
        *("login.microsoftonline.com", "login.windows.net"),
        ("login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"),
    ),
    (
        *("login.partner.microsoftonline.cn", "login.partner.microsoftonline.cn"),
        ("login.partner.microsoftonline.cn", "login.chinacloudapi.cn"),
    ),
    (
        *("login.microsoftonline.us", "login.microsoftonline.us"),
        ("login.microsoftonline.us", "login.usgovcloudapi.net"),
    ),
    ("login-us.microsoftonline.com", "login-us.microsoftonline.com", ("login-us.microsoftonline.com",)),
)


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
        return {path: journaled(self._azure, "workload", answer) for path, answer in answers.items()}

    async def _configuration(self, request: Request) -> Answer:
        tenant = check_tenant(self._azure, request)
        root = root_of(request, self._url)
        return _published(_document(root, tenant, issuer_of(self._azure.tenant_id), version=""))

    async def _configuration_v2(self, request: Request) -> Answer:
        tenant = check_tenant(self._azure, request)
        root = root_of(request, self._url)
        return _published(_document(root, tenant, f"{root}/{self._azure.tenant_id}/v2.0", version="/v2.0"))

    async def _keys(self, request: Request) -> Answer:
        check_tenant(self._azure, request)
        issuer = issuer_of(self._azure.tenant_id)
        keys = [{**key, "issuer": issuer} for key in self._azure.tokens.jwks()["keys"]]
        return _published({"keys": keys})

    async def _instance(self, request: Request) -> Answer:
        try:
            asked = urlsplit(request.query.get("authorization_endpoint", "")).netloc
        except ValueError:  # A bracket without an address.
            asked = ""
        own = self._url.removeprefix("https://")
        host = asked if asked.partition(":")[0] in LOGIN_HOSTS else own
        metadata = [{"preferred_network": own, "preferred_cache": own, "aliases": [own]}]
        metadata += [
            {"preferred_network": network, "preferred_cache": cache, "aliases": [*aliases]}
            for network, cache, aliases in _CLOUDS
        ]
        return _published(
            {
                "tenant_discovery_endpoint": f"https://{host}/{self._azure.tenant_id}/v2.0/.well-known/openid-configuration",
                "api-version": request.query.get("api-version", "1.1"),
                "metadata": metadata,
            }
        )


def root_of(request: Request, url: str) -> str:
    """Return the authority's address as the client knows it: by one of Microsoft Entra ID's names, or ``url``."""
    return f"https://{request.host}" if request.host.lower().partition(":")[0] in LOGIN_HOSTS else url


def _document(root: str, tenant: str, issuer: str, *, version: str) -> Body:
    at = f"{root}/{tenant}"
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{at}/oauth2{version}/authorize",
        "token_endpoint": f"{at}/oauth2{version}/token",
        "jwks_uri": f"{at}/discovery{version}/keys",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "tenant_region_scope": None,
    }


def check_tenant(azure: Azure, request: Request) -> str:
    """Return the tenant that a request names, and refuse one that there is not."""
    tenant: str = request.path_parameters["tenant"]
    if tenant.lower() not in {azure.tenant_id, "common", "organizations"}:
        text = (
            f"Tenant '{tenant[:200]}' not found. Check to make sure you have the correct tenant ID and are signing into "
            "the correct cloud. Check with your subscription administrator, this may happen if there are no active "
            "subscriptions for the tenant."
        )
        reason = (
            f"There is no tenant {tenant[:200]!r} here: the local one is {azure.tenant_id}. "
            "`--real arm` leaves Microsoft Entra ID alone."
        )
        raise entra_refusal(azure, 400, "invalid_request", 90002, text, reason=reason)
    return tenant


def _published(body: Body) -> Answer:
    return Answer(status=200, body=body, reason="It is public.", operation="discover")
