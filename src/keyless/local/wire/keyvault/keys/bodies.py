"""The JSON that a vault writes of keys: members in the recorded order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from keyless.local.azure.keyvault.keys.facts import KeyFacts
from keyless.local.wire.keyvault.protocol.bodies import attributes_of, object_id, version_id

if TYPE_CHECKING:
    from keyless.local.azure.keyvault.keys.rotation import LifetimeAction, RotationPolicy
    from keyless.local.azure.keyvault.objects.stored import ObjectProperties
    from keyless.local.wire.keyvault.protocol.call import Call

# "0" is software, "2" a module of FIPS 140-3 level 3.
_SOFTWARE, _HSM = "0", "2"
_WITHOUT_EXPORTABLE: Final = re.compile(r"2016-10-01|7\.[0-2](-.*)?|7\.3-.*")
_WITHOUT_PLATFORM: Final = re.compile(r"2016-10-01|7\.[0-4](-.*)?")


def key_bundle(call: Call, found: ObjectProperties) -> dict[str, object]:
    """Return a version of a key with its public part."""
    facts = KeyFacts.of(found.facts)
    bundle = _without_release_policy(call, found, facts)
    if facts.release_policy is not None:
        bundle["release_policy"] = dict(facts.release_policy)
    return bundle


def deleted_key(call: Call, found: ObjectProperties) -> dict[str, object]:
    """Return a deleted version of a key, without its release policy, as recorded."""
    return _without_release_policy(call, found, KeyFacts.of(found.facts))


def key_item(call: Call, found: ObjectProperties) -> dict[str, object]:
    """Return a key as a list of keys shows it: its id names no version."""
    return _item(call, found, object_id(call, found))


def key_version_item(call: Call, found: ObjectProperties) -> dict[str, object]:
    """Return a version as a list of versions shows it."""
    return _item(call, found, version_id(call, found))


def rotation_policy_body(call: Call, policy: RotationPolicy) -> dict[str, object]:
    """Return a rotation policy; one that was never set has no id, and no attributes."""
    actions = [_action(found) for found in policy.actions]
    if policy.created_on is None:
        return {"lifetimeActions": actions, "attributes": None}
    expiry = {} if policy.expiry_time is None else {"expiryTime": policy.expiry_time}
    return {
        "id": f"{call.base}/keys/{call.name}/rotationpolicy",
        "lifetimeActions": actions,
        "attributes": {**expiry, "created": policy.created_on, "updated": policy.updated_on},
    }


def _without_release_policy(call: Call, found: ObjectProperties, facts: KeyFacts) -> dict[str, object]:
    key = {"kid": version_id(call, found), "kty": facts.kty, "key_ops": list(facts.key_ops), **facts.public}
    return {"key": key, **_properties(call, found, facts)}


def _item(call: Call, found: ObjectProperties, identifier: str) -> dict[str, object]:
    return {"kid": identifier, **_properties(call, found, KeyFacts.of(found.facts))}


def _properties(call: Call, found: ObjectProperties, facts: KeyFacts) -> dict[str, object]:
    attributes = attributes_of(call, found)
    if facts.exportable is not None and not _WITHOUT_EXPORTABLE.fullmatch(call.api_version):
        attributes["exportable"] = facts.exportable
    if not _WITHOUT_PLATFORM.fullmatch(call.api_version):
        attributes["hsmPlatform"] = _HSM if facts.is_hsm else _SOFTWARE
    item: dict[str, object] = {"attributes": attributes}
    if found.attributes.tags or facts.tagged:
        item["tags"] = dict(found.attributes.tags)
    if facts.managed:
        item["managed"] = True
    return item


def _action(found: LifetimeAction) -> dict[str, object]:
    trigger = {"timeAfterCreate": found.after_create, "timeBeforeExpiry": found.before_expiry}
    return {
        "trigger": {name: time for name, time in trigger.items() if time is not None},
        "action": {"type": found.action},
    }
