"""The operations on certificates, and the data actions that they need.

https://learn.microsoft.com/en-us/rest/api/keyvault/certificates/operation-groups
https://learn.microsoft.com/en-us/azure/role-based-access-control/permissions/security#microsoftkeyvault
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.operations.operation import Operation

if TYPE_CHECKING:
    from keyless.local.operations.operation import Level

CERTIFICATES = "Microsoft.KeyVault/vaults/certificates/"
AUTHORITIES = "Microsoft.KeyVault/vaults/certificatecas/"
CONTACTS = "Microsoft.KeyVault/vaults/certificatecontacts/"
READ_CERTIFICATE = f"{CERTIFICATES}read"
WRITE_CONTACTS = f"{CONTACTS}write"
_CREATE, _IMPORT, _UPDATE = (
    f"{CERTIFICATES}create/action",
    f"{CERTIFICATES}import/action",
    f"{CERTIFICATES}update/action",
)
_DELETE, _RECOVER, _PURGE = f"{CERTIFICATES}delete", f"{CERTIFICATES}recover/action", f"{CERTIFICATES}purge/action"
_BACKUP, _RESTORE = f"{CERTIFICATES}backup/action", f"{CERTIFICATES}restore/action"
_READ_ISSUER, _WRITE_ISSUER, _DELETE_ISSUER = f"{AUTHORITIES}read", f"{AUTHORITIES}write", f"{AUTHORITIES}delete"
CERTIFICATE_ACTIONS = (
    *(READ_CERTIFICATE, _CREATE, _IMPORT, _UPDATE, _DELETE, _RECOVER, _PURGE, _BACKUP, _RESTORE),
    *(_READ_ISSUER, _WRITE_ISSUER, _DELETE_ISSUER, WRITE_CONTACTS),
)


def _on_certificates(
    name: str, method: str, path: str, *, needs: tuple[str, str], level: Level = "object", is_slow: bool = False
) -> Operation:
    action, permission = needs
    return Operation(name, "certificate", method, path, action, permission, level, is_slow=is_slow)


def _on_contacts(name: str, method: str, *, action: str) -> Operation:
    needs = (action, "managecontacts")
    return _on_certificates(name, method, "certificates/contacts", needs=needs, level="vault")


def _on_issuers(name: str, method: str, path: str, *, needs: tuple[str, str]) -> Operation:
    return _on_certificates(name, method, f"certificates/issuers{path}", needs=needs, level="vault")


# A fixed word comes before a placeholder, because the first that fits counts.
CERTIFICATE_OPERATIONS = (
    _on_certificates("listCertificates", "GET", "certificates", needs=(READ_CERTIFICATE, "list"), level="vault"),
    _on_contacts("getCertificateContacts", "GET", action=READ_CERTIFICATE),
    _on_contacts("setCertificateContacts", "PUT", action=WRITE_CONTACTS),
    _on_contacts("deleteCertificateContacts", "DELETE", action=WRITE_CONTACTS),
    _on_issuers("listCertificateIssuers", "GET", "", needs=(_READ_ISSUER, "listissuers")),
    _on_issuers("getCertificateIssuer", "GET", "/{name}", needs=(_READ_ISSUER, "getissuers")),
    _on_issuers("setCertificateIssuer", "PUT", "/{name}", needs=(_WRITE_ISSUER, "setissuers")),
    _on_issuers("updateCertificateIssuer", "PATCH", "/{name}", needs=(_WRITE_ISSUER, "setissuers")),
    _on_issuers("deleteCertificateIssuer", "DELETE", "/{name}", needs=(_DELETE_ISSUER, "deleteissuers")),
    _on_certificates("restoreCertificate", "POST", "certificates/restore", needs=(_RESTORE, "restore"), level="vault"),
    _on_certificates("getCertificate", "GET", "certificates/{name}", needs=(READ_CERTIFICATE, "get")),
    _on_certificates("updateCertificate", "PATCH", "certificates/{name}", needs=(_UPDATE, "update")),
    _on_certificates("deleteCertificate", "DELETE", "certificates/{name}", needs=(_DELETE, "delete")),
    _on_certificates(
        "createCertificate", "POST", "certificates/{name}/create", needs=(_CREATE, "create"), is_slow=True
    ),
    _on_certificates(
        "importCertificate", "POST", "certificates/{name}/import", needs=(_IMPORT, "import"), is_slow=True
    ),
    _on_certificates("backupCertificate", "POST", "certificates/{name}/backup", needs=(_BACKUP, "backup")),
    _on_certificates(
        "listCertificateVersions", "GET", "certificates/{name}/versions", needs=(READ_CERTIFICATE, "list")
    ),
    _on_certificates("getCertificatePolicy", "GET", "certificates/{name}/policy", needs=(READ_CERTIFICATE, "get")),
    _on_certificates("updateCertificatePolicy", "PATCH", "certificates/{name}/policy", needs=(_UPDATE, "update")),
    _on_certificates("getCertificateOperation", "GET", "certificates/{name}/pending", needs=(READ_CERTIFICATE, "get")),
    _on_certificates("updateCertificateOperation", "PATCH", "certificates/{name}/pending", needs=(_UPDATE, "update")),
    _on_certificates("deleteCertificateOperation", "DELETE", "certificates/{name}/pending", needs=(_UPDATE, "update")),
    _on_certificates("mergeCertificate", "POST", "certificates/{name}/pending/merge", needs=(_CREATE, "create")),
    _on_certificates("getCertificate", "GET", "certificates/{name}/{version}", needs=(READ_CERTIFICATE, "get")),
    _on_certificates("updateCertificate", "PATCH", "certificates/{name}/{version}", needs=(_UPDATE, "update")),
    _on_certificates(
        "listDeletedCertificates", "GET", "deletedcertificates", needs=(READ_CERTIFICATE, "list"), level="vault"
    ),
    _on_certificates("getDeletedCertificate", "GET", "deletedcertificates/{name}", needs=(READ_CERTIFICATE, "get")),
    _on_certificates("purgeDeletedCertificate", "DELETE", "deletedcertificates/{name}", needs=(_PURGE, "purge")),
    _on_certificates(
        "recoverDeletedCertificate", "POST", "deletedcertificates/{name}/recover", needs=(_RECOVER, "recover")
    ),
)
