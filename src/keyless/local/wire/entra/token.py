"""The authority's token endpoint, in the versions 1.0 and 2.0: an application or a pod's identity gets a token.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
https://learn.microsoft.com/en-us/entra/identity-platform/v1-oauth2-client-creds-grant-flow
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyless.local.azure.identities.assertions import Distrusted
from keyless.local.wire.entra.client import Clients, client_fields
from keyless.local.wire.entra.openid import check_tenant
from keyless.local.wire.entra.refusals import distrusted_federated, missing_field, refused
from keyless.local.wire.identity.endpoint import (
    Answer,
    Body,
    RefusedError,
    is_resource,
    issue,
    journaled,
    seconds_left,
)
from keyless.local.wire.identity.imds import known_resource
from keyless.local.wire.identity.workload import subject_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.azure.identities.tokens import Token
    from keyless.local.wire.entra.client import Client
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler

SCOPE_SUFFIX: Final = "/.default"
APPLICATION_LIFETIME: Final = 3_600
"""Seconds: an application's token is good for 60 to 90 minutes.

https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens#token-lifetime
"""
# MSAL for Go and for Java add these to the scope of every request; no client credentials have them, and Entra passes over them.
_OPENID_SCOPES: Final = frozenset({"openid", "profile", "offline_access"})


class TokenEndpoint:
    """Gives tokens to applications, and to the managed identities that trust a cluster's service accounts.

    Args:
        azure: The local Azure whose applications and identities get tokens.
        url: The authority's address.
    """

    def __init__(self, azure: Azure, *, url: str) -> None:
        self._azure = azure
        self._clients = Clients(azure, url=url)

    def endpoints(self) -> Mapping[str, Handler]:
        """Return what answers, by path; ``{tenant}`` is the tenant's GUID."""
        return {
            "/{tenant}/oauth2/v2.0/token": journaled(self._azure, None, self._answer_v2),
            "/{tenant}/oauth2/token": journaled(self._azure, None, self._answer_v1),
        }

    async def _answer_v2(self, request: Request) -> Answer:
        client, fields = await self._client(request, "scope")
        token = self._issue(client, self._resource(fields["scope"]))
        seconds = seconds_left(self._azure, token)
        body: Body = {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": token.text,
        }
        return self._given(client, body)

    async def _answer_v1(self, request: Request) -> Answer:
        client, fields = await self._client(request, "resource")
        known_resource(self._azure, fields["resource"])
        token = self._issue(client, fields["resource"])
        seconds = str(seconds_left(self._azure, token))
        body: Body = {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "expires_on": str(token.expires_on),
            "not_before": str(token.not_before),
            "resource": fields["resource"],
            "access_token": token.text,
        }
        return self._given(client, body)

    async def _client(self, request: Request, wanted: str) -> tuple[Client, Mapping[str, str]]:
        """Return who asks, and the form; refuse a request that is not whole."""
        check_tenant(self._azure, request)
        if request.method != "POST":
            reason = f"The endpoint answers POST, not {request.method}."
            raise RefusedError(Answer(status=405, body=None, reason=reason))
        fields = client_fields(request, request.form)
        for name in ("grant_type", "client_id", wanted):
            if not fields.get(name):
                raise missing_field(self._azure, name)
        if fields["grant_type"] != "client_credentials":
            text = f"The app requested an unsupported grant type '{fields['grant_type'][:80]}'."
            why = " No person signs in here: use an application's secret, certificate or federated token."
            raise refused(self._azure, 400, "unsupported_grant_type", 70003, text, why=why)
        return self._clients.find(fields), fields

    def _issue(self, client: Client, resource: str) -> Token:
        if client.source is not None:
            return issue(self._azure, client.source, client.principal, resource)
        # Only managed identities' tokens are kept by the platform: an application gets a new one each time.
        return self._azure.tokens.issue(
            client.principal, resource, lifetime=APPLICATION_LIFETIME, bypass_cache=True, method=client.method
        )

    def _given(self, client: Client, body: Body) -> Answer:
        gone = Distrusted("subject", subject_of(client.principal.name))
        return Answer(
            status=200,
            body=body,
            reason=client.reason,
            identity=client.principal,
            source=client.source,
            unassigned=distrusted_federated(self._azure, gone),
        )

    def _resource(self, scope: str) -> str:
        asked = [each for each in scope.split() if each.lower() not in _OPENID_SCOPES]
        resource = asked[0].removesuffix(SCOPE_SUFFIX) if len(asked) == 1 else scope
        if len(asked) != 1 or resource == asked[0] or not is_resource(resource):
            text = (
                f"The provided value for scope {scope[:200]} is not valid. Client credential flows must have a scope "
                "value with /.default suffixed to the resource identifier (application ID URI)."
            )
            raise refused(self._azure, 400, "invalid_scope", 1002012, text)
        return resource
