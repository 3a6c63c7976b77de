"""The vaults on the wire: every request goes through Azure's checks in Azure's order, and into the journal.

The order is that of real recordings: token (401), path and method (404, 405), API version and name (400), role (403),
existence (404), state (403).
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from keyless.local.instruments.journal_entry import Entry
from keyless.local.operations.names import CHALLENGE, UNKNOWN
from keyless.local.wire.http.app import App
from keyless.local.wire.http.response import Response
from keyless.local.wire.keyvault.protocol.bodies import to_json
from keyless.local.wire.keyvault.protocol.errors import RefusedError
from keyless.local.wire.keyvault.protocol.headers import rbac_headers
from keyless.local.wire.keyvault.request_context import MAX_BODY, RequestContext, respond

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.wire.http.request import Request


def vault_app(azure: Azure) -> App:
    """Make the application that answers for every vault, by the header Host."""
    vaults = Vaults(azure)
    return App(vaults.answer, lambda _: MAX_BODY, vaults.close)


class Vaults:
    """Lets requests in, or turns them away, for all vaults of a local Azure."""

    def __init__(self, azure: Azure) -> None:
        self._azure = azure
        # Keys of RSA are made by all processors but one, which is left to the other requests.
        self._slow = ThreadPoolExecutor(max(1, (os.cpu_count() or 1) - 1), thread_name_prefix="keyless-makes-keys")

    def close(self) -> None:
        """Stop what has not begun; what has begun ends on its own."""
        self._slow.shutdown(wait=False, cancel_futures=True)

    async def answer(self, request: Request) -> Response:
        """Answer one request and write it into the journal."""
        started = time.perf_counter()
        vault = self._azure.vault_at(request.host)
        if vault is None:
            return _misdirected(self._azure, request.host)
        context = RequestContext(self._azure, vault, request, slow=self._slow)
        try:
            response = await context.proceed()
            body: Mapping[str, object] | str | None = context.body
            if context.check == "fault" and context.fault is not None:
                body = context.fault.body
            code, reason = (
                (None, context.reason) if context.fault is None else ("Fault", f"Fault {context.fault.name}.")
            )
        except RefusedError as refused:
            body = refused.body()
            response = respond(request, self._azure, refused.status, body)
            response.headers.update(refused.headers)
            code, reason = refused.inner_code or refused.code, refused.reason
        if context.decision is not None and context.goes_by_roles and response.status != 400:  # noqa: PLR2004 (recorded so)
            response.headers.update(rbac_headers(context.decision.assignment))
        match = context.match
        self._azure.journal.record(
            Entry(
                time=self._azure.clock.now(),
                service="vault",
                operation=(match.operation.name if match else UNKNOWN) if context.token else CHALLENGE,
                identity=context.identity,
                vault=vault.name,
                kind=match.operation.kind if match else None,
                name=(match.name or None) if match else None,
                version=match.version if match else None,
                status=response.status,
                code=code,
                reason=reason,
                client=request.headers.get("User-Agent", ""),
                ms=(time.perf_counter() - started) * 1000,
                check=context.check,
                application=context.application,
            ),
            body,
        )
        return response


def _misdirected(azure: Azure, host: str) -> Response:
    """Answer for a host that is not a vault; Azure's DNS would not know such a name."""
    known = ", ".join(vault.host for vault in azure.vaults.values()) or "none"
    message = f"There is no vault at {host[:200]!r}. The vaults of this local Azure: {known}."
    body: dict[str, object] = {"error": {"code": "MisdirectedRequest", "message": message}}
    return Response(status=421, text=to_json(body), content_type="application/json")
