"""The answers by which a vault refuses, to the letter.

Recorded ones come from the recordings in Microsoft's SDK repositories, quoted ones from public issues; what is known
of neither says so. https://learn.microsoft.com/en-us/azure/key-vault/general/rest-error-codes
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.azure.identities.tokens import Claims, Rejection, issuer_of
from keyless.local.operations.codes import DISABLED, NOT_FOUND

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Vault
    from keyless.local.operations import Kind, Operation
    from keyless.local.operations.codes import VaultCode

LATEST_API_VERSION = "2026-04-01"

# Microsoft's own tenants, which every vault trusts beside its own.
_MICROSOFT_TENANTS = (
    "f8cdef31-a31e-4b4a-93e4-5f571e91255a",
    "e2d54eb5-3869-4f70-8578-dee5fc7331f4",
    "33e01921-4d64-4f8c-a055-5bdaffd5e33d",
    "975f013f-7f24-47e8-a7d3-abc4752bf346",
)


class RefusedError(Exception):
    """A refusal, on its way to the wire.

    Attributes:
        status: The HTTP status.
        code: The error's code.
        message: The error's message.
        inner_code: The code of the inner error; None where there is none.
        reason: Why, in one sentence, for the journal; the message unless given.
        headers: Headers of this answer alone.
    """

    def __init__(
        self,
        status: int,
        code: VaultCode,
        message: str,
        *,
        inner_code: VaultCode | None = None,
        reason: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.inner_code = inner_code
        self.reason = reason or message
        self.headers = dict(headers or {})

    def body(self) -> dict[str, object]:
        """Return the JSON body."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.inner_code is not None:
            error["innererror"] = {"code": self.inner_code}
        return {"error": error}


def unauthorized(vault: Vault, message: str, reason: str, *, tenant_id: str | None = None) -> RefusedError:
    """401, with the challenge that names to a client which tenant and resource its token must be for."""
    # Clients split this text in different ways; it is written exactly as Azure writes it.
    authorization = f"https://{vault.cloud.authority}/{tenant_id or vault.tenant_id}"
    challenge = f'Bearer authorization="{authorization}", resource="{vault.cloud.resource}"'
    return RefusedError(401, "Unauthorized", message, reason=reason, headers={"WWW-Authenticate": challenge})


def no_token(vault: Vault) -> RefusedError:
    """401: the request brings no token, as the first request of every official SDK does. Recorded."""
    message = "AKV10000: Request is missing a Bearer or PoP token."
    return unauthorized(vault, message, "The request has no token.")


def wrong_issuer(vault: Vault, found: str, *, tenant_id: str) -> RefusedError:
    """401: the token is of another tenant than the one that the vault trusts. Quoted."""
    trusted = ", ".join(issuer_of(tenant) for tenant in (tenant_id, *_MICROSOFT_TENANTS))
    message = f"AKV10032: Invalid issuer. Expected one of {trusted}, found {found}."
    reason = f"The token was issued by {found}, which the vault does not trust."
    return unauthorized(vault, message, reason, tenant_id=tenant_id)


def rejected_token(vault: Vault, rejection: Rejection) -> RefusedError:
    """401: the token is not good here. Quoted, but for the texts of malformed tokens and of wrong signatures."""
    found = rejection.found
    if rejection.problem == "issuer":
        return wrong_issuer(vault, found, tenant_id=vault.tenant_id)
    if rejection.problem == "audience":
        message = f"AKV10022: Invalid audience. Expected {vault.cloud.resource}, found: {found}."
        return unauthorized(vault, message, f"The token is for {found}, not for {vault.cloud.resource}.")
    if rejection.problem == "time":
        message = "[TokenExpired] Error validating token: 'S2S12086'."
        return unauthorized(vault, message, "The token has expired, or is not valid yet.")
    if rejection.problem == "key":
        message = f"AKV10046: Unable to resolve the key used for signature validation. EncodedJwtHeader: '{found}'."
        return unauthorized(vault, message, "The token was signed with a key that this tenant does not publish.")
    # Azure's own texts for these two are not known.
    message = "[BearerReadAccessTokenFailed] Error validating token: 'S2S12005'."
    problem = "signature is wrong" if rejection.problem == "signature" else "text is not a token"
    return unauthorized(vault, message, f"The token's {problem}.")


