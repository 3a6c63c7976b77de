"""The answers by which a vault refuses for its network rules, its access policies and its limits. Quoted in public issues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.wire.keyvault.protocol.errors import RefusedError

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure, Vault
    from keyless.local.azure.identities.tokens import Claims
    from keyless.local.operations import Operation


def forbidden_by_firewall(vault: Vault, claims: Claims, *, address: str) -> RefusedError:
    """403: the client's address is not let in."""
    lines = (
        "Client address is not authorized and caller is not a trusted service.",
        f"Client address: {address}",
        f"Caller: {_caller(claims)}",
        f"Vault: {vault.name};location={vault.region}",
    )
    reason = f"The firewall of {vault.name} does not let {address} in."
    return RefusedError(403, "Forbidden", "\r\n".join(lines), inner_code="ForbiddenByFirewall", reason=reason)


def forbidden_by_connection(vault: Vault, claims: Claims) -> RefusedError:
    """403: the vault is closed to the public network."""
    lines = (
        "Public network access is disabled and request is not from a trusted service nor via an approved private link.",
        f"Caller: {_caller(claims)}",
        f"Vault: {vault.name};location={vault.region}",
    )
    reason = f"{vault.name} is closed to the public network."
    return RefusedError(403, "Forbidden", "\r\n".join(lines), inner_code="ForbiddenByConnection", reason=reason)


def forbidden_by_perimeter(azure: Azure, vault: Vault, claims: Claims, *, address: str) -> RefusedError:
    """403: no inbound rule of the network security perimeter lets the client in."""
    lines = (
        "The request was forbidden by NSP policy.",
        f"Caller: {_caller(claims)}",
        f"Vault: {vault.name};location={vault.region}",
    )
    reason = (
        f"The perimeter around {vault.name} lets in neither {address} nor the subscription {azure.subscription_id}."
    )
    return RefusedError(403, "Forbidden", "\r\n".join(lines), inner_code="ForbiddenByNsp", reason=reason)


def forbidden_by_policy(vault: Vault, claims: Claims, *, operation: Operation, reason: str) -> RefusedError:
    """403: no access policy allows it. There are two answers: for callers in no policy, and for those whose lacks it."""
    if claims.object_id not in vault.policies:
        lines = (
            "Access denied. Caller was not found on any access policy.",
            f"Caller: {_caller(claims, groups=True)}",
            f"Vault: {vault.name};location={vault.region}",
        )
        return RefusedError(403, "Forbidden", "\r\n".join(lines), inner_code="AccessDenied", reason=reason)
    message = (
        f"The user, group or application '{_caller(claims, groups=True)}' does not have {operation.kind}s "
        f"{operation.permission} permission on key vault '{vault.name};location={vault.region}'. For help resolving "
        "this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287"
    )
    return RefusedError(403, "Forbidden", message, inner_code="ForbiddenByPolicy", reason=reason)


def throttled() -> RefusedError:
    """429, without Retry-After, as the real one."""
    message = "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached"
    return RefusedError(429, "Throttled", message, reason="The vault has had 4,000 requests in ten seconds.")


def _caller(claims: Claims, *, groups: bool = False) -> str:
    count = "numgroups=0;" if groups else ""
    return f"appid={claims.client_id};oid={claims.object_id};{count}iss={claims.issuer}"
