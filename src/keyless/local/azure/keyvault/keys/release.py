"""Secure key release: which policies a key can have, and whether an environment fulfils one.

https://learn.microsoft.com/en-us/azure/key-vault/keys/policy-grammar
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.keyvault.backup.jwe import from_base64url
from keyless.local.azure.keyvault.keys.refusal import RefusedKeyError

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONTENT_TYPE: Final = "application/json; charset=utf-8"
_DEEPEST: Final = 20


def check_release_policy(found: Mapping[str, Any] | None, *, exportable: bool, kty: str) -> dict[str, Any] | None:
    """Return a release policy as a vault returns it.

    Args:
        found: What was sent; None where nothing was.
        exportable: Whether the key may be released.
        kty: The key's type.

    Raises:
        RefusedKeyError: If no key, or not this one, can have it.
    """
    if found is None:
        if exportable:
            raise RefusedKeyError("An exportable key has no release policy.", allowed="exportable keys with one")
        return None
    if not exportable:
        raise RefusedKeyError(
            "A key that is not exportable has a release policy.",
            allowed="a release policy with exportable keys alone",
            # Quoted: https://github.com/Azure/azure-cli/issues/28288
            message="AKV.SKR.1005: Non-exportable keys must not have release policy",
        )
    if not kty.endswith("-HSM"):
        raise RefusedKeyError(
            "A software key is exportable.", allowed="exportable keys of the types RSA-HSM and EC-HSM"
        )
    for authority in _authorities(policy_in(found)):
        if not authority.startswith("https://"):
            raise RefusedKeyError(
                f"There is no attestation service at {authority[:80]!r}.",
                allowed="the https addresses of attestation services",
                message=f"AKV.SKR.1012: The specified attestation service {authority[:200]} cannot be reached.",  # Recorded.
            )
    content_type, immutable = found.get("contentType") or _CONTENT_TYPE, found.get("immutable")
    made = {"contentType": content_type, "data": found["data"]}
    return made if immutable is None else {**made, "immutable": bool(immutable)}


def policy_in(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON in a release policy.

    Raises:
        RefusedKeyError: If it is none.
    """
    try:
        policy = json.loads(from_base64url(found["data"].rstrip("=")))
    except (ValueError, KeyError, AttributeError, RecursionError):
        policy = None
    if not isinstance(policy, dict) or not isinstance(policy.get("anyOf"), list) or not policy.get("anyOf"):
        raise RefusedKeyError(
            "The release policy's data is not a policy.", allowed="base64url of JSON with version and anyOf in its data"
        )
    return policy


def fulfils(policy: Mapping[str, Any], *, authority: str, claims: Mapping[str, Any]) -> bool:
    """Return whether an attestation service's statement about an environment fulfils a policy."""
    return any(
        isinstance(each, dict)
        and str(each.get("authority", "")).rstrip("/") == authority.rstrip("/")
        and _holds(each, claims, depth=0)
        for each in policy["anyOf"]
    )


def _holds(condition: object, claims: Mapping[str, Any], *, depth: int) -> bool:
    if not isinstance(condition, dict) or depth > _DEEPEST:
        return False
    if "claim" in condition:
        found: Any = claims
        for part in str(condition["claim"]).split("."):
            found = found.get(part) if isinstance(found, dict) else None
        return found is not None and _text(found) == _text(condition.get("equals"))
    every, some = condition.get("allOf"), condition.get("anyOf")
    if isinstance(every, list) and every:
        return all(_holds(each, claims, depth=depth + 1) for each in every)
    return isinstance(some, list) and any(_holds(each, claims, depth=depth + 1) for each in some)


def _authorities(policy: Mapping[str, Any]) -> list[str]:
    found = [each.get("authority") for each in policy["anyOf"] if isinstance(each, dict)]
    if len(found) != len(policy["anyOf"]) or not all(isinstance(each, str) for each in found):
        raise RefusedKeyError("A release policy names no authority.", allowed="an authority in each part of anyOf")
    return [str(each) for each in found]


def _text(value: object) -> str:
    # Claims say true where policies say "true", as in the recorded one.
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
