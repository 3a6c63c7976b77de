"""Microsoft Graph on the wire, as far as the Azure CLI's commands about roles and applications ask.

Every principal of the tenant may read and change it: which permissions on Graph an application has is not looked at.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.identities.tokens import Rejection
from keyless.local.instruments.journal_entry import Entry
from keyless.local.wire.graph import changes, reads
from keyless.local.wire.graph.call import Answer, Call, RefusedError
from keyless.local.wire.http.app import App
from keyless.local.wire.http.response import Response, json_response
from keyless.local.wire.http.router import Route, Router
from keyless.local.wire.http.whole_text import check_whole
from keyless.local.wire.serving.hosts import GRAPH_HOSTS

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.wire.graph.call import Answers
    from keyless.local.wire.http.request import Request

# The application id of Microsoft Graph, under which tokens for it may be asked for as well.
_GRAPH_APP_ID: Final = "00000003-0000-0000-c000-000000000000"
_AUDIENCES: Final = (_GRAPH_APP_ID, *(f"https://{host}{slash}" for host in GRAPH_HOSTS for slash in ("", "/")))
_READS: Final[tuple[tuple[str, str, Answers], ...]] = (
    ("GET", "/me", reads.get_me),
    ("GET", "/me/ownedObjects", reads.get_me),
    ("GET", "/servicePrincipals", reads.list_service_principals),
    ("GET", r"/servicePrincipals{id:\(appId='[^']*'\)}", reads.get_service_principal),
    ("GET", "/servicePrincipals/{id}", reads.get_service_principal),
    ("GET", "/servicePrincipals/{id}/owners", reads.list_nobody),
    ("GET", "/applications", reads.list_applications),
    ("GET", r"/applications{id:\(appId='[^']*'\)}", reads.get_application),
    ("GET", "/applications/{id}", reads.get_application),
    ("GET", "/applications/{id}/owners", reads.list_nobody),
    ("GET", "/groups", reads.list_groups),
    ("GET", "/groups/{id}", reads.get_group),
    ("GET", "/groups/{id}/members", reads.list_members),
    ("GET", "/groups/{id}/owners", reads.list_nobody),
    ("GET", "/users", reads.list_nobody),
    ("GET", "/users/{id}", reads.get_user),
    ("GET", "/directoryObjects/{id}", reads.get_object),
    ("POST", "/directoryObjects/getByIds", reads.get_by_ids),
    ("POST", "/directoryObjects/{id}/checkMemberGroups", reads.member_groups),
    ("POST", "/directoryObjects/{id}/getMemberGroups", reads.member_groups),
    ("POST", "/groups/{id}/getMemberGroups", reads.member_groups),
)


def graph_app(azure: Azure) -> App:
    """Make the application that answers for Microsoft Graph, in its versions v1.0 and beta."""
    known = [
        Route(method, rf"/{{version:v1\.0|beta}}{path}", _Handler(azure, operation, answers).answer)
        for operation, table in (("readDirectory", _READS), ("changeDirectory", changes.CHANGES))
        for method, path, answers in table
    ]
    return App(Router([*known, Route("*", "/{path:.*}", _Handler(azure, "unknown", _no_segment).answer)]).answer)


def _no_segment(call: Call) -> Answer:
    segment = call.parts.get("path", "").rpartition("/")[2][:80]
    raise RefusedError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")


class _Handler:
    """Answers one kind of request, and writes each into the journal."""

    def __init__(self, azure: Azure, operation: str, answers: Answers) -> None:
        self._azure = azure
        self._operation = operation
        self._answers = answers

    async def answer(self, request: Request) -> Response:
        """Answer a request."""
        started, code, reason, identity = time.perf_counter(), None, "", None
        try:
            identity = self._authenticate(request)
            found = self._answers(await self._call(request))
        except RefusedError as refused:
            now, sent = self._azure.clock.now(), request.headers.get("client-request-id", "")[:80]
            found, code, reason = Answer(refused.status, refused.body(now, sent)), refused.code, refused.message
        self._azure.journal.record(
            Entry(
                time=self._azure.clock.now(),
                service="graph",
                operation=self._operation,
                identity=identity,
                status=found.status,
                code=code,
                reason=reason or "Every principal of the tenant may.",
                client=request.headers.get("User-Agent", ""),
                ms=(time.perf_counter() - started) * 1000,
            )
        )
        headers = {"Cache-Control": "no-cache"}
        if found.body is None:
            return Response(status=found.status, headers=headers)
        return json_response(found.body, status=found.status, headers=headers)

    def _authenticate(self, request: Request) -> str | None:
        """Return the name of the principal whose token a request shows.

        Raises:
            RefusedError: If it shows none, or one that is not for Microsoft Graph.
        """
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise RefusedError(401, "InvalidAuthenticationToken", "Access token is empty.")
        found = self._azure.tokens.verify(token.strip(), audiences=_AUDIENCES, tenant_id=self._azure.tenant_id)
        if isinstance(found, Rejection):
            raise RefusedError(401, "InvalidAuthenticationToken", _REJECTED[found.problem])
        principal = self._azure.directory.principal_of(found.object_id)
        return principal.name if principal else None

    async def _call(self, request: Request) -> Call:
        return Call(
            azure=self._azure,
            root=f"https://{request.host}/{request.path_parameters.get('version', 'v1.0')}",
            parts=dict(request.path_parameters),
            filter=request.query.get("$filter", ""),
            body=_object(request.body),
        )


_REJECTED: Final = {
    "malformed": "CompactToken parsing failed with error code: 80049217",
    "key": "Signing key is invalid.",
    "signature": "Signature is invalid.",
    "issuer": "Access token validation failure. Invalid issuer.",
    "audience": "Access token validation failure. Invalid audience.",
    "time": "Lifetime validation failed, the token is expired.",
}


def _object(sent: bytes) -> dict[str, Any]:
    if not sent.strip():
        return {}
    try:
        found = json.loads(sent)
        check_whole(found, sent)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise RefusedError(400, "BadRequest", "Unable to read JSON request payload.")
    return found
