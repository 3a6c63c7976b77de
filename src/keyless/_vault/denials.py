"""Errors for a 403 of a vault: roles, access policies or the network."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keyless._remedies import local, network, remedies
from keyless._vault.unreachable import suffix_of
from keyless.clouds import vault_name

if TYPE_CHECKING:
    from keyless._wire.error_answer import ErrorAnswer
    from keyless.secret_id import SecretId

_CALLER = r"\boid=([0-9a-fA-F-]{36})"
_RESOURCE = r"Resource: '([^']+)'"
_BY_POLICY = frozenset({"AccessDenied", "ForbiddenByPolicy"})
_NO_POLICY = r"not found on any access policy|does not have secrets get permission"
_CLIENT_ADDRESS = r"Client address: ([0-9a-fA-F.:]+)"


def denial(secret: SecretId, answer: ErrorAnswer) -> tuple[str, str]:
    """Return cause and remedy of a 403, with the caller's object id filled in where the vault named it."""
    vault = vault_name(secret.vault_url)
    caller = _quoted(_CALLER, answer.message)
    if answer.inner == "ForbiddenByRbac":
        return (
            (
                "The identity has no role that allows reading this secret (Owner and Contributor do not), its role has a "
                "condition that leaves this secret out, or the role is only minutes old. This vault goes by roles: access "
                "policies do nothing for it."
            ),
            local.first(
                local.give_role(vault, caller=caller),
                remedies.give_role(vault, caller=caller, scope=_quoted(_RESOURCE, answer.message)),
            ),
        )
    if answer.inner in _BY_POLICY or re.search(_NO_POLICY, answer.message):
        return (
            (
                "The vault uses access policies, and the identity's policy is missing or does not allow reading secrets. (A "
                "policy names an object id; a client id there does nothing, and neither does a role.)"
            ),
            local.first(local.set_policy(vault), remedies.set_policy(vault, caller=caller)),
        )
    if denied := _network_denial(secret, answer):
        cause, remedy = denied
        return cause, local.first(local.open_firewall(vault), remedy)
    return (
        "The vault's words have the reason. This code is not known here: it may concern roles, policies or the network.",
        remedies.OWN_WORDS,
    )


def _network_denial(secret: SecretId, answer: ErrorAnswer) -> tuple[str, str] | None:
    """Return cause and remedy of a 403 that has to do with where a request comes from; None for any other."""
    vault = vault_name(secret.vault_url)
    match answer.inner:
        case "ForbiddenByFirewall":
            return (
                "The vault's firewall does not let this address in; applications are not a trusted service.",
                network.open_firewall(vault, address=_quoted(_CLIENT_ADDRESS, answer.message)),
            )
        case "ForbiddenByConnection":
            return (
                "The vault is closed to the public network, and this request did not come through its private endpoint.",
                network.use_private_endpoint(vault, suffix_of(secret.vault_url)),
            )
        case "ForbiddenByNsp":
            return (
                "A network security perimeter is around the vault, and none of its rules lets this request in.",
                network.join_perimeter(),
            )
        case _:
            return None


def _quoted(pattern: str, message: str) -> str | None:
    found = re.search(pattern, message)
    return found[1] if found else None
