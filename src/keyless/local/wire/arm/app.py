"""Azure Resource Manager: every request goes through its checks, and into the journal.

The order: token (401), path (404, 405, 409), API version (400), subscription (404), role (403), and then the resource.
"""

from __future__ import annotations

import json
import time
import uuid
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from keyless.errors import KeylessError
from keyless.local.azure.authorization.resource_scope import ResourceScope
from keyless.local.azure.identities.tokens import Claims, Rejection
from keyless.local.azure.management.refusals import ArmError, bad_request, no_subscription
from keyless.local.instruments.journal_entry import Entry
from keyless.local.operations.names import CHALLENGE, UNKNOWN
from keyless.local.wire.arm import LARGEST_BODY, deployments
from keyless.local.wire.arm.call import ArmAnswer, ArmCall
from keyless.local.wire.arm.errors import AUDIENCES, challenge, no_api_version, no_token, rejected_token, unauthorized
from keyless.local.wire.arm.handlers import HANDLERS
from keyless.local.wire.arm.routes import Match, check_version, find_kept, find_operation
from keyless.local.wire.http.app import App
from keyless.local.wire.http.request import BodyTooLargeError
from keyless.local.wire.http.response import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.wire.http.request import Request

_HANDLERS: Final[Mapping[str, Callable[[ArmCall], ArmAnswer]]] = MappingProxyType({**HANDLERS, **deployments.HANDLERS})
_WITHOUT_TOKEN: Final = frozenset({"getCloudMetadata"})


def arm_app(azure: Azure) -> App:
    """Make the application that answers for ``management.azure.com``."""
    return App(Dispatcher(azure).answer, lambda _: LARGEST_BODY)


class Dispatcher:
    """Lets requests in, or turns them away."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure

    async def answer(self, request: Request) -> Response:
        """Answer one request and write it into the journal."""
        started = time.perf_counter()
        progress = _Progress(self._azure, request)
        try:
            answer = await progress.proceed()
            code, reason = None, progress.reason
        except ArmError as error:
            answer, code, reason = _refusal(self._azure, error), error.code, error.message
        except KeylessError as error:  # What the Azure itself refuses, in its own words.
            refused = bad_request(f"{error.what} {error.cause}")
            answer, code, reason = _refusal(self._azure, refused), refused.code, refused.message
        match = progress.match
        vault = match.named.get("name") if match and "microsoft.keyvault/vaults" in match.operation.path else None
        operation = match.operation.name if match else UNKNOWN
        self._azure.journal.record(
            Entry(
                time=self._azure.clock.now(),
                service="arm",
                operation=operation if progress.token else CHALLENGE,
                identity=progress.identity,
                vault=vault,
                status=answer.status,
                code=code,
                reason=reason,
                client=request.headers.get("User-Agent", ""),
                ms=(time.perf_counter() - started) * 1000,
            )
        )
        return _respond(request, answer, correlation_id=progress.correlation_id)


class _Progress:
    """One request on its way through the checks: it remembers how far it came."""

    def __init__(self, azure: Azure, request: Request) -> None:
        self._azure = azure
        self._request = request
        self.match: Match | None = None
        self.identity: str | None = None
        self.reason = ""
        asked = request.headers.get("x-ms-correlation-request-id", "")
        self.correlation_id = asked if asked and asked.isascii() and asked.isprintable() else str(uuid.uuid4())

    @property
    def token(self) -> str:
        """The token that the request shows; empty where it shows none."""
        scheme, _, token = self._request.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    async def proceed(self) -> ArmAnswer:
        """Go through the checks and do what is asked.

        Raises:
            ArmError: At the first check that fails.
        """
        request = self._request
        found = self._find(request.method, request.raw_path)
        self.match = found if isinstance(found, Match) else None
        free = self.match is not None and self.match.operation.name in _WITHOUT_TOKEN
        claims = Claims("", "", "", 0) if free else self._authenticate()
        if isinstance(found, ArmError):
            raise found
        query = {name.lower(): value for name, value in request.query.items()}
        version = query.get("api-version")
        if not version:
            raise no_api_version()
        check_version(version, found.operation)
        self._authorize(claims, found)
        try:
            content = request.body
        except BodyTooLargeError:
            raise bad_request(f"The body is larger than {LARGEST_BODY:,} bytes.") from None
        base = f"https://{request.host.removesuffix(':443')}"
        call = ArmCall(self._azure, claims, found.named, query, version, base, self.correlation_id, content)
        return _HANDLERS[found.operation.name](call)

    def _find(self, method: str, path: str) -> Match | ArmError:
        """Return what is asked; a resource that only deployments make is there once one has made it."""
        kept = find_kept(method, path)
        if kept is not None and method != "PUT" and self._azure.documents.get(kept.scope) is not None:
            return kept
        try:
            return find_operation(method, path)
        except ArmError as error:
            return error

    def _authenticate(self) -> Claims:
        if not self.token:
            raise no_token()
        found = self._azure.tokens.verify(self.token, audiences=AUDIENCES, tenant_id=self._azure.tenant_id)
        if isinstance(found, Rejection):
            raise rejected_token(self._azure, found)
        known = self._azure.directory.principal_of(found.object_id)
        self.identity = known.name if known else None
        return found

    def _authorize(self, claims: Claims, match: Match) -> None:
        """Refuse a subscription that there is not, and an action that no role of the caller allows."""
        subscription = match.named.get("subscription")
        if subscription is not None and subscription.lower() != self._azure.subscription_id:
            raise no_subscription(subscription)
        action = match.operation.action.replace("{name}", match.named.get("name", ""))
        who = self.identity or claims.object_id
        if not action:
            self.reason = f"{who} may ask for that, as everybody may."
            return
        scope = ResourceScope(match.scope.lower().rstrip("/"))
        if not self._azure.role_assignments.allows_management(claims.object_id, action, scope):
            raise unauthorized(claims, action, match.scope)
        self.reason = f"A role of {who} allows {action}."


def _refusal(azure: Azure, error: ArmError) -> ArmAnswer:
    headers = challenge(azure, error) if error.status == 401 else {}  # noqa: PLR2004 (HTTP's own number)
    return ArmAnswer(error.status, {"error": error.body()}, headers)


def _respond(request: Request, answer: ArmAnswer, *, correlation_id: str) -> Response:
    headers = {
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "x-ms-request-id": str(uuid.uuid4()),
        "x-ms-correlation-request-id": correlation_id,
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "X-Content-Type-Options": "nosniff",
        **answer.headers,
    }
    if "x-ms-client-request-id" in request.headers and request.headers.get("x-ms-return-client-request-id") == "true":
        headers["x-ms-client-request-id"] = request.headers["x-ms-client-request-id"]
    if answer.body is None:
        return Response(status=answer.status, headers=headers)
    kind = "application/xml" if isinstance(answer.body, str) else "application/json"
    text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body, separators=(",", ":"))
    return Response(status=answer.status, text=text, content_type=kind, headers=headers)
