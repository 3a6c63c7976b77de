"""The identity endpoint of App Service, Functions and Container Apps: its version 2019-08-01, and the one before it.

https://learn.microsoft.com/en-us/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from keyless.local.wire.identity.app_service_2017 import API_VERSION as OLDER_API_VERSION
from keyless.local.wire.identity.app_service_2017 import AppService2017
from keyless.local.wire.identity.endpoint import (
    Answer,
    Body,
    RefusedError,
    is_resource,
    issue,
    journaled,
    same_secret,
)
from keyless.local.wire.identity.selection import Asked, NoIdentity, choose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure, Identity
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler

NAME: Final = "app-service"
PATH: Final = "/msi/token"
API_VERSION: Final = "2019-08-01"

_MESSAGES = {
    "none": "Unable to load the proper Managed Identity.",
    "unknown": "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
}


class AppService:
    """The endpoint.

    Args:
        azure: The local Azure whose identities get tokens.
        secret: What ``IDENTITY_HEADER`` holds: a request without it in ``X-IDENTITY-HEADER`` is refused, since any web
            page could send a request to this machine but none can know it.
    """

    def __init__(self, azure: Azure, *, secret: str) -> None:
        self._azure = azure
        self._secret = secret
        self._older = AppService2017(azure, secret=secret, source=NAME)

    def endpoints(self) -> Mapping[str, Handler]:
        """Return what answers, by path."""
        return {PATH: journaled(self._azure, NAME, self._answer)}

    def variables(self, http_url: str) -> dict[str, str]:
        """Return the variables by which clients find it: as in Azure under two names each, the older for older clients.

        Args:
            http_url: Where the paths are served.
        """
        url = f"{http_url}{PATH}"
        return {
            "IDENTITY_ENDPOINT": url,
            "IDENTITY_HEADER": self._secret,
            "MSI_ENDPOINT": url,
            "MSI_SECRET": self._secret,
            "REGION_NAME": self._azure.region,
        }

    async def _answer(self, request: Request) -> Answer:
        if request.query.get("api-version") == OLDER_API_VERSION:
            return await self._older.answer(request)
        self._check(request)
        found = choose(self._azure, request.query)
        if isinstance(found, NoIdentity):
            raise _refusal(400, _MESSAGES.get(found.problem, found.reason), found.reason)
        body = self._token(found, request.query["resource"])
        return Answer(
            status=200,
            body=body,
            reason=f"{found.name} is assigned to the host.",
            identity=found,
            headers=_headers(str(uuid.uuid4())),
            unassigned=_refusal(400, _MESSAGES["unknown" if Asked.of(request.query).names else "none"], ""),
        )

    def _check(self, request: Request) -> None:
        if request.method != "GET":
            raise _refusal(405, None, f"The endpoint answers GET, not {request.method}.")
        header = request.headers.get("X-IDENTITY-HEADER", "")
        if not same_secret(header, self._secret):
            problem = "is not the value of IDENTITY_HEADER" if header else "is missing"
            raise _refusal(403, None, f"The header X-IDENTITY-HEADER {problem}.")
        version = request.query.get("api-version", "")
        if version != API_VERSION:
            problem = f"The api-version {version[:40]!r} is not supported, only {API_VERSION} is."
            raise _refusal(400, problem, problem)
        if not request.query.get("resource"):
            problem = "The query parameter resource is missing."
            raise _refusal(400, problem, problem)

    def _token(self, identity: Identity, resource: str) -> Body:
        if not is_resource(resource):
            reason = f"Entra knows no resource {resource[:200]!r}."
            raise _refusal(500, "An unexpected error occured while fetching the AAD Token.", reason)
        token = issue(self._azure, NAME, identity, resource)
        # No expires_in: Azure sends none, and a client that relies on one would work here alone.
        return {
            "access_token": token.text,
            "expires_on": str(token.expires_on),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": identity.client_id,
        }


def _refusal(status: int, message: str | None, reason: str) -> RefusedError:
    correlation_id = str(uuid.uuid4())
    body: Body | None = None
    if message is not None:
        body = {"statusCode": status, "message": message, "correlationId": correlation_id}
    return RefusedError(Answer(status=status, body=body, reason=reason, headers=_headers(correlation_id)))


def _headers(correlation_id: str) -> dict[str, str]:
    return {"Server": "Kestrel", "X-CORRELATION-ID": correlation_id}
