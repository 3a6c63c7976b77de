"""The managed identity token service of Service Fabric: https with a certificate that clients know by its thumbprint.

https://learn.microsoft.com/en-us/azure/service-fabric/how-to-managed-identity-service-fabric-app-code
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from keyless.local.wire.identity.endpoint import Answer, Body, RefusedError, is_resource, issue, journaled, same_secret
from keyless.local.wire.identity.selection import NoIdentity, choose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.operations.codes import IdentityCode
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler

NAME: Final = "service-fabric"
PATH: Final = "/metadata/identity/oauth2/token"
API_VERSIONS: Final = ("2019-07-01-preview", "2020-05-01")


class ServiceFabric:
    """The endpoint.

    Args:
        azure: The local Azure whose identities get tokens.
        secret: What ``IDENTITY_HEADER`` holds; a request without it in ``Secret`` is refused.
        thumbprint: The SHA-1 of the endpoint's certificate, by which clients know it before they send the secret.
    """

    def __init__(self, azure: Azure, *, secret: str, thumbprint: str) -> None:
        self._azure = azure
        self._secret = secret
        self._thumbprint = thumbprint

    def endpoints(self) -> Mapping[str, Handler]:
        """Return what answers, by path."""
        return {PATH: journaled(self._azure, NAME, self._answer)}

    def variables(self, https_url: str) -> dict[str, str]:
        """Return the variables by which clients find it.

        Args:
            https_url: Where the paths are served, over TLS with the certificate of the thumbprint.
        """
        return {
            "IDENTITY_ENDPOINT": f"{https_url}{PATH}",
            "IDENTITY_HEADER": self._secret,
            "IDENTITY_SERVER_THUMBPRINT": self._thumbprint,
            "IDENTITY_API_VERSION": API_VERSIONS[0],
        }

    async def _answer(self, request: Request) -> Answer:
        self._check(request)
        resource = request.query["resource"]
        # A service has the one identity that its manifest gives it.
        found = choose(self._azure, request.query, takes_the_only_one=True)
        if isinstance(found, NoIdentity):
            raise _not_found(found.reason)
        if not is_resource(resource):
            raise _refusal(500, "InternalServerError", "An error occurred.", f"Entra knows no {resource[:200]!r}.")
        refused_hash = request.query.get("token_sha256_to_refresh", "").lower()
        token = issue(self._azure, NAME, found, resource, refused_hash=refused_hash)
        body: Body = {
            "token_type": "Bearer",
            "access_token": token.text,
            "expires_on": token.expires_on,
            "resource": resource,
        }
        reason = f"{found.name} is assigned to the application."
        return Answer(status=200, body=body, reason=reason, identity=found, unassigned=_not_found(""))

    def _check(self, request: Request) -> None:
        if request.method != "GET":
            reason = f"The endpoint answers GET, not {request.method}."
            raise RefusedError(Answer(status=405, body=None, reason=reason))
        header = request.headers.get("Secret", "")
        if not header:
            message = "Secret is not found in the request headers."
            raise _refusal(400, "SecretHeaderNotFound", message, "The header Secret is missing.")
        if not same_secret(header, self._secret):
            reason = "The header Secret is not the value of IDENTITY_HEADER."
            raise _refusal(401, "Unauthorized", reason, reason)
        version = request.query.get("api-version", "")
        if version not in API_VERSIONS:
            message = f"The api-version '{version[:40]}' is not supported. Supported version is '2019-07-01-preview'."
            raise _refusal(400, "InvalidApiVersion", message, message)
        if not request.query.get("resource"):
            message = "The parameter 'resource' should not be null or empty string."
            raise _refusal(400, "ArgumentNullOrEmpty", message, "The parameter resource is missing.")


def _not_found(reason: str) -> RefusedError:
    message = "Managed identity not found for the specified application host."
    return _refusal(404, "ManagedIdentityNotFound", message, reason)


def _refusal(status: int, code: IdentityCode, message: str, reason: str) -> RefusedError:
    body: Body = {"error": {"correlationId": str(uuid.uuid4()), "code": code, "message": message}}
    return RefusedError(Answer(status=status, body=body, reason=reason, code=code))
