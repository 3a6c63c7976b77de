"""The common part of every source: a request comes in, an answer goes out, and the journal records which and why."""

from __future__ import annotations

import hmac
import json
import re
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from msgspec import field
from msgspec.structs import replace

from keyless.local.instruments.journal_entry import Entry
from keyless.local.record import Record
from keyless.local.wire.http.response import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keyless.local.azure.azure import Azure, Identity
    from keyless.local.azure.identities.application import Application
    from keyless.local.azure.identities.tokens import Token
    from keyless.local.instruments.faults import Fault
    from keyless.local.operations.codes import FaultCode, IdentityCode
    from keyless.local.operations.names import IdentityOperation
    from keyless.local.sources import SourceName
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler

Body = dict[str, object]
Sent = Mapping[str, object] | str

_RESOURCE = re.compile(r"[a-z][a-z0-9+.-]*://\S+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Answer(Record, frozen=True, kw_only=True):
    """An answer of a source.

    Attributes:
        status: The HTTP status.
        body: What is sent as JSON, which may hold a token; None sends no body.
        as_text: Whether a text is sent as it is, and not as JSON.
        reason: Why it is answered so, in one sentence, for the journal.
        identity: Whose token it holds or leads to; None where it does neither.
        source: The source that it stands for, where requests of several come to one endpoint.
        operation: What the request was, for the journal. A probe or a challenge is not a request for a token.
        code: The source's literal error code; None where it has none.
        headers: Further headers.
        unassigned: What the source says instead where a fault takes the identity away.
        given: What is to be done once it is decided that this answer is given.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"body", "headers"})

    status: int
    body: Sent | None
    reason: str
    as_text: bool = False
    identity: Identity | Application | None = None
    source: SourceName | None = None
    operation: IdentityOperation = "getToken"
    code: IdentityCode | FaultCode | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    unassigned: RefusedError | None = None
    given: Callable[[], None] | None = None


class RefusedError(Exception):
    """Ends a request early with an answer that is not a token."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


def journaled(
    azure: Azure,
    source: SourceName | None,
    answer: Callable[[Request], Awaitable[Answer]],
    *,
    headers: Mapping[str, str] | None = None,
) -> Handler:
    """Return the handler of a source's requests, which writes each into the journal.

    Args:
        azure: The local Azure whose journal it is.
        source: The source's name; None where the answer names it, or there is none.
        answer: Answers a request, or raises RefusedError.
        headers: Further headers of each answer, whatever it is.
    """
    from keyless.local.wire.serving.fault_effects import apply_fault  # noqa: PLC0415 (loaded when something is served: a start does not wait for it)

    async def handle(request: Request) -> Response:
        started = time.perf_counter()
        try:
            found = await answer(request)
        except RefusedError as refused:
            found = refused.answer
        asked = source or found.source
        struck, fault = None, _strike(azure, asked, found)
        if fault is not None:
            if fault.effect == "not-assigned" and found.unassigned is not None:
                found = replace(found.unassigned.answer, identity=found.identity, operation=found.operation)
            else:
                struck = await apply_fault(fault, request)
            found = replace(found, code="Fault", reason=f"Fault {fault.name}.")
        if struck is None and found.given is not None:
            found.given()
        response = _response(found, headers or {}) if struck is None else struck
        azure.journal.record(
            Entry(
                time=azure.clock.now(),
                service="identity",
                operation=found.operation,
                source=asked,
                identity=found.identity.name if found.identity else None,
                status=response.status,
                code=found.code,
                reason=found.reason,
                client=request.headers.get("User-Agent", ""),
                ms=(time.perf_counter() - started) * 1000,
            ),
            found.body if fault is None or struck is None else fault.body,
        )
        return response

    return handle


def _strike(azure: Azure, source: SourceName | None, answer: Answer) -> Fault | None:
    """Return the fault that strikes a request which was good: it had its secret, and said whose token it wants."""
    if answer.identity is None or answer.unassigned is None:
        return None
    return azure.faults.strike("identity", operation=answer.operation, identity=answer.identity.name, source=source)


def _response(answer: Answer, headers: Mapping[str, str]) -> Response:

    sent = {**headers, **answer.headers}
    if answer.body is None:
        return Response(status=answer.status, headers=sent)
    text = str(answer.body) if answer.as_text else json.dumps(answer.body, separators=(",", ":"))
    kind = "text/plain" if answer.as_text else "application/json"
    sent = {"Cache-Control": "no-store", **sent}
    return Response(answer.status, text=text, content_type=kind, headers=sent)


def issue(
    azure: Azure,
    source: SourceName,
    identity: Identity | Application,
    resource: str,
    *,
    refused_hash: str = "",
    bypass_cache: bool = False,
) -> Token:
    """Return the platform's token of an identity for a resource, good for as long as the source's tokens are.

    Args:
        azure: The local Azure that gives it.
        source: The source that was asked.
        identity: Whom it is for.
        resource: What it is for.
        refused_hash: The SHA-256, in hexadecimal, of a token that the resource has refused and that must not come again.
        bypass_cache: Whether to make a new one in any case.
    """
    lifetime = azure.token_lifetimes[source]
    return azure.tokens.issue(
        identity, resource, lifetime=lifetime, refused_hash=refused_hash, bypass_cache=bypass_cache
    )


def seconds_left(azure: Azure, token: Token) -> int:
    """Return for how long a token is good by the clock of the local Azure."""
    return int(token.expires_on - azure.clock.now())


def is_resource(resource: str) -> bool:
    """Return whether Entra could know a resource: a URI or a GUID, and no scope, which belongs to another endpoint."""
    return bool(_RESOURCE.fullmatch(resource)) and not resource.endswith("/.default")


def same_secret(sent: str, secret: str) -> bool:
    """Compare a secret with what was sent, in a time that does not depend on how much of it was right."""
    return hmac.compare_digest(sent.encode("utf-8", "surrogateescape"), secret.encode())


def oauth_refusal(
    status: int, error: IdentityCode, description: str, *, reason: str, operation: IdentityOperation = "getToken"
) -> RefusedError:
    """Return a refusal in OAuth's form, as IMDS and Azure Arc give it: an error and its description."""
    body: Body = {"error": error, "error_description": description}
    return RefusedError(Answer(status=status, body=body, reason=reason, code=error, operation=operation))


def entra_refusal(
    azure: Azure, status: int, error: IdentityCode, number: int, text: str, *, reason: str
) -> RefusedError:
    """Return a refusal as Microsoft Entra ID words it, with its AADSTS number.

    https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
    """
    trace_id, correlation_id = str(uuid.uuid4()), str(uuid.uuid4())
    timestamp = f"{datetime.fromtimestamp(azure.clock.now(), UTC):%Y-%m-%d %H:%M:%S}Z"
    description = f"AADSTS{number}: {text} Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {timestamp}"
    body: Body = {
        "error": error,
        "error_description": description,
        "error_codes": [number],
        "timestamp": timestamp,
        "trace_id": trace_id,
        "correlation_id": correlation_id,
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }
    return RefusedError(Answer(status=status, body=body, reason=reason, code=error))
