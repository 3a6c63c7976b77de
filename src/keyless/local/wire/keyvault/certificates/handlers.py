"""The function for each operation on certificates."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from keyless.local.wire.keyvault.certificates import operations, pending, records
from keyless.local.wire.keyvault.certificates.operations import CERTIFICATES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.wire.keyvault.protocol.answer import Answer
    from keyless.local.wire.keyvault.protocol.call import Call

HANDLERS: Final[Mapping[str, Callable[[Call], Answer]]] = MappingProxyType(
    {
        "listCertificates": operations.list_certificates,
        "getCertificateContacts": records.get_contacts,
        "setCertificateContacts": records.set_contacts,
        "deleteCertificateContacts": records.delete_contacts,
        "listCertificateIssuers": records.list_issuers,
        "getCertificateIssuer": records.get_issuer,
        "setCertificateIssuer": records.set_issuer,
        "updateCertificateIssuer": records.update_issuer,
        "deleteCertificateIssuer": records.delete_issuer,
        "restoreCertificate": CERTIFICATES.restore,
        "getCertificate": operations.get_certificate,
        "updateCertificate": operations.update_certificate,
        "deleteCertificate": CERTIFICATES.delete,
        "createCertificate": operations.create_certificate,
        "importCertificate": operations.import_certificate,
        "backupCertificate": CERTIFICATES.backup,
        "listCertificateVersions": CERTIFICATES.list_versions,
        "getCertificatePolicy": operations.get_policy,
        "updateCertificatePolicy": operations.update_policy,
        "getCertificateOperation": pending.get_operation,
        "updateCertificateOperation": pending.update_operation,
        "deleteCertificateOperation": pending.delete_operation,
        "mergeCertificate": pending.merge_certificate,
        "listDeletedCertificates": operations.list_deleted_certificates,
        "getDeletedCertificate": CERTIFICATES.get_deleted,
        "purgeDeletedCertificate": CERTIFICATES.purge,
        "recoverDeletedCertificate": CERTIFICATES.recover,
    }
)
