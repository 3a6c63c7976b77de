"""The token endpoint of Azure Cloud Shell, which speaks as the one who opened the shell.

The local Azure has no users: the host's system-assigned identity is used instead, else its only user-assigned one.

https://learn.microsoft.com/en-us/azure/cloud-shell/msi-authorization
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyless.local.wire.http.fields import Fields
from keyless.local.wire.identity.endpoint import (
    Answer,
    Body,
    RefusedError,
    is_resource,
    issue,
    journaled,
    seconds_left,
)
from keyless.local.wire.identity.selection import Asked, NoIdentity, choose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.operations.codes import IdentityCode
    from keyless.local.operations.names import IdentityOperation
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler

NAME: Final = "cloud-shell"
PATH: Final = "/oauth2/token"


class CloudShell:
    """The endpoint.

    Args:
        azure: The local Azure whose identities get tokens.
    """

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def endpoints(self) -> Mapping[str, Handler]:
        """Return what answers, by path."""
        return {PATH: journaled(self._azure, NAME, self._answer)}

    def variables(self, http_url: str) -> dict[str, str]:
        """Return the variables by which clients find it.

        Args:
            http_url: Where the paths are served.
        """
        return {"MSI_ENDPOINT": f"{http_url}{PATH}", "AZUREPS_HOST_ENVIRONMENT": "cloud-shell/1.0"}

    async def _answer(self, request: Request) -> Answer:
        form = _form(request)
        if request.headers.get("Metadata", "").lower() != "true":
            reason = "The header Metadata: true is missing."
            raise _refusal("bad_request_102", "Required metadata header not specified", reason, operation="probe")
        resource = form.get("resource", "")
        if not resource:
            reason = "The parameter resource is missing."
            raise _refusal("invalid_request", "Required audience parameter not specified", reason)
        if names := Asked.of(form).names:
            reason = f"Cloud Shell has no identity to choose, so {names[0]} is refused."
            raise _refusal("invalid_request", reason, reason)
        if not is_resource(resource):
            message = f"Audience {resource[:200]} is not a supported MSI token audience."
            raise _refusal("AudienceNotSupported", message, f"Entra knows no resource {resource[:200]!r}.")
        found = choose(self._azure, Fields(), takes_the_only_one=True)
        if isinstance(found, NoIdentity):
            raise _refusal("invalid_request", "Identity not found", found.reason)
        token = issue(self._azure, NAME, found, resource)
        body: Body = {
            "access_token": token.text,
            "refresh_token": "",
            "expires_in": str(seconds_left(self._azure, token)),
            "expires_on": str(token.expires_on),
            "not_before": str(token.not_before),
            "resource": resource,
            "token_type": "Bearer",
        }
        return Answer(
            status=200,
            body=body,
            reason=f"{found.name} stands in for the shell's user.",
            identity=found,
            unassigned=_refusal("invalid_request", "Identity not found", ""),
        )


def _form(request: Request) -> Fields:
    """Return the parameters: of the body, as most clients send them, or of the address, as some do."""
    if request.method == "GET":
        return request.query
    if request.method != "POST":
        reason = f"The endpoint answers POST and GET, not {request.method}."
        raise RefusedError(Answer(status=405, body=None, reason=reason))
    return request.form


def _refusal(
    code: IdentityCode, message: str, reason: str, *, operation: IdentityOperation = "getToken"
) -> RefusedError:
    body: Body = {"error": {"code": code, "message": message}}
    return RefusedError(Answer(status=400, body=body, reason=reason, code=code, operation=operation))
