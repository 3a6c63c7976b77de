"""Operations on keys: one function for each operation of the keys API.

https://learn.microsoft.com/en-us/rest/api/keyvault/keys/operation-groups
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.errors import ConfigurationError
from keyless.local.azure.keyvault.objects.life import ObjectStateError
from keyless.local.wire.keyvault.keys.bodies import (
    deleted_key,
    key_bundle,
    key_item,
    key_version_item,
    rotation_policy_body,
)
from keyless.local.wire.keyvault.keys.parameters import (
    read_needed_body,
    read_number,
    read_operations,
    read_wanted,
)
from keyless.local.wire.keyvault.keys.refusals import kty_missing, only_of_managed_hsm, refused_key
from keyless.local.wire.keyvault.protocol.answer import Answer
from keyless.local.wire.keyvault.protocol.errors import not_found
from keyless.local.wire.keyvault.protocol.objects import ObjectOperations, refuse_managed
from keyless.local.wire.keyvault.protocol.parameters import read_attributes, read_field
from keyless.local.wire.keyvault.protocol.state_errors import name_in_use, not_active

if TYPE_CHECKING:
    from keyless.local.azure.keyvault.objects.stored import ObjectVersion
    from keyless.local.wire.keyvault.protocol.call import Call

KEYS = ObjectOperations(whole=key_bundle, deleted=deleted_key, item=key_item, version_item=key_version_item)


def find_key(call: Call) -> ObjectVersion:
    """Return the version that a call names, the latest unless it names one.

    Raises:
        RefusedError: If there is none.
    """
    found = call.vault.keys.find(call.name, call.version)
    if found is None:
        raise not_found("key", call.name, call.version)
    return found


def get_key(call: Call) -> Answer:
    """Return a version of a key, disabled or not."""
    return Answer(200, key_bundle(call, find_key(call)))


def create_key(call: Call) -> Answer:
    """Make a new version of a key."""
    body = read_needed_body(call)
    kty = read_field(body, "kty", str)
    if kty is None:
        raise kty_missing()
    wanted = read_wanted(body, key_ops=read_operations(body) or ())
    size, exponent = read_number(body, "key_size"), read_number(body, "public_exponent")
    curve = read_field(body, "crv", str)
    refuse_managed(call, "create")
    try:
        made = call.vault.keys.create(call.name, kty, wanted, size=size, exponent=exponent, curve=curve)
    except ConfigurationError as error:
        raise refused_key(error) from None
    except ObjectStateError as error:
        raise name_in_use(error, call.name) from None
    return Answer(200, key_bundle(call, made))


def import_key(call: Call) -> Answer:
    """Take a private key as a new version of a key."""
    body = read_needed_body(call)
    jwk = read_field(body, "key", dict) or {}
    wanted = read_wanted(body, key_ops=read_operations(jwk) or ())
    refuse_managed(call, "import")
    try:
        made = call.vault.keys.import_jwk(call.name, jwk, wanted, hsm=bool(read_field(body, "Hsm", bool)))
    except ConfigurationError as error:
        raise refused_key(error) from None
    except ObjectStateError as error:
        raise name_in_use(error, call.name) from None
    return Answer(200, key_bundle(call, made))


def update_key(call: Call) -> Answer:
    """Change properties of a version, disabled or not."""
    body = read_needed_body(call)
    refuse_managed(call, "update")
    try:
        changed = call.vault.keys.change(
            call.name,
            call.version,
            read_attributes(body),
            key_ops=read_operations(body),
            release_policy=read_field(body, "release_policy", dict),
        )
    except ConfigurationError as error:
        raise refused_key(error) from None
    if changed is None:
        raise not_found("key", call.name, call.version)
    return Answer(200, key_bundle(call, changed))


def rotate_key(call: Call) -> Answer:
    """Make a new version of a key that is like its latest one."""
    refuse_managed(call, "rotate")
    try:
        return Answer(200, key_bundle(call, call.vault.keys.rotate(call.name)))
    except ObjectStateError as error:
        raise not_active(error, call.name) from None


def get_rotation_policy(call: Call) -> Answer:
    """Return the rotation policy of a key."""
    find_key(call)
    return Answer(200, rotation_policy_body(call, call.vault.keys.rotation_policy(call.name)))


def set_rotation_policy(call: Call) -> Answer:
    """Set the rotation policy of a key, in place of all that there was."""
    body = read_needed_body(call)
    refuse_managed(call, "setrotationpolicy")
    find_key(call)
    try:
        return Answer(200, rotation_policy_body(call, call.vault.keys.set_rotation_policy(call.name, body)))
    except ConfigurationError as error:
        raise refused_key(error) from None


def get_random_bytes(_: Call) -> Answer:
    """Refuse to give random bytes, which are a managed HSM's."""
    raise only_of_managed_hsm("getrandombytes")


def get_attestation(call: Call) -> Answer:
    """Refuse to attest a key, which is a managed HSM's, once it is known to be there."""
    find_key(call)
    raise only_of_managed_hsm("getkeyattestation")
