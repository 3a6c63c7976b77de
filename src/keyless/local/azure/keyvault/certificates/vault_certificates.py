"""The certificates of a vault. Each version has a key and a secret of its name, which go where it goes."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from keyless.local.azure.keyvault.certificates.imports import derived_policy
from keyless.local.azure.keyvault.certificates.ordered import OrderedCertificates, WantedCertificate, check_certificate
from keyless.local.azure.keyvault.certificates.package import read_package
from keyless.local.azure.keyvault.certificates.policy import CertificatePolicy, changed_policy
from keyless.local.azure.keyvault.certificates.refusal import RefusedCertificateError
from keyless.local.azure.keyvault.certificates.versions import (
    page_of_whole,
    renewals,
    version_of,
)
from keyless.local.azure.keyvault.objects.attributes import AttributeChange
from keyless.local.azure.keyvault.objects.vault_objects import through
from keyless.secret_id import check_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keyless.local.azure.keyvault.objects.stored import DeletedObject, ObjectProperties, ObjectVersion

# A jump of the clock over many due times makes these many of the versions that there would be, the latest ones.
_MOST_RENEWALS = 24


class VaultCertificates(OrderedCertificates):
    """The certificates of a vault."""

    def make(self, name: str, given: Mapping[str, Any] | CertificatePolicy, wanted: WantedCertificate) -> ObjectVersion:
        """Order a new version of a certificate that is there at once, unless somebody must merge it.

        Args:
            name: The certificate's name.
            given: The policy, as a client gives it, or the one that there is.
            wanted: What else the version is to be.

        Raises:
            RefusedCertificateError: If Key Vault would not make it.
            RefusedKeyError: If it would not make the key.
            ConfigurationError: If it would not accept its name or its attributes.
            ObjectStateError: If a deleted object has the name.
        """
        self.create(name, given, wanted, at=int(self._clock.now()))
        found = self.find(name)
        if found is None:
            raise self._in_wrong_state(name)
        return found

    def renew(self, name: str) -> ObjectVersion:
        """Make a new version of a certificate by its policy, with the tags of the latest one.

        Raises:
            RefusedCertificateError: If Key Vault would not make it.
            ObjectStateError: If there is no such certificate.
        """
        latest, policy = self.find(name), self.policy(name)
        if latest is None or policy is None:
            raise self._in_wrong_state(name)
        wanted = WantedCertificate(attributes=AttributeChange(tags=latest.attributes.tags))
        return self.make(name, policy, wanted)

    def import_package(
        self, name: str, value: str, password: str | None, given: Mapping[str, Any] | None, wanted: WantedCertificate
    ) -> ObjectVersion:
        """Take a certificate with its private key as the latest version of a certificate.

        Args:
            name: The certificate's name.
            value: PFX in base64, PEM, or PEM in base64.
            password: What it is encrypted with; None means that it is not.
            given: What the policy is to be where it is not to be as the certificate says; None means nothing.
            wanted: What else the version is to be.

        Raises:
            RefusedCertificateError: If Key Vault would not take it.
            RefusedKeyError: If it would not take the key.
            ConfigurationError: If it would not accept its name or its attributes.
            ObjectStateError: If a deleted object has the name.
        """
        check_secret_name(name)
        check_certificate(wanted.attributes)
        now = int(self._clock.now())
        package = read_package(value, password)
        policy = derived_policy(package, given or {}, now=now)
        version = version_of(
            name,
            uuid.uuid4().hex,
            package.leaf,
            enabled=wanted.attributes.enabled is not False,
            tags=wanted.attributes.tags or {},
            preserve_order=wanted.preserve_order,
            created_on=now,
            updated_on=now,
        )
        certificates = package.in_order(kept=wanted.preserve_order)
        with self._store.together():
            self._refuse_unfinished(name)
            self._refuse_taken(name)
            kept = self._keep_whole(version, policy, package.key, certificates)
            self._store.set_policy(self._id(name), policy.body)
            self._store.set_operation(self._id(name), None)
        return kept

    def page(self, *, start: str, size: int, include_pending: bool = False) -> list[ObjectProperties]:
        """Return up to ``size`` certificates from the name ``start`` on, and the one after them where there is one."""
        return page_of_whole(super().page, lambda found: found, start=start, size=size, whole=not include_pending)

    def with_pending(self) -> Iterator[ObjectProperties]:
        """Go through the certificates by name, those on their way as well."""
        return through(partial(self.page, include_pending=True))

    def page_of_versions(self, name: str, *, start: str, size: int) -> list[ObjectProperties]:
        """Return up to ``size`` versions from the id ``start`` on, and the one after them: those that are there."""
        source = partial(super().page_of_versions, name)
        return page_of_whole(source, lambda found: found, start=start, size=size, whole=True, by_version=True)

    def page_of_deleted(self, *, start: str, size: int, include_pending: bool = False) -> list[DeletedObject]:
        """Return up to ``size`` deleted certificates from the name ``start`` on, and the one after them, likewise."""
        return page_of_whole(
            super().page_of_deleted, lambda found: found.properties, start=start, size=size, whole=not include_pending
        )

    def change(
        self, name: str, version: str | None, change: AttributeChange, *, policy: Mapping[str, Any] | None = None
    ) -> ObjectVersion | None:
        """Change whether a version may be used, its tags, and the policy; its times are those of the certificate.

        Returns:
            The version as it is then; None where there is none.

        Raises:
            RefusedCertificateError: If no certificate can have that policy.
            RefusedKeyError: If no key can be so.
            ConfigurationError: If Key Vault would not accept the attributes.
        """
        check_certificate(change)
        found = self.find(name, version)
        if found is None:
            return None
        change = replace(change, not_before=None, expires_on=None, content_type=None)
        with self._store.together():
            if policy is not None:
                self.change_policy(name, policy)
            if not found.facts:
                change = replace(change, enabled=None)  # It is not there to be used.
            elif change.enabled is not None:
                self._enable_parts(name, found.version, enabled=change.enabled)
            return self._update(name, found.version, change)

    def change_policy(self, name: str, given: Mapping[str, Any]) -> CertificatePolicy | None:
        """Change the policy, after which later versions are made; returns it, or None where there is no certificate.

        Raises:
            RefusedCertificateError: If no certificate can have it.
            RefusedKeyError: If no key can be so.
        """
        before = self.policy(name)
        if before is None or self.find(name) is None:
            return None
        changed = changed_policy(before, given, now=int(self._clock.now()))
        self._store.set_policy(self._id(name), changed.body)
        return changed

    def renew_if_due(self, name: str, *, until: float) -> None:
        """Make the versions of a certificate that its policy has made by a moment."""
        latest, policy = self.find(name), self.policy(name)
        ordered = self.operation(name)
        stopped = ordered is not None and ordered.status(until) != "completed"
        if latest is None or policy is None or stopped or not (latest.facts and latest.attributes.enabled):
            return
        if policy.is_issued_elsewhere:
            return
        wanted = WantedCertificate(attributes=AttributeChange(tags=latest.attributes.tags))
        for moment in renewals(latest, policy, until=until)[-_MOST_RENEWALS:]:
            try:
                ordered = self.create(latest.name, policy, wanted, at=moment)
            except RefusedCertificateError:  # Its issuer is gone: time goes on all the same.
                return
            if ordered.error:
                return
