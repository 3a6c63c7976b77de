"""The identity endpoint of App Service, Functions and Container Apps, in its version 2019-08-01.

https://learn.microsoft.com/en-us/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

from __future__ import annotations

import hmac
import json
import re
import time
import uuid
from typing import TYPE_CHECKING, Final

from aiohttp import web

from keyless.local.identity.selection import AskedId, IdKind, asked_ids, system_assigned, user_assigned
from keyless.local.journal import Entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.model import Azure, Identity

PATH: Final = "/msi/token"
API_VERSION: Final = "2019-08-01"

# principal_id is the documented name of object_id. resource_id is what azure-identity's async credential sends where
# its user wrote {"resource_id": ...}; Azure documents mi_res_id alone.
_PARAMETERS: dict[str, IdKind] = {
    "client_id": "client_id",
    "object_id": "object_id",
    "principal_id": "object_id",
    "mi_res_id": "resource_id",
    "msi_res_id": "resource_id",
    "resource_id": "resource_id",
}
_RESOURCE = re.compile(r"[a-z][a-z0-9+.-]*://\S+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class _RefusedError(Exception):
    """An answer other than a token: its status, the endpoint's message, and why, for the journal."""

    def __init__(self, status: int, message: str | None, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.message = message
        self.reason = reason


def routes(azure: Azure, *, secret: str) -> list[web.RouteDef]:
    """Make the endpoint's routes.

    Args:
        azure: The local Azure whose identities get tokens.
        secret: What ``IDENTITY_HEADER`` holds: a request without it in ``X-IDENTITY-HEADER`` is refused, since any web
            page could send a request to this machine but none can know it.
    """
    endpoint = _Endpoint(azure, secret)
    return [web.route("*", PATH, endpoint.answer), web.route("*", f"{PATH}/", endpoint.answer)]


class _Endpoint:
    def __init__(self, azure: Azure, secret: str) -> None:
        self._azure = azure
        self._secret = secret.encode()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one request and write it into the journal."""
        started = time.perf_counter()
        identity: Identity | None = None
        try:
            self._check(request)
            identity = self._choose(request)
            response = _answer(200, self._token(identity, request.query["resource"]))
            reason = f"{identity.name} is assigned to the host."
        except _RefusedError as refused:
            response, reason = _refusal(refused), refused.reason
        self._azure.journal.record(
            Entry(
                time=self._azure.clock.now(),
                service="identity",
                operation="getToken",
                identity=identity.name if identity else None,
                status=response.status,
                reason=reason,
                client=request.headers.get("User-Agent", ""),
                ms=(time.perf_counter() - started) * 1000,
            )
        )
        return response

    def _check(self, request: web.Request) -> None:
        if request.method != "GET":
            raise _RefusedError(405, None, f"The endpoint answers GET, not {request.method}.")
        header = request.headers.get("X-IDENTITY-HEADER", "")
        if not hmac.compare_digest(header.encode("utf-8", "surrogateescape"), self._secret):
            problem = "is not the value of IDENTITY_HEADER" if header else "is missing"
            raise _RefusedError(403, None, f"The header X-IDENTITY-HEADER {problem}.")
        version = request.query.get("api-version", "")
        if version != API_VERSION:
            problem = f"The api-version {version[:40]!r} is not supported, only {API_VERSION} is."
            raise _RefusedError(400, problem, problem)
        if not request.query.get("resource"):
            problem = "The query parameter resource is missing."
            raise _RefusedError(400, problem, problem)

    def _choose(self, request: web.Request) -> Identity:
        asked = asked_ids(request.query, _PARAMETERS)
        if len(asked) > 1:
            names = ", ".join(name for name in request.query if name in _PARAMETERS)
            problem = f"Only one id of an identity may be given, not {names}."
            raise _RefusedError(400, problem, problem)
        if not asked:
            found = system_assigned(self._azure)
            if found is None:
                reason = "No id was given, and the host has no system-assigned identity."
                raise _RefusedError(400, "Unable to load the proper Managed Identity.", reason)
            return found
        found = user_assigned(self._azure, asked[0])
        if found is None:
            message = (
                "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."
            )
            raise _RefusedError(400, message, self._why_none(asked[0]))
        return found

    def _why_none(self, asked: AskedId) -> str:
        kind, value = asked.kind, asked.value[:300]
        for identity in self._azure.identities.values():
            if value.lower() in {identity.client_id.lower(), identity.object_id.lower(), identity.resource_id.lower()}:
                if identity.kind == "system":
                    return f"The {kind} {value!r} is the system-assigned identity's, which is asked for without any id."
                if not identity.assigned:
                    return f"The identity {identity.name} exists and is not assigned to the host."
                return f"{value!r} is an id of {identity.name}, and not its {kind}."
        return f"No identity has the {kind} {value!r}."

    def _token(self, identity: Identity, resource: str) -> dict[str, str]:
        # Entra takes a resource, and not a scope: "/.default" belongs to the version 2.0 endpoint.
        if not _RESOURCE.fullmatch(resource) or resource.endswith("/.default"):
            reason = f"Entra knows no resource {resource[:200]!r}."
            raise _RefusedError(500, "An unexpected error occured while fetching the AAD Token.", reason)
        token = self._azure.tokens.issue(identity, resource)
        # Azure sends no expires_in here; with it, and with expires_on after it, every client reads the lifetime right.
        return {
            "access_token": token.text,
            "expires_in": str(int(token.expires_on - self._azure.clock.now())),
            "expires_on": str(token.expires_on),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": identity.client_id,
        }


def _refusal(refused: _RefusedError) -> web.Response:
    if refused.message is None:
        return _answer(refused.status, None)
    correlation_id = str(uuid.uuid4())
    body: dict[str, str | int] = {"statusCode": refused.status, "message": refused.message, "correlationId": correlation_id}
    return _answer(refused.status, body, correlation_id)


def _answer(status: int, body: Mapping[str, str | int] | None, correlation_id: str = "") -> web.Response:
    headers = {"Server": "Kestrel", "X-CORRELATION-ID": correlation_id or str(uuid.uuid4())}
    if body is None:
        return web.Response(status=status, headers=headers)
    text = json.dumps(body, separators=(",", ":"))
    return web.Response(status=status, text=text, content_type="application/json", charset="utf-8", headers=headers)
