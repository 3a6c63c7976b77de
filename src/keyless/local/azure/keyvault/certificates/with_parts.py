"""Certificates with the key and the secret behind them, which are made, deleted, recovered and purged together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from keyless.local.azure.keyvault.backup.backup import open_certificate, seal_certificate
from keyless.local.azure.keyvault.certificates.package import write_package
from keyless.local.azure.keyvault.certificates.policy import CertificatePolicy
from keyless.local.azure.keyvault.certificates.refusal import RefusedCertificateError
from keyless.local.azure.keyvault.objects.attributes import AttributeChange
from keyless.local.azure.keyvault.objects.life import ObjectState, ObjectStateError
from keyless.local.azure.keyvault.objects.vault_objects import Holder, VaultObjects

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cryptography import x509

    from keyless.local.azure.keyvault.keys.material import PrivateKey
    from keyless.local.azure.keyvault.keys.vault_keys import VaultKeys
    from keyless.local.azure.keyvault.objects.stored import DeletedObject, ObjectProperties, ObjectVersion
    from keyless.local.azure.keyvault.secrets.vault_secrets import VaultSecrets


class CertificatesWithParts(VaultObjects):
    """The certificates of a vault, as objects that have parts among its keys and its secrets.

    Args:
        holder: The vault.
        keys: The keys of the vault.
        secrets: Its secrets.
    """

    def __init__(self, holder: Holder, *, keys: VaultKeys, secrets: VaultSecrets) -> None:
        super().__init__("certificate", holder)
        self._keys = keys
        self._secrets = secrets

    def policy(self, name: str) -> CertificatePolicy | None:
        """Return the policy of a certificate, deleted or not; None where there is none."""
        found = self._store.policy(self._id(name))
        return None if found is None else CertificatePolicy(found)

    def delete(self, name: str, *, at: float | None = None, with_certificate: bool = True) -> DeletedObject | None:
        """Delete a certificate with its key and its secret, so that all can be recovered until they are purged.

        Raises:
            ObjectStateError: If there is no such certificate, or it is deleted already.
        """
        at = self._moment(at)
        with self._store.together():
            for part in self._parts(name, ObjectState.ACTIVE):
                part.delete(name, at=at, with_certificate=True)
            return super().delete(name, at=at, with_certificate=with_certificate)

    def recover(self, name: str, *, at: float | None = None, with_certificate: bool = True) -> ObjectProperties:
        """Make a deleted certificate an active one again, with its key and its secret.

        Raises:
            ObjectStateError: If it is not deleted.
        """
        at = self._moment(at)
        with self._store.together():
            for part in self._parts(name, ObjectState.DELETED):
                part.recover(name, at=at, with_certificate=True)
            return super().recover(name, at=at, with_certificate=with_certificate)

    def purge(self, name: str, *, at: float | None = None, with_certificate: bool = True) -> None:
        """Forget a deleted certificate for good, with its key and its secret.

        Raises:
            ObjectStateError: If it is not deleted.
        """
        at = self._moment(at)
        with self._store.together():
            for part in self._parts(name, ObjectState.DELETED):
                part.purge(name, at=at, with_certificate=True)
            super().purge(name, at=at, with_certificate=with_certificate)

    def backup(self, name: str) -> bytes:
        """Return every version of a certificate, of its key and of its secret, encrypted, with the policy.

        Raises:
            ObjectStateError: If there is no such certificate, or no version of it is there yet.
        """
        policy = self.policy(name)
        versions = [each for each in self.all_versions(name) if each.facts]
        if not versions or policy is None:
            raise ObjectStateError(self.kind, name, ObjectState.ABSENT)
        parts = [versions, *(part.all_versions(name) for part in (self._keys, self._secrets))]
        return seal_certificate(parts, policy.body, self._backup_key())

    def restore(self, backup: bytes) -> ObjectVersion:
        """Bring back a certificate that was backed up, from this vault or another, with its key and its secret.

        Raises:
            CorruptBackupError: If the backup is not, bit for bit, one of a certificate that was made here.
            ObjectStateError: If there is an object of that name, deleted or not.
        """
        found, policy = open_certificate(backup, self._backup_key())
        latest = found[0][-1]
        try:
            with self._store.together():
                for objects, versions in zip((self, self._keys, self._secrets), found, strict=True):
                    objects.restore_versions(versions)
                self._store.set_policy(self._id(latest.name), policy)
        except ObjectStateError as error:
            raise ObjectStateError(self.kind, error.name, error.state, version=latest.version) from None
        return latest

    def _keep_whole(
        self,
        version: ObjectVersion,
        policy: CertificatePolicy,
        key: PrivateKey,
        certificates: Sequence[x509.Certificate],
    ) -> ObjectVersion:
        """Keep a version of a certificate with its key and its secret, and announce all three."""
        bare = replace(version, attributes=replace(version.attributes, tags={}))
        shown = key if policy.key["exportable"] else None
        kept = self._keep(version)
        self._keys.keep_managed(bare, key, kty=policy.key["kty"], key_ops=policy.key_operations())
        self._secrets.keep_managed(
            bare, write_package(shown, certificates, policy.content_type), content_type=policy.content_type
        )
        return kept

    def _enable_parts(self, name: str, version: str, *, enabled: bool) -> None:
        for part in (self._keys, self._secrets):
            part.change_attributes(name, version, AttributeChange(enabled=enabled))

    def _refuse_taken(self, name: str) -> None:
        """Refuse a name that is not free: of a deleted certificate, or of a key or a secret that is not a certificate's.

        Raises:
            RefusedCertificateError: If there is such a key or secret.
            ObjectStateError: If something of that name was deleted and is not purged.
        """
        for part in (self, self._keys, self._secrets):
            state = part.state_of(name)
            if state not in {ObjectState.ABSENT, ObjectState.ACTIVE}:
                raise ObjectStateError(part.kind, name, state)
            if part is not self and state is ObjectState.ACTIVE and not part.is_managed(name):
                raise RefusedCertificateError(
                    f"There is a {part.kind} {name!r}.",
                    allowed=f"a name that no {part.kind} has",
                    status=409,
                    code="Conflict",
                    message=f"A {part.kind} with the name {name} already exists and is not managed by a certificate.",
                )

    def _parts(self, name: str, state: ObjectState) -> Iterator[VaultKeys | VaultSecrets]:
        """Go through the key and the secret of a certificate, where they are in a state."""
        for part in (self._keys, self._secrets):
            if part.state_of(name) is state and part.is_managed(name):
                yield part
