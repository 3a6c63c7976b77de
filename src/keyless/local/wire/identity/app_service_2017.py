"""The identity endpoint that App Service had first, in its version 2017-09-01, for programs that still ask it.

Its expiry is a date in words, which today's clients do not read: they take the same two variables for those of Azure
Machine Learning.

https://learn.microsoft.com/en-us/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from keyless.local.wire.identity.endpoint import Answer, Body, RefusedError, is_resource, issue, journaled, same_secret
from keyless.local.wire.identity.selection import Asked, NoIdentity, choose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure, Identity
    from keyless.local.sources import SourceName
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler

NAME: Final = "app-service-2017"
PATH: Final = "/MSI/token"
API_VERSION: Final = "2017-09-01"

_NOT_FOUND = "No MSI found for specified ClientId/ResourceId."


class AppService2017:
    """The endpoint.

    Args:
        azure: The local Azure whose identities get tokens.
        secret: What ``MSI_SECRET`` holds; a request without it in ``secret`` is refused.
        source: Whose tokens it gives: the App Service of today answers this version as well.
    """

    def __init__(self, azure: Azure, *, secret: str, source: SourceName = NAME) -> None:
        self._azure = azure
        self._secret = secret
        self._source = source

    def endpoints(self) -> Mapping[str, Handler]:
        """Return what answers, by path."""
        return {PATH: journaled(self._azure, self._source, self.answer)}

    def variables(self, http_url: str) -> dict[str, str]:
        """Return the variables by which clients find it.

        Args:
            http_url: Where the paths are served.
        """
        return {"MSI_ENDPOINT": f"{http_url}{PATH}", "MSI_SECRET": self._secret, "REGION_NAME": self._azure.region}

    async def answer(self, request: Request) -> Answer:
        """Answer a request.

        Raises:
            RefusedError: If it gets no token.
        """
        self._check(request)
        found = choose(self._azure, request.query)
        if isinstance(found, NoIdentity):
            raise _refusal(400, _NOT_FOUND, found.reason)
        body = self._token(found, request.query["resource"])
        reason = f"{found.name} is assigned to the host."
        return Answer(status=200, body=body, reason=reason, identity=found, unassigned=_refusal(400, _NOT_FOUND, ""))

    def _check(self, request: Request) -> None:
        if request.method != "GET":
            raise _refusal(405, None, f"The endpoint answers GET, not {request.method}.")
        header = request.headers.get("secret", "")
        if not same_secret(header, self._secret):
            problem = "is not the value of MSI_SECRET" if header else "is missing"
            raise _refusal(403, None, f"The header secret {problem}.")
        problem = ""
        if request.query.get("api-version") != API_VERSION:
            problem = f"The api-version must be {API_VERSION}."
        elif not request.query.get("resource"):
            problem = "The query parameter resource is missing."
        elif others := [name for name in Asked.of(request.query).names if name != "clientid"]:
            problem = f"This version knows a user-assigned identity by clientid alone, not by {others[0]}."
        if problem:
            raise _refusal(400, problem, problem)

    def _token(self, identity: Identity, resource: str) -> Body:
        if not is_resource(resource):
            reason = f"Entra knows no resource {resource[:200]!r}."
            raise _refusal(500, "An unexpected error occured while fetching the AAD Token.", reason)
        token = issue(self._azure, self._source, identity, resource)
        return {
            "access_token": token.text,
            "expires_on": f"{datetime.fromtimestamp(token.expires_on, UTC):%m/%d/%Y %H:%M:%S} +00:00",
            "resource": resource,
            "token_type": "Bearer",
        }


def _refusal(status: int, message: str | None, reason: str) -> RefusedError:
    body: Body | None = None
    if message is not None:
        body = {"StatusCode": status, "Message": message, "CorrelationId": str(uuid.uuid4())}
    return RefusedError(Answer(status=status, body=body, reason=reason))
