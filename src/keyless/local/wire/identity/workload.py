"""Workload identity of AKS: a pod's service account token is exchanged at the authority for an identity's token.

https://learn.microsoft.com/en-us/azure/aks/workload-identity-overview
https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from keyless.errors import LocalAzureError
from keyless.local.azure.identities.tokens import Rejection
from keyless.local.wire.identity.endpoint import (
    Answer,
    Body,
    RefusedError,
    entra_refusal,
    form_of,
    is_resource,
    issue,
    journaled,
    seconds_left,
)
from keyless.local.wire.identity.openid import check_tenant

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from aiohttp import web

    from keyless.local.azure.azure import Azure, Identity
    from keyless.local.operations.codes import IdentityCode
    from keyless.local.wire.identity.endpoint import Handler

NAME: Final = "workload"
AUDIENCE: Final = "api://AzureADTokenExchange"
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPE_SUFFIX: Final = "/.default"
# MSAL for Go and for Java add these to the scope of every request; no client credentials have them, and Entra passes over them.
_OPENID_SCOPES: Final = frozenset({"openid", "profile", "offline_access"})

_CHECK = (
    "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. "
    "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
)
_YEAR = 365 * 86_400  # Seconds: a cluster renews the file every hour, here one lasts for as long as anything runs.


class Workload:
    """The authority's token endpoint, and the cluster that writes service account tokens into files.

    Args:
        azure: The local Azure whose identities get tokens.
        url: The authority's address, which must be https.
        folder: Where to put the files of service account tokens.
    """

    def __init__(self, azure: Azure, *, url: str, folder: Path) -> None:
        self._azure = azure
        self._url = url
        self._folder = folder

    def endpoints(self) -> Mapping[str, Handler]:
        """Return what answers, by path; ``{tenant}`` is the tenant's GUID."""
        return {"/{tenant}/oauth2/v2.0/token": journaled(self._azure, NAME, self._answer)}

    def variables(self, identity: Identity) -> dict[str, str]:
        """Return what the workload identity webhook puts into a pod whose service account is one of an identity.

        Args:
            identity: A user-assigned identity, since only those can trust a cluster.
        """
        return {
            "AZURE_AUTHORITY_HOST": f"{self._url}/",
            "AZURE_TENANT_ID": self._azure.tenant_id,
            "AZURE_CLIENT_ID": identity.client_id,
            "AZURE_FEDERATED_TOKEN_FILE": str(self._file(identity)),
        }

    def _file(self, identity: Identity) -> Path:
        if identity.kind != "user":
            raise LocalAzureError(
                f"The identity {identity.name!r} cannot be a pod's.",
                cause="Only a user-assigned identity can trust a cluster's service accounts.",
                remedy="Name a user-assigned identity.",
            )
        file = self._folder / f"{identity.name}.token"
        if not file.exists():
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT, stat.S_IRUSR | stat.S_IWUSR)
            with os.fdopen(descriptor, "w", encoding="ascii") as opened:
                opened.write(self.service_account_token(identity))
        return file

    def service_account_token(self, identity: Identity) -> str:
        """Return what a cluster's service account token says, for the account that an identity trusts."""
        now = int(self._azure.clock.now())
        return self._azure.tokens.sign(
            {
                "aud": [AUDIENCE],
                "iss": self._issuer,
                "sub": _subject(identity),
                "iat": now,
                "nbf": now,
                "exp": now + _YEAR,
                "kubernetes.io": {"namespace": "default", "serviceaccount": {"name": identity.name}},
            }
        )

    @property
    def _issuer(self) -> str:
        return f"{self._url}/cluster/"

    async def _answer(self, request: web.Request) -> Answer:
        check_tenant(self._azure, request)
        if request.method != "POST":
            reason = f"The endpoint answers POST, not {request.method}."
            raise RefusedError(Answer(status=405, body=None, reason=reason))
        fields = await form_of(request)
        self._check_fields(fields)
        identity = self._identity(fields["client_id"])
        # A file often ends with a newline, and not every client takes it off.
        self._check_assertion(identity, fields["client_assertion"].strip())
        resource = self._resource(fields["scope"])
        token = issue(self._azure, NAME, identity, resource)
        seconds = seconds_left(self._azure, token)
        body: Body = {
            "token_type": "Bearer",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": token.text,
        }
        reason = f"{identity.name} trusts the service account {_subject(identity)}."
        unassigned = self._untrusted(_subject(identity), why="")
        return Answer(status=200, body=body, reason=reason, identity=identity, unassigned=unassigned)

    def _check_fields(self, fields: Mapping[str, str]) -> None:
        for name in ("grant_type", "client_id", "client_assertion", "client_assertion_type", "scope"):
            if not fields.get(name):
                text = f"The request body must contain the following parameter: '{name}'."
                raise self._refusal(400, "invalid_request", 900144, text)
        if fields["grant_type"] != "client_credentials":
            text = f"The app requested an unsupported grant type '{fields['grant_type'][:80]}'."
            raise self._refusal(400, "unsupported_grant_type", 70003, text)
        if fields["client_assertion_type"] != ASSERTION_TYPE:
            text = f"The client assertion type must be '{ASSERTION_TYPE}'."
            raise self._refusal(400, "invalid_request", 50027, text)

    def _identity(self, client_id: str) -> Identity:
        for identity in self._azure.identities.values():
            if identity.kind == "user" and identity.client_id.lower() == client_id.lower():
                return identity
        text = (
            f"Application with identifier '{client_id[:80]}' was not found in the directory '{self._azure.tenant_id}'. "
            "This can happen if the application has not been installed by the administrator of the tenant or consented "
            "to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
        )
        raise self._refusal(400, "unauthorized_client", 700016, text)

    def _check_assertion(self, identity: Identity, assertion: str) -> None:
        found = self._azure.tokens.verify_assertion(assertion, audience=AUDIENCE, issuer=self._issuer)
        if isinstance(found, Rejection):
            number, text = _REJECTIONS[found.problem]
            raise self._refusal(401, "invalid_client", number, text.format(found=found.found[:200]))
        if found != _subject(identity) or not identity.assigned:
            why = "" if identity.assigned else f" (the identity {identity.name} is not assigned)"
            raise self._untrusted(found, why=why)

    def _untrusted(self, subject: str, *, why: str) -> RefusedError:
        text = (
            f"No matching federated identity record found for presented assertion subject '{subject[:200]}'. {_CHECK}"
        )
        return self._refusal(401, "invalid_client", 700213, text, why=why)

    def _resource(self, scope: str) -> str:
        asked = [each for each in scope.split() if each.lower() not in _OPENID_SCOPES]
        resource = asked[0].removesuffix(SCOPE_SUFFIX) if len(asked) == 1 else scope
        if len(asked) != 1 or resource == asked[0] or not is_resource(resource):
            text = (
                f"The provided value for scope {scope[:200]} is not valid. Client credential flows must have a scope "
                "value with /.default suffixed to the resource identifier (application ID URI)."
            )
            raise self._refusal(400, "invalid_scope", 1002012, text)
        return resource

    def _refusal(self, status: int, error: IdentityCode, number: int, text: str, *, why: str = "") -> RefusedError:
        return entra_refusal(self._azure, status, error, number, text, reason=f"AADSTS{number}: {text}{why}")


_REJECTIONS: Final = {
    "malformed": (50027, "JWT token is invalid or malformed."),
    "key": (50013, "Assertion failed signature validation. [Reason - The key was not found.]"),
    "signature": (50013, "Assertion failed signature validation."),
    "time": (700024, "Client assertion is not within its valid time range."),
    "issuer": (
        700211,
        f"No matching federated identity record found for presented assertion issuer '{{found}}'. {_CHECK}",
    ),
    "audience": (
        700212,
        f"No matching federated identity record found for presented assertion audience '{{found}}'. {_CHECK}",
    ),
}


def _subject(identity: Identity) -> str:
    return f"system:serviceaccount:default:{identity.name}"
