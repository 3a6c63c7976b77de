"""The keys of a vault."""

from __future__ import annotations

import uuid
from functools import cached_property
from typing import TYPE_CHECKING, Any

from msgspec import field
from msgspec.structs import replace

from keyless.local.azure.keyvault.keys.facts import (
    KeyFacts,
    check_operations,
    default_operations,
    new_cipher_key,
    seal,
    unseal,
)
from keyless.local.azure.keyvault.keys.hsm_blob import unwrap_key
from keyless.local.azure.keyvault.keys.material import (
    Imported,
    check_type,
    from_jwk,
    invalid_jwk,
    make_alike,
    make_key,
    public_members,
)
from keyless.local.azure.keyvault.keys.refusal import RefusedKeyError
from keyless.local.azure.keyvault.keys.release import check_release_policy
from keyless.local.azure.keyvault.keys.rotation import RotationPolicy, read_policy
from keyless.local.azure.keyvault.objects.attributes import AttributeChange, Attributes
from keyless.local.azure.keyvault.objects.limits import check_attributes
from keyless.local.azure.keyvault.objects.stored import ObjectVersion
from keyless.local.azure.keyvault.objects.vault_objects import VaultObjects
from keyless.local.record import Record
from keyless.secret_id import check_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keyless.local.azure.keyvault.keys.material import PrivateKey

_TAG_CHARACTERS = 256
# A jump of the clock over many due times makes these many of the versions that there would be, the latest ones.
_MOST_ROTATIONS = 24


class Wanted(Record, frozen=True, kw_only=True):
    """The parts of a new version of a key, besides its material.

    Attributes:
        key_ops: What it may be used for; none means all that its type can.
        attributes: The attributes that are given to it.
        exportable: Whether it may be released.
        release_policy: Under which conditions.
    """

    key_ops: tuple[str, ...] = ()
    attributes: AttributeChange = field(default_factory=AttributeChange)
    exportable: bool = False
    release_policy: Mapping[str, Any] | None = None


