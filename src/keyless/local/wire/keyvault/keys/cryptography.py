"""Cryptography with the keys of a vault: it encrypts, decrypts, wraps, unwraps, signs and verifies.

https://learn.microsoft.com/en-us/azure/key-vault/keys/about-keys-details
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keyless.local.azure.keyvault.backup.jwe import to_base64url
from keyless.local.azure.keyvault.keys import algorithms
from keyless.local.azure.keyvault.keys.facts import KeyFacts
from keyless.local.azure.keyvault.keys.material import public_key
from keyless.local.azure.keyvault.keys.refusal import RefusedKeyError
from keyless.local.wire.keyvault.keys.operations import find_key
from keyless.local.wire.keyvault.keys.parameters import read_bytes, read_needed_body, read_text
from keyless.local.wire.keyvault.keys.refusals import (
    expired,
    not_attested,
    not_permitted,
    not_yet_valid,
    refused_key,
)
from keyless.local.wire.keyvault.protocol.answer import Answer
from keyless.local.wire.keyvault.protocol.bodies import version_id
from keyless.local.wire.keyvault.protocol.errors import disabled

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.azure.keyvault.keys.material import PublicKey
    from keyless.local.azure.keyvault.objects.stored import ObjectVersion
    from keyless.local.wire.keyvault.protocol.call import Call

# What was protected while the key was valid can be read for ever, says the documentation.
_ALSO_OUT_OF_TIME = frozenset({"decrypt", "unwrapKey", "verify"})
_AES_BYTES = 32


def encrypt(call: Call) -> Answer:
    """Encrypt a value."""
    return _encrypted(call, "encrypt")


def decrypt(call: Call) -> Answer:
    """Decrypt a value."""
    return _decrypted(call, "decrypt")


def wrap_key(call: Call) -> Answer:
    """Encrypt a key."""
    return _encrypted(call, "wrapKey")


def unwrap_key(call: Call) -> Answer:
    """Decrypt a key."""
    return _decrypted(call, "unwrapKey")


def sign(call: Call) -> Answer:
    """Sign a digest."""
    body = read_needed_body(call)
    algorithm, digest = read_text(body, "alg"), read_bytes(body, "value")
    found = _usable(call, "sign")
    return _result(call, found, lambda kid: algorithms.sign(call.vault.keys.private(found), algorithm, digest, kid=kid))


def verify(call: Call) -> Answer:
    """Return whether a signature is that of a digest."""
    body = read_needed_body(call)
    algorithm, digest, signature = read_text(body, "alg"), read_bytes(body, "digest"), read_bytes(body, "value")
    found = _usable(call, "verify")
    try:
        is_good = algorithms.verify(_public(found), algorithm, digest, signature, kid=version_id(call, found))
    except RefusedKeyError as error:
        raise refused_key(error) from None
    return Answer(200, {"value": is_good})


def secure_wrap_key(call: Call) -> Answer:
    """Make a key of AES, and return it wrapped: nobody sees it bare."""
    algorithm = read_text(read_needed_body(call), "alg")
    found = _usable(call, "wrapKey")
    answer = _result(call, found, lambda _: algorithms.encrypt(_public(found), algorithm, os.urandom(_AES_BYTES)))
    return Answer(200, {**(answer.body or {}), "alg": algorithm})


def secure_unwrap_key(call: Call) -> Answer:
    """Refuse to unwrap a key for an environment, whose attestation cannot be verified here."""
    body = read_needed_body(call)
    for name in ("alg", "value", "target"):
        read_text(body, name)
    _usable(call, "unwrapKey")
    raise not_attested()


def _encrypted(call: Call, operation: str) -> Answer:
    body = read_needed_body(call)
    algorithm, value = read_text(body, "alg"), read_bytes(body, "value")
    found = _usable(call, operation)
    return _result(call, found, lambda _: algorithms.encrypt(_public(found), algorithm, value))


def _decrypted(call: Call, operation: str) -> Answer:
    body = read_needed_body(call)
    algorithm, value = read_text(body, "alg"), read_bytes(body, "value")
    found = _usable(call, operation)
    return _result(call, found, lambda _: algorithms.decrypt(call.vault.keys.private(found), algorithm, value))


def _result(call: Call, found: ObjectVersion, make: Callable[[str], bytes]) -> Answer:
    kid = version_id(call, found)
    try:
        return Answer(200, {"kid": kid, "value": to_base64url(make(kid))})
    except RefusedKeyError as error:
        raise refused_key(error) from None


def _public(found: ObjectVersion) -> PublicKey:
    return public_key(KeyFacts.of(found.facts).public)


def _usable(call: Call, operation: str) -> ObjectVersion:
    """Return a version, if the operation is allowed with it now."""
    found = find_key(call)
    said, now = found.attributes, call.now
    if not said.enabled:
        raise disabled("key", found.name, operation=operation)
    if operation not in KeyFacts.of(found.facts).key_ops:
        raise not_permitted(operation)
    if operation not in _ALSO_OUT_OF_TIME:
        if said.not_before is not None and now < said.not_before:
            raise not_yet_valid(operation)
        if said.expires_on is not None and now >= said.expires_on:
            raise expired(operation)
    return found
