"""Secure key release on the wire: a key leaves the vault, encrypted for an environment that shows what it is.

Azure asks an attestation service, over the network, whether what an environment shows is genuine. Here the only genuine
statements are those that this local Azure has signed itself, with the key of its tokens, in the service's name.
https://learn.microsoft.com/en-us/azure/key-vault/keys/policy-grammar
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import rsa

from keyless.local.azure.keyvault.backup.jwe import from_base64url, to_base64url
from keyless.local.azure.keyvault.keys.facts import KeyFacts
from keyless.local.azure.keyvault.keys.hsm_blob import WRAPPINGS, wrap_key
from keyless.local.azure.keyvault.keys.release import fulfils, policy_in
from keyless.local.wire.keyvault.keys.bodies import key_bundle
from keyless.local.wire.keyvault.keys.operations import find_key
from keyless.local.wire.keyvault.keys.parameters import read_needed_body, read_text
from keyless.local.wire.keyvault.keys.refusals import not_attested
from keyless.local.wire.keyvault.protocol.answer import Answer
from keyless.local.wire.keyvault.protocol.bodies import object_id, version_id
from keyless.local.wire.keyvault.protocol.errors import disabled, invalid_property
from keyless.local.wire.keyvault.protocol.parameters import read_field

if TYPE_CHECKING:
    from keyless.local.azure.keyvault.objects.stored import ObjectVersion
    from keyless.local.wire.keyvault.protocol.call import Call


def release_key(call: Call) -> Answer:
    """Return a version of an exportable key, encrypted for what the target's statement names."""
    body = read_needed_body(call)
    target = read_text(body, "target")
    wrapping = read_field(body, "enc", str) or WRAPPINGS[0]
    if wrapping not in WRAPPINGS:
        raise invalid_property(f"enc is none of {', '.join(WRAPPINGS)}.")
    found = find_key(call)
    facts = KeyFacts.of(found.facts)
    if not found.attributes.enabled:
        raise disabled("key", found.name, operation="release")
    statement = call.tokens.verify_attestation(target)
    if statement is None or not facts.exportable or facts.release_policy is None:
        raise not_attested()
    holder = _holder(statement)
    if holder is None or not fulfils(
        policy_in(facts.release_policy), authority=str(statement["iss"]), claims=statement
    ):
        raise not_attested()
    return Answer(200, {"value": call.tokens.sign(_released(call, found, facts, holder, wrapping=wrapping))})


def _released(
    call: Call, found: ObjectVersion, facts: KeyFacts, holder: rsa.RSAPublicKey, *, wrapping: str
) -> dict[str, object]:
    bundle = key_bundle(call, found)
    wrapped = wrap_key(call.vault.keys.private(found), holder, wrapping=wrapping, kid=version_id(call, found))
    key: Any = bundle["key"]
    policy = policy_in(facts.release_policy or {})
    ordered = {"version": policy.get("version"), **policy}
    release_policy = {
        "data": to_base64url(json.dumps(ordered, separators=(",", ":")).encode()),
        "immutable": bool((facts.release_policy or {}).get("immutable")),
    }
    asked = version_id(call, found) if call.version else object_id(call, found)
    return {
        "request": {"api-version": call.api_version, "enc": wrapping, "kid": asked},
        "response": {
            "key": {
                "key": {**key, "key_hsm": wrapped},
                "attributes": bundle["attributes"],
                "release_policy": release_policy,
            }
        },
    }


def _holder(statement: dict[str, Any]) -> rsa.RSAPublicKey | None:
    """Return the key that a statement says the environment holds."""
    try:
        jwk = next(key for key in statement["x-ms-runtime"]["keys"] if key["kty"] == "RSA")
        n, e = (int.from_bytes(from_base64url(jwk[name])) for name in ("n", "e"))
        return rsa.RSAPublicNumbers(e, n).public_key()
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration):
        return None
