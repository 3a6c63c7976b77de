"""The Instance Metadata Service of virtual machines, scale sets and AKS nodes: its identity part, and the machine's name.

https://learn.microsoft.com/en-us/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
https://learn.microsoft.com/en-us/azure/virtual-machines/instance-metadata-service
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.local.wire.identity.endpoint import (
    Answer,
    Body,
    RefusedError,
    entra_refusal,
    is_resource,
    issue,
    journaled,
    oauth_refusal,
    seconds_left,
)
from keyless.local.wire.identity.selection import Asked, NoIdentity, choose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure, Identity
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler

NAME: Final = "imds"
HOST: Final = "169.254.169.254"
TOKEN_PATH: Final = "/metadata/identity/oauth2/token"  # noqa: S105 (a path)
INFO_PATH: Final = "/metadata/identity/info"
COMPUTE_PATH: Final = "/metadata/instance/compute"
METADATA_PATH: Final = "/metadata"
FIRST_API_VERSION: Final = "2018-02-01"

_MACHINE = "keyless"
_NET_SDK = "azsdk-net-"
_SERVER = {"Server": "IMDS/150.870.65.512"}
_DESCRIPTIONS = {
    "none": "Identity not found",
    "unknown": "Identity not found",
    "several": "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity "
    "in the token request",
}


class Imds:
    """The service.

    Args:
        azure: The local Azure whose identities get tokens.
    """

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    def endpoints(self) -> Mapping[str, Handler]:
        """Return what answers, by path; the shortest answers for every path below it that has no answer of its own."""
        answers = {
            TOKEN_PATH: self._token,
            INFO_PATH: self._info,
            COMPUTE_PATH: self._compute,
            METADATA_PATH: self._unknown,
        }
        return {path: journaled(self._azure, NAME, answer, headers=_SERVER) for path, answer in answers.items()}

    def variables(self, http_url: str) -> dict[str, str]:
        """Return the variables by which clients find it.

        Clients for Go and Rust have the service's address built in; what they ask of it comes here over the proxy of
        HTTP_PROXY. HashiCorp's obeys no proxy, and reads the last.

        Args:
            http_url: Where the paths are served.
        """
        return {"AZURE_POD_IDENTITY_AUTHORITY_HOST": http_url, "ARM_MSI_ENDPOINT": f"{http_url}{TOKEN_PATH}"}

    async def _token(self, request: Request) -> Answer:
        check_metadata_request(request, without_header=_is_moved_probe(request))
        if not _is_version(request.query.get("api-version", "")):
            problem = f"The api-version must be {FIRST_API_VERSION} or later."
            raise oauth_refusal(400, "invalid_request", problem, reason=problem)
        resource = required_resource(request.query.get("resource", ""))
        found = choose(self._azure, request.query, takes_the_only_one=True)
        if isinstance(found, NoIdentity):
            description = _DESCRIPTIONS.get(found.problem, found.reason)
            raise oauth_refusal(400, "invalid_request", description, reason=found.reason)
        known_resource(self._azure, resource)
        body = self._body(found, resource, Asked.of(request.query))
        return Answer(
            status=200,
            body=body,
            reason=f"{found.name} is assigned to the virtual machine.",
            identity=found,
            unassigned=oauth_refusal(400, "invalid_request", _DESCRIPTIONS["unknown"], reason=""),
        )

    def _body(self, identity: Identity, resource: str, asked: Asked) -> Body:
        token = issue(self._azure, NAME, identity, resource)
        seconds = str(seconds_left(self._azure, token))
        body: Body = {
            "access_token": token.text,
            "client_id": identity.client_id,
            "refresh_token": "",
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "expires_on": str(token.expires_on),
            "not_before": str(token.not_before),
            "resource": resource,
            "token_type": "Bearer",
        }
        if asked.kind == "object_id":
            body["object_id"] = identity.object_id
        if asked.kind == "resource_id":
            body["msi_res_id"] = identity.resource_id
        return body

    async def _info(self, request: Request) -> Answer:
        check_metadata_request(request)
        body: Body = {"tenantId": self._azure.tenant_id}
        return Answer(status=200, body=body, reason="The tenant of the virtual machine.", operation="discover")

    async def _compute(self, request: Request) -> Answer:
        check_metadata_request(request)
        if not request.query.get("api-version"):
            error = "Bad request. api-version was not specified in the request"
            return Answer(status=400, body={"error": error}, reason=error, operation="discover")
        name = re.sub("/+", "/", request.path).removeprefix(COMPUTE_PATH).strip("/")
        known = self._names()
        if name and name not in known:
            return await self._unknown(request)
        # How Azure answers for one value in JSON is not known: it documents text.
        as_text = bool(name) and request.query.get("format", "").lower() == "text"
        return Answer(
            status=200,
            body=known if not name else known[name],
            as_text=as_text,
            reason="The names of the virtual machine.",
            operation="discover",
        )

    def _names(self) -> dict[str, str]:
        azure = self._azure
        group = f"/subscriptions/{azure.subscription_id}/resourceGroups/{azure.resource_group}"
        return {
            "azEnvironment": "AzurePublicCloud",
            "location": azure.region,
            "name": _MACHINE,
            "resourceGroupName": azure.resource_group,
            "resourceId": f"{group}/providers/Microsoft.Compute/virtualMachines/{_MACHINE}",
            "subscriptionId": azure.subscription_id,
            "vmScaleSetName": "",
        }

    async def _unknown(self, request: Request) -> Answer:
        # Clients find out by these 404s that the service has no second version.
        reason = f"The local service does not answer at {request.path[:200]}."
        return Answer(status=404, body={"error": "Not Found"}, reason=reason, operation="probe", code="Not Found")


def check_metadata_request(request: Request, *, without_header: bool = False) -> None:
    """Refuse what no program on the machine itself sends: the guards of every endpoint that has no secret.

    Browsers cannot send the header ``Metadata`` to another site, and a proxy that was tricked adds ``X-Forwarded-For``.

    Args:
        request: The request.
        without_header: Whether it may leave the header out.
    """
    if request.method != "GET":
        reason = f"The endpoint answers GET, not {request.method}."
        raise RefusedError(Answer(status=405, body={"error": "Method Not Allowed"}, reason=reason))
    if "X-Forwarded-For" in request.headers:
        description = "Requests with the header X-Forwarded-For are refused"
        raise oauth_refusal(400, "invalid_request", description, reason=f"{description}.")
    if request.headers.get("Metadata", "").lower() != "true" and not without_header:
        # So asks who wants to know whether the service is there at all, and takes any answer for a yes.
        description = "Required metadata header not specified"
        reason = "The header Metadata: true is missing, so this asks whether the service is there, and for no token."
        raise oauth_refusal(400, "invalid_request", description, reason=reason, operation="probe")


def required_resource(resource: str) -> str:
    """Return the resource, and refuse a request without one."""
    if not resource:
        description = "Required audience parameter not specified"
        raise oauth_refusal(400, "invalid_request", description, reason="The parameter resource is missing.")
    return resource


def known_resource(azure: Azure, resource: str) -> None:
    """Refuse a resource that Entra cannot know."""
    if not is_resource(resource):
        reason = f"Entra knows no resource {resource[:200]!r}."
        text = (
            f"The resource principal named {resource[:200]} was not found in the tenant named {azure.tenant_id}. This "
            "can happen if the application has not been installed by the administrator of the tenant or consented to "
            "by any user in the tenant. You might have sent your authentication request to the wrong tenant."
        )
        raise entra_refusal(azure, 400, "invalid_resource", 500011, text, reason=reason)


def _is_moved_probe(request: Request) -> bool:
    """Return whether Azure.Identity for .NET asks whether there is a metadata service, at another address than its own.

    It leaves the header out then. At 169.254.169.254 it takes the refusal for a yes and asks for a token; anywhere else it
    takes it for a no, and the credentials of the developer come next. So there this request is answered with the token,
    which it takes as well. No web page can send it: the header makes browsers ask for leave first.

    Source: https://github.com/Azure/azure-sdk-for-net/blob/main/sdk/identity/Azure.Identity/src/ImdsManagedIdentityProbeSource.cs
    """
    asker = request.headers.get("User-Agent", "")
    return request.host.partition(":")[0] != HOST and asker.startswith(_NET_SDK) and "Origin" not in request.headers


def _is_version(version: str) -> bool:
    return bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", version, re.ASCII)) and version >= FIRST_API_VERSION