def method_not_allowed(method: str) -> RefusedError:
    """405. Recorded."""
    return RefusedError(405, "MethodNotAllowed", f"HTTP {method} not allowed")


def operation_not_specified() -> RefusedError:
    """400: a POST to a key that does not say what for, as where the name is empty. Recorded."""
    return RefusedError(400, "BadParameter", "Operation not specified")


def unknown_path(path: str) -> RefusedError:
    """404 for what no operation of a vault is at; Azure's text is not known."""
    message = "The requested resource was not found."
    return RefusedError(404, "NotFound", message, reason=f"No operation of a vault is at {path[:200]}.")


def unknown_api_version(version: str | None) -> RefusedError:
    """400. Quoted for an unknown version; the text for a missing one is not known."""
    if not version:
        return RefusedError(400, "BadParameter", "The query parameter api-version is missing.")
    latest = f"Consider using the latest supported version ({LATEST_API_VERSION})."
    return RefusedError(400, "BadParameter", f"The specified version ({version}) is not recognized. {latest}")


def invalid_name(name: str) -> RefusedError:
    """400: a name that no object can have. Quoted."""
    return RefusedError(400, "BadParameter", f"The request URI contains an invalid name: {name}")


def invalid_property(reason: str) -> RefusedError:
    """400: a value, a property or a paging parameter that Key Vault does not take.

    Quoted for values that are too long, with the two blanks and the line end; for all else the text is not known.
    """
    return RefusedError(400, "BadParameter", "Property  has invalid value\r\n", reason=reason)


def forbidden_by_rbac(vault: Vault, claims: Claims, *, operation: Operation, name: str, reason: str) -> RefusedError:
    """403: no role of the identity allows the action. Quoted; the object's name is as the client sent it."""
    resource = vault.resource_id.lower() + (f"/{operation.kind}s/{name}" if name else "")
    recently = "If role assignments, deny assignments or role definitions were changed recently"
    lines = (
        "Caller is not authorized to perform action on resource.",
        f"{recently}, please observe propagation time.",
        f"Caller: appid={claims.client_id};oid={claims.object_id};iss={claims.issuer}",
        f"Action: '{operation.action}'",
        f"Resource: '{resource}'",
        "Assignment: (not found)",
        "DenyAssignmentId: null",
        "DecisionReason: 'DeniedWithNoValidRBAC' ",
        f"Vault: {vault.name};location={vault.region}",
    )
    message = "".join(f"{line}\r\n" for line in lines)
    return RefusedError(403, "Forbidden", message, inner_code="ForbiddenByRbac", reason=reason)


def disabled(kind: Kind, name: str, *, operation: str = "get") -> RefusedError:
    """403: the version is disabled. Recorded."""
    message = f"Operation {operation} is not allowed on a disabled {kind}."
    reason = f"This version of {name} is disabled."
    return RefusedError(403, "Forbidden", message, inner_code=DISABLED[kind], reason=reason)


def not_found(kind: Kind, name: str, version: str | None) -> RefusedError:
    """404. Recorded for a name."""
    wanted = f"{name}/{version}" if version else name
    message = (
        f"A {kind} with (name/id) {wanted} was not found in this key vault. If you recently deleted this {kind} you may "
        "be able to recover it using the correct recovery command. For help resolving this issue, please see "
        "https://go.microsoft.com/fwlink/?linkid=2125182"
    )
    return RefusedError(404, NOT_FOUND[kind], message, reason=f"There is no {kind} {wanted}.")
