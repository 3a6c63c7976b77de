"""One request to a vault, from its token to its answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from keyless.local.azure.authorization.conditions.condition import facts_of
from keyless.local.azure.authorization.roles import Decision, Scope
from keyless.local.azure.identities.application import Application
from keyless.local.azure.identities.managed_identity import derived_guid
from keyless.local.azure.identities.tokens import Claims, Rejection
from keyless.local.wire.http.request import BodyTooLargeError
from keyless.local.wire.http.response import Response
from keyless.local.wire.keyvault.protocol.bodies import to_json
from keyless.local.wire.keyvault.protocol.call import Call, check_api_version, check_name
from keyless.local.wire.keyvault.protocol.errors import (
    RefusedError,
    disabled,
    forbidden_by_rbac,
    invalid_property,
    no_token,
    rejected_token,
    wrong_issuer,
)
from keyless.local.wire.keyvault.protocol.headers import response_headers
from keyless.local.wire.keyvault.protocol.network_errors import (
    forbidden_by_connection,
    forbidden_by_firewall,
    forbidden_by_perimeter,
    forbidden_by_policy,
    throttled,
)
from keyless.local.wire.keyvault.routes import Match, find_operation
from keyless.local.wire.serving.fault_effects import apply_fault

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from keyless.local.azure.azure import Azure, Vault
    from keyless.local.instruments.faults import Fault
    from keyless.local.operations.names import Check
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.keyvault.protocol.answer import Answer

# The application id of Key Vault itself, under which tokens for it may be asked for as well.
_KEY_VAULT_APP_ID = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
# Where a vault is that a fault has put into another tenant.
_ANOTHER_TENANT = derived_guid("another tenant")
# A backup of 500 versions, which is the most that Azure backs up, of the largest size.
MAX_BODY = 32 * 1024 * 1024


class RequestContext:
    """One request on its way through the checks: it remembers how far it came.

    Attributes:
        token: The token that the request shows; empty where it asks for the challenge, as official SDKs do first.
        match: The operation that it means; None where it means none.
        identity: The name of the identity whose token it shows; None until that is known.
        decision: Whether the identity may do it; None until that is decided.
        fault: The fault that struck it; None where none did.
        check: The check that it is at; None once it has passed all.
        body: What it was answered, where that is not a refusal.
    """

    def __init__(self, azure: Azure, vault: Vault, request: Request, *, slow: Executor) -> None:
        self._slow = slow
        self._azure = azure
        self._vault = vault
        self._request = request
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        self.token = token.strip() if scheme.lower() in {"bearer", "pop"} else ""
        self.match: Match | None = None
        self.identity: str | None = None
        self.application: str | None = None
        self.decision: Decision | None = None
        self.fault: Fault | None = None
        self.check: Check | None = "token"
        self.body: dict[str, object] | None = None

    @property
    def goes_by_roles(self) -> bool:
        """Whether roles decide here; the answer's headers then show it."""
        return self._vault.settings.access == "rbac"

    @property
    def reason(self) -> str:
        """The reason why the request was let in."""
        return self.decision.reason if self.decision else ""

    async def proceed(self) -> Response:
        """Go through the checks and do what is asked.

        Raises:
            RefusedError: At the first check that fails.
        """
        request = self._request
        found = find_operation(request.method, request.raw_path)
        self.match = found if isinstance(found, Match) else None
        claims = self._authenticate()
        self.check = "path"
        if isinstance(found, RefusedError):
            raise found
        self.check = "fault"
        struck = await self._apply_fault(claims, found)
        if struck is not None:
            return struck
        self.check = "parameters"
        api_version = check_api_version(request.query)
        if found.name:
            check_name(found.name)
        self.check = "network"
        self._check_network(claims)
        self.check = "limit"
        if not self._vault.lets_in():
            raise throttled()
        self.check = "access"
        self._authorize(claims, found)
        self.check = "object"
        call = Call(
            vault=self._vault,
            # The port of https goes without saying: no id of Azure shows it.
            base=f"https://{request.host.removesuffix(':443')}",
            path=request.raw_path,
            query=request.query,
            api_version=api_version,
            kind=found.operation.kind,
            name=found.name,
            version=found.version,
            now=self._azure.clock.now(),
            tokens=self._azure.tokens,
            content=self._content(),
        )
        answer = await self._answered(found, call)
        self.check, self.body = None, answer.body
        response = respond(request, self._azure, answer.status, answer.body)
        response.headers.update(answer.headers)
        return response

    async def _answered(self, match: Match, call: Call) -> Answer:
        """Do what is asked; what takes long, beside the loop."""
        if not match.operation.is_slow:
            return match.answer(call)
        return await asyncio.get_running_loop().run_in_executor(self._slow, match.answer, call)

    def _authenticate(self) -> Claims:
        if not self.token:
            raise no_token(self._vault)
        resource = self._vault.cloud.resource
        found = self._azure.tokens.verify(
            self.token,
            audiences=(resource, f"{resource}/", _KEY_VAULT_APP_ID),
            tenant_id=self._vault.tenant_id,
        )
        if isinstance(found, Rejection):
            raise rejected_token(self._vault, found)
        identity = self._azure.directory.principal_of(found.object_id)
        self.identity = identity.name if identity else None
        self.application = identity.client_id if isinstance(identity, Application) else None
        return found

    async def _apply_fault(self, claims: Claims, match: Match) -> Response | None:
        """Apply a fault; None goes on as ever."""
        self.fault = self._azure.faults.strike(
            "vault",
            operation=match.operation.name,
            identity=self.identity,
            vault=self._vault.name,
            kind=match.operation.kind,
            name=match.name or None,
        )
        if self.fault is None:
            return None
        refusal = self._refusal_by(self.fault, claims, match)
        if refusal is not None:
            refusal.reason = f"Fault {self.fault.name}."
            raise refusal
        struck = await apply_fault(self.fault, self._request)
        if struck is not None:
            for name, value in response_headers(self._request, region=self._azure.region).items():
                struck.headers.setdefault(name, value)
        return struck

    def _refusal_by(self, fault: Fault, claims: Claims, match: Match) -> RefusedError | None:
        """Return the refusal of a fault that has words of Azure's own."""
        if fault.effect == "firewall":
            return forbidden_by_firewall(self._vault, claims, address=self._address)
        if fault.effect == "perimeter":
            return forbidden_by_perimeter(self._azure, self._vault, claims, address=self._address)
        if fault.effect == "secret-disabled":
            self._authorize(claims, match)  # That comes first, and shows in the headers.
            return disabled("secret", match.name)
        if fault.effect == "role-missing":
            self.decision = Decision(False, "")
            return forbidden_by_rbac(self._vault, claims, operation=match.operation, name=match.name, reason="")
        if fault.effect == "wrong-tenant":
            return wrong_issuer(self._vault, claims.issuer, tenant_id=_ANOTHER_TENANT)
        if fault.effect == "token-expired":
            return rejected_token(self._vault, Rejection("time"))
        return None

    @property
    def _address(self) -> str:
        return self._request.remote or "127.0.0.1"

    def _check_network(self, claims: Claims) -> None:
        stopped = self._vault.settings.firewall.stops(self._address, subscription=self._azure.subscription_id)
        if stopped == "connection":
            raise forbidden_by_connection(self._vault, claims)
        if stopped == "address":
            raise forbidden_by_firewall(self._vault, claims, address=self._address)
        if stopped == "perimeter":
            raise forbidden_by_perimeter(self._azure, self._vault, claims, address=self._address)

    def _authorize(self, claims: Claims, match: Match) -> None:
        operation, name = match.operation, match.name if match.operation.level == "object" else ""
        decision = self.decision = self._azure.decide(
            object_id=claims.object_id,
            operation=operation,
            vault=self._vault,
            scope=Scope.of(self._vault.name, operation.kind, name),
            facts=facts_of(
                operation.action,
                vault=self._vault.name,
                secret=name if name and operation.kind == "secret" else None,
            ),
        )
        if decision.allowed:
            return
        if self._vault.settings.access == "policies":
            raise forbidden_by_policy(self._vault, claims, operation=operation, reason=decision.reason)
        raise forbidden_by_rbac(self._vault, claims, operation=operation, name=name, reason=decision.reason)

    def _content(self) -> bytes:
        try:
            return self._request.body
        except BodyTooLargeError:
            raise invalid_property(f"The body is larger than {MAX_BODY:,} bytes.") from None


def respond(request: Request, azure: Azure, status: int, body: dict[str, object] | None) -> Response:
    """Return an answer with the headers that every answer of a vault has."""
    headers = response_headers(request, region=azure.region)
    if body is None:
        return Response(status=status, headers=headers)
    return Response(status=status, text=to_json(body), content_type="application/json", headers=headers)