class VaultKeys(VaultObjects):
    """The keys of a vault. Private keys are encrypted before they go to the store, and leave it for no one."""

    def create(
        self,
        name: str,
        kty: str,
        wanted: Wanted,
        *,
        size: int | None = None,
        exponent: int | None = None,
        curve: str | None = None,
    ) -> ObjectVersion:
        """Make a new version of a key and make it the latest. One of RSA takes up to seconds, in which other threads go on.

        Args:
            name: The key's name.
            kty: Its type.
            wanted: What it is to be.
            size: Of an RSA key, in bits.
            exponent: The public exponent of an RSA key.
            curve: Of an EC key.

        Raises:
            RefusedKeyError: If Key Vault would not make it.
            ConfigurationError: If Key Vault would not accept its name or its attributes.
            ObjectStateError: If a deleted key has the name.
        """
        self._check(name, check_type(kty), wanted)
        made = Imported(make_key(kty, size=size, exponent=exponent, curve=curve))
        return self._keep_key(name, kty, made, wanted)

    def import_jwk(self, name: str, jwk: Mapping[str, Any], wanted: Wanted, *, hsm: bool = False) -> ObjectVersion:
        """Take a private JSON Web Key, or one that was wrapped for a key of this vault, as the latest version of a key.

        Args:
            name: The key's name.
            jwk: The key; with ``key_hsm``, as bring-your-own-key has it.
            wanted: What it is to be.
            hsm: Whether it is to be in a hardware security module.

        Raises:
            RefusedKeyError: If Key Vault would not take it.
            ConfigurationError: If Key Vault would not accept its name or its attributes.
            ObjectStateError: If a deleted key has the name.
        """
        kty = jwk.get("kty")
        if not isinstance(kty, str):
            raise invalid_jwk("it has no kty")
        kty = f"{kty.removesuffix('-HSM')}-HSM" if hsm else kty
        self._check(name, check_type(kty), wanted)
        blob = jwk.get("key_hsm")
        found = Imported(unwrap_key(blob, self._named_by)) if isinstance(blob, str) else from_jwk(jwk)
        if ("n" in public_members(found.key)) is not kty.startswith("RSA"):
            raise invalid_jwk("it is of another type than its kty")
        return self._keep_key(name, kty, found, wanted)

    def keep_managed(
        self, version: ObjectVersion, key: PrivateKey, *, kty: str, key_ops: Iterable[str]
    ) -> ObjectVersion:
        """Keep the key of a certificate, which goes with it wherever it goes.

        Args:
            version: Its name, version and attributes, which are those of the certificate; the value is not looked at.
            key: The private key.
            kty: Its type.
            key_ops: What it may be used for.

        Raises:
            ObjectStateError: If a deleted key has the name.
        """
        facts = KeyFacts(
            kty=kty, key_ops=check_operations(key_ops), public=public_members(key), exportable=None, managed=True
        )
        return self._keep(replace(version, facts=facts.to_json(), value=seal(key, self._cipher_key)))

    def change(
        self,
        name: str,
        version: str | None,
        change: AttributeChange,
        *,
        key_ops: Iterable[str] | None = None,
        release_policy: Mapping[str, Any] | None = None,
    ) -> ObjectVersion | None:
        """Change properties of a version, the latest unless one is named; what is not given stays as it is.

        Returns:
            The version as it is then; None where there is none.

        Raises:
            RefusedKeyError: If the key cannot have such operations or such a policy.
            ConfigurationError: If Key Vault would not accept the attributes.
        """
        check_attributes(Attributes().changed(change), kind="key", tag_characters=_TAG_CHARACTERS)
        facts: dict[str, Any] = {} if change.tags is None else {"tagged": True}
        if key_ops is not None:
            facts["key_ops"] = check_operations(key_ops)
        found = self.find(name, version)
        if release_policy is not None and found is not None:
            known = KeyFacts.of(found.facts)
            _refuse_if_immutable(known)
            facts["release_policy"] = check_release_policy(
                release_policy, exportable=bool(known.exportable), kty=known.kty
            )
        return self._store.update(self._id(name), version, change, now=self._clock.now(), facts=facts)

    def rotate(self, name: str, *, at: int | None = None) -> ObjectVersion:
        """Make a new version of a key that is as its latest one, and expires as the key's policy says.

        Args:
            name: The key's name.
            at: When the version is made; None means now.

        Raises:
            ObjectStateError: If there is no such key.
        """
        self._check_owner(name)
        latest = self.find(name)
        if latest is None:
            raise self._in_wrong_state(name)
        now = int(self._clock.now()) if at is None else at
        # What is known of a rotation: type, size, operations. That tags and release policy are copied is a guess.
        attributes = replace(
            latest.attributes, enabled=True, not_before=None, expires_on=self.rotation_policy(name).expiry_of(now)
        )
        key = make_alike(self.private(latest))
        facts = replace(KeyFacts.of(latest.facts), public=public_members(key))
        return self._keep_version(latest.name, key, facts, attributes, now=now)

    def rotate_if_due(self, name: str, *, until: float) -> None:
        """Make the versions of a key that its policy has made by a moment."""
        latest = self.find(name)
        if latest is None or not latest.attributes.enabled:
            return
        times = self.rotation_policy(name).rotations(
            created_on=latest.created_on, expires_on=latest.attributes.expires_on, until=until
        )
        for moment in times[-_MOST_ROTATIONS:]:
            self.rotate(name, at=moment)

    def rotation_policy(self, name: str) -> RotationPolicy:
        """Return the rotation policy of a key; a new key has one that notifies 30 days before it expires."""
        return RotationPolicy.of(self._store.policy(self._id(name)))

    def set_rotation_policy(self, name: str, body: Mapping[str, Any]) -> RotationPolicy:
        """Set the rotation policy of a key.

        Raises:
            RefusedKeyError: If no key can have it.
            ObjectStateError: If there is no such key.
        """
        policy = read_policy(body, now=int(self._clock.now()), before=self.rotation_policy(name))
        if self.find(name) is None:
            raise self._in_wrong_state(name)
        self._store.set_policy(self._id(name), policy.to_json())
        return policy

    def private(self, version: ObjectVersion) -> PrivateKey:
        """Return the private key of a version, for what a vault does with it."""
        return unseal(version.value, self._cipher_key)

    def sealed(self, key: PrivateKey) -> str:
        """Return a private key, encrypted as the keys here are."""
        return seal(key, self._cipher_key)

    def unsealed(self, text: str) -> PrivateKey:
        """Return the private key that was encrypted here."""
        return unseal(text, self._cipher_key)

    def _check(self, name: str, kty: str, wanted: Wanted) -> None:
        check_secret_name(name)
        self._check_owner(name)
        check_operations(wanted.key_ops)
        check_attributes(Attributes().changed(wanted.attributes), kind="key", tag_characters=_TAG_CHARACTERS)
        latest = self.find(name)
        if latest is not None and wanted.release_policy is not None:
            _refuse_if_immutable(KeyFacts.of(latest.facts))
        check_release_policy(wanted.release_policy, exportable=wanted.exportable, kty=kty)

    def _keep_key(self, name: str, kty: str, made: Imported, wanted: Wanted) -> ObjectVersion:
        facts = KeyFacts(
            kty=kty,
            key_ops=wanted.key_ops or default_operations(kty),
            public=public_members(made.key, modulus=made.modulus),
            exportable=wanted.exportable,
            release_policy=check_release_policy(wanted.release_policy, exportable=wanted.exportable, kty=kty),
            tagged=wanted.attributes.tags is not None,
        )
        attributes = Attributes().changed(wanted.attributes)
        return self._keep_version(name, made.key, facts, attributes, now=int(self._clock.now()))

    def _keep_version(
        self, name: str, key: PrivateKey, facts: KeyFacts, attributes: Attributes, *, now: int
    ) -> ObjectVersion:
        return self._keep(
            ObjectVersion(
                name=name,
                version=uuid.uuid4().hex,
                attributes=attributes,
                created_on=now,
                updated_on=now,
                facts=facts.to_json(),
                value=seal(key, self._cipher_key),
            )
        )

    def _named_by(self, kid: str) -> PrivateKey | None:
        """Return the key that a kid names, if other keys may be imported with it."""
        *_, collection, name, version = ("", "", *kid.split("/"))
        found = self.find(name, version) if collection == "keys" else None
        return self.private(found) if found and "import" in KeyFacts.of(found.facts).key_ops else None

    @cached_property
    def _cipher_key(self) -> bytes:
        return self._database.key("keys", new_cipher_key)


def _refuse_if_immutable(known: KeyFacts) -> None:
    if known.release_policy is not None and known.release_policy.get("immutable"):
        raise RefusedKeyError(
            "The key's release policy is immutable.",
            allowed="no other policy for a key whose policy is immutable",
            message="AKV.SKR.1020: Immutable Key Release Policy cannot be modified.",  # Recorded.
        )
