"""Certificates that are ordered: how a version comes about, from the order to what was issued."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import field
from msgspec.structs import replace

from keyless.local.azure.keyvault.certificates.facts import decoded
from keyless.local.azure.keyvault.certificates.orders import Orders, fits
from keyless.local.azure.keyvault.certificates.package import is_of
from keyless.local.azure.keyvault.certificates.pending import PendingOperation
from keyless.local.azure.keyvault.certificates.policy import CertificatePolicy, read_policy
from keyless.local.azure.keyvault.certificates.records import VaultRecords
from keyless.local.azure.keyvault.certificates.refusal import RefusedCertificateError
from keyless.local.azure.keyvault.certificates.versions import (
    incomplete_version,
    version_of,
)
from keyless.local.azure.keyvault.certificates.with_parts import CertificatesWithParts
from keyless.local.azure.keyvault.objects.attributes import AttributeChange, Attributes
from keyless.local.azure.keyvault.objects.life import ObjectStateError
from keyless.local.azure.keyvault.objects.limits import check_attributes
from keyless.local.record import Record
from keyless.secret_id import check_secret_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cryptography import x509

    from keyless.local.azure.keyvault.keys.material import PrivateKey
    from keyless.local.azure.keyvault.keys.vault_keys import VaultKeys
    from keyless.local.azure.keyvault.objects.stored import DeletedObject, ObjectVersion
    from keyless.local.azure.keyvault.objects.vault_objects import Holder
    from keyless.local.azure.keyvault.secrets.vault_secrets import VaultSecrets

_TAG_CHARACTERS = 256


class WantedCertificate(Record, frozen=True, kw_only=True):
    """The parts of a new version of a certificate, besides its policy.

    Attributes:
        attributes: The attributes that are given to it; its times are those of the certificate.
        preserve_order: Whether its chain keeps the order in which it came.
    """

    attributes: AttributeChange = field(default_factory=AttributeChange)
    preserve_order: bool = False


class OrderedCertificates(CertificatesWithParts):
    """The certificates of a vault, as objects that are ordered before they are there.

    Attributes:
        records: The issuers that the vault knows, and whom it writes to.
    """

    def __init__(self, holder: Holder, *, keys: VaultKeys, secrets: VaultSecrets) -> None:
        super().__init__(holder, keys=keys, secrets=secrets)
        self.records = VaultRecords(holder.vault, holder.database)
        self._orders = Orders(records=self.records, keys=keys, database=holder.database)

    def create(
        self,
        name: str,
        given: Mapping[str, Any] | CertificatePolicy,
        wanted: WantedCertificate,
        *,
        at: int | None = None,
    ) -> PendingOperation:
        """Order a new version of a certificate; it is there after a while, or once somebody has merged it.

        Making a key of RSA takes up to seconds, in which other threads go on.

        Args:
            name: The certificate's name.
            given: The policy, as a client gives it, or the one that there is.
            wanted: What else the version is to be.
            at: When it is made; None means now, and a while until it is there.

        Raises:
            RefusedCertificateError: If Key Vault would not make it.
            RefusedKeyError: If it would not make the key.
            ConfigurationError: If it would not accept its name or its attributes.
            ObjectStateError: If a deleted object has the name.
        """
        check_secret_name(name)
        check_certificate(wanted.attributes)
        now = int(self._clock.now()) if at is None else at
        policy = given if isinstance(given, CertificatePolicy) else read_policy(given, now=now)
        latest = self.find(name)
        ordered = self._orders.order(
            name if latest is None else latest.name,
            policy,
            wanted.attributes,
            reused=self._reused(name, policy),
            now=now,
            settles_on=now if at is not None else self._clock.now() + self._settings().issuance_seconds,
            preserve_order=wanted.preserve_order,
        )
        with self._store.together():
            self._refuse_unfinished(name)
            self._refuse_taken(name)
            if latest is None or not latest.facts:
                self._store.put(self._id(name), incomplete_version(ordered, policy), now=self._clock.now())
            self._store.set_policy(self._id(name), policy.body)
            self._store.set_operation(self._id(name), ordered.to_json())
        self.settle(name)
        return ordered

    def find(self, name: str, version: str | None = None) -> ObjectVersion | None:
        """Return a version, the latest unless one is named; None where there is none. It has no facts until it is there."""
        self.settle(name)
        return super().find(name, version)

    def delete(self, name: str, *, at: float | None = None, with_certificate: bool = True) -> DeletedObject | None:
        """Delete a certificate with its key and its secret, so that all can be recovered until they are purged.

        Raises:
            ObjectStateError: If there is no such certificate, or it is deleted already.
        """
        self.settle(name)
        return super().delete(name, at=at, with_certificate=with_certificate)

    def backup(self, name: str) -> bytes:
        """Return every version of a certificate, of its key and of its secret, encrypted, with the policy.

        Raises:
            ObjectStateError: If there is no such certificate, or no version of it is there yet.
        """
        self.settle(name)
        return super().backup(name)

    def operation(self, name: str) -> PendingOperation | None:
        """Return how the latest order stands; None where nothing was ordered."""
        self.settle(name)
        return self._ordered(name)

    def was_ordered(self, name: str) -> bool:
        """Return whether an order of a certificate, deleted or not, can be asked for."""
        return self._store.has_operation(self._id(name))

    def cancel(self, name: str) -> PendingOperation | None:
        """Ask for the cancellation of an order, which is done a while later.

        Returns:
            The order as it is then; None where there is none.

        Raises:
            RefusedCertificateError: If it is not in progress.
        """
        with self._store.together():
            found, now = self.operation(name), self._clock.now()
            if found is None:
                return None
            if found.status(now) != "inProgress":
                raise RefusedCertificateError(
                    "The order is not in progress.",
                    allowed="the cancellation of what is in progress",
                    message="Pending certificate operation can not be cancelled as it is not in progress.",
                )
            cancelled = replace(found, cancel=True, settles_on=now + self._settings().issuance_seconds)
            self._store.set_operation(self._id(name), cancelled.to_json())
            return cancelled

    def forget_operation(self, name: str) -> PendingOperation | None:
        """Forget an order; returns it as it was, or None where there was none."""
        with self._store.together():
            found = self.operation(name)
            if found is not None:
                self._store.set_operation(self._id(name), None)
            return found

    def merge(self, name: str, chain: Sequence[str], change: AttributeChange) -> ObjectVersion | None:
        """Make what somebody else has issued the version that was ordered.

        Args:
            name: The certificate's name.
            chain: The certificates, DER in base64.
            change: The attributes that are given to the version.

        Returns:
            The version; None where nothing is ordered.

        Raises:
            RefusedCertificateError: If nobody is to merge this order, or not with these certificates.
            ConfigurationError: If Key Vault would not accept the attributes.
        """
        check_certificate(change)
        with self._store.together():
            found, now = self.operation(name), self._clock.now()
            if found is None or found.status(now) != "inProgress":
                return None
            key = self._orders.key_of(found)
            certificates = self._orders.merged(found, key, chain)
            enabled = found.enabled if change.enabled is None else change.enabled
            found = replace(found, enabled=enabled)
            return self._complete(found, key, certificates, updated_on=int(now), tags=change.tags)

    def settle(self, name: str) -> None:
        """Make what was ordered the latest version, where it is time."""
        now = self._clock.now()
        found = self._ordered(name)
        if found is None or not found.is_due(now):
            return
        try:
            with self._store.together():
                due = self._ordered(name)
                if due is None or not due.is_due(now):  # Another thread was faster.
                    return
                certificates = [decoded(each) for each in due.certificates]
                self._complete(due, self._orders.key_of(due), certificates, updated_on=due.created_on)
        except (RefusedCertificateError, ObjectStateError) as error:  # Its name was taken while it waited.
            failed = replace(found, error={"code": "Request rejected", "message": error.what})
            self._store.set_operation(self._id(name), failed.to_json())

    def _ordered(self, name: str) -> PendingOperation | None:
        found = self._store.operation(self._id(name), now=self._clock.now())
        return None if found is None else PendingOperation.of(found)

    def _complete(
        self,
        ordered: PendingOperation,
        key: PrivateKey,
        certificates: Sequence[x509.Certificate],
        *,
        updated_on: int,
        tags: Mapping[str, str] | None = None,
    ) -> ObjectVersion:
        """Make what was issued the latest version, among changes that take effect together."""
        waiting = super().find(ordered.name, ordered.version)
        leaf = next(each for each in certificates if is_of(each, key))
        version = version_of(
            ordered.name,
            ordered.version,
            leaf,
            enabled=ordered.enabled,
            # They may have been changed while it waited.
            tags=tags if tags is not None else waiting.attributes.tags if waiting else ordered.tags,
            preserve_order=ordered.preserve_order,
            created_on=ordered.created_on,
            updated_on=updated_on,
        )
        self._refuse_taken(ordered.name)
        kept = self._keep_whole(version, CertificatePolicy(ordered.policy), key, certificates)
        self._store.set_operation(self._id(ordered.name), replace(ordered, done=True).to_json())
        return kept

    def _reused(self, name: str, policy: CertificatePolicy) -> PrivateKey | None:
        """Return the key of the version that there is, where a new one is to have it and can."""
        found = self._keys.find(name) if policy.key["reuse_key"] else None
        if found is None or not self._keys.is_managed(name):
            return None
        key = self._keys.private(found)
        return key if fits(key, policy.key) else None

    def _refuse_unfinished(self, name: str) -> None:
        ordered = self._ordered(name)
        if ordered is not None and ordered.status(self._clock.now()) == "inProgress":
            raise RefusedCertificateError(
                f"A version of {name!r} is on its way.",
                allowed="another one once it is there, cancelled or forgotten",
                status=409,
                code="Forbidden",  # Documented so.
                message="A new key vault certificate can not be created or imported while a pending key vault "
                "certificate's status is inProgress.",
            )


def check_certificate(change: AttributeChange) -> None:
    """Refuse attributes that Key Vault would not accept.

    Raises:
        ConfigurationError: With the first limit that is passed.
    """
    check_attributes(Attributes().changed(change), kind="certificate", tag_characters=_TAG_CHARACTERS)
