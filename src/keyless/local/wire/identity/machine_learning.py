"""The identity endpoint of Azure Machine Learning, which keeps the version 2017-09-01 and gives expiry in seconds.

No document describes it; what is here is what the clients of Microsoft ask and read:
https://github.com/AzureAD/microsoft-authentication-library-for-python/blob/dev/msal/managed_identity.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyless.local.wire.identity.endpoint import (
    Answer,
    Body,
    RefusedError,
    is_resource,
    issue,
    journaled,
    oauth_refusal,
    same_secret,
)
from keyless.local.wire.identity.selection import NoIdentity, choose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure, Identity
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler

NAME: Final = "machine-learning"
PATH: Final = "/MSI/auth"
API_VERSION: Final = "2017-09-01"


class MachineLearning:
    """The endpoint.

    Args:
        azure: The local Azure whose identities get tokens.
        secret: What ``MSI_SECRET`` holds; a request without it in ``secret`` is refused.
    """

    def __init__(self, azure: Azure, *, secret: str) -> None:
        self._azure = azure
        self._secret = secret

    def endpoints(self) -> Mapping[str, Handler]:
        """Return what answers, by path."""
        return {PATH: journaled(self._azure, NAME, self._answer)}

    def variables(self, http_url: str, default: Identity | None) -> dict[str, str]:
        """Return the variables by which clients find it.

        Args:
            http_url: Where the paths are served.
            default: The identity that the compute target has by default. Clients for Node.js and Go send its client id
                where their user names none.
        """
        named = {"DEFAULT_IDENTITY_CLIENT_ID": default.client_id} if default else {}
        return {"MSI_ENDPOINT": f"{http_url}{PATH}", "MSI_SECRET": self._secret, **named}

    async def _answer(self, request: Request) -> Answer:
        self._check(request)
        resource = request.query["resource"]
        # A client that sends DEFAULT_IDENTITY_CLIENT_ID may mean the system-assigned identity by its client id.
        found = choose(self._azure, request.query, takes_the_only_one=True, system_has_ids=True)
        if isinstance(found, NoIdentity):
            raise oauth_refusal(400, "invalid_request", _message(found), reason=found.reason)
        if not is_resource(resource):
            reason = f"Entra knows no resource {resource[:200]!r}."
            raise oauth_refusal(400, "invalid_resource", reason, reason=reason)
        token = issue(self._azure, NAME, found, resource)
        body: Body = {
            "access_token": token.text,
            "expires_on": str(token.expires_on),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": found.client_id,
        }
        return Answer(
            status=200,
            body=body,
            reason=f"{found.name} is assigned to the compute target.",
            identity=found,
            unassigned=oauth_refusal(400, "invalid_request", "Identity not found", reason=""),
        )

    def _check(self, request: Request) -> None:
        if request.method != "GET":
            reason = f"The endpoint answers GET, not {request.method}."
            raise RefusedError(Answer(status=405, body=None, reason=reason))
        header = request.headers.get("secret", "")
        if not same_secret(header, self._secret):
            reason = f"The header secret {'is not the value of MSI_SECRET' if header else 'is missing'}."
            raise oauth_refusal(401, "unauthorized_client", reason, reason=reason)
        problem = ""
        if request.query.get("api-version") != API_VERSION:
            problem = f"The api-version must be {API_VERSION}."
        elif not request.query.get("resource"):
            problem = "The query parameter resource is missing."
        if problem:
            raise oauth_refusal(400, "invalid_request", problem, reason=problem)


def _message(found: NoIdentity) -> str:
    return found.reason if found.problem == "conflict" else "Identity not found"
