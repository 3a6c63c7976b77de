"""What every client of certificates goes through.

A program orders ``NAME``, downloads it with its private key, or imports ``NAME`` from ``PFX`` and does with it what is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace
from tests.clients.scenarios import VAULT, Asked, Scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.server import LocalAzure

_EC: Final = {"key_props": {"kty": "EC"}}


def _order(azure: LocalAzure) -> Asked:
    vault = azure.vault(VAULT)
    vault.settings = replace(vault.settings, issuance_seconds=1)
    azure.identity("system").grant("Key Vault Certificates Officer", on=VAULT)
    return Asked(action="order", arguments=("new",))


def _download(*, enabled: bool = True, role: str = "Key Vault Certificate User") -> Callable[[LocalAzure], Asked]:
    def prepare(azure: LocalAzure) -> Asked:
        vault = azure.vault(VAULT)
        vault.create_certificate("web", "CN=contoso.com", policy=_EC, enabled=enabled)
        azure.identity("system").revoke("Key Vault Secrets User", on=VAULT)
        azure.identity("system").grant(role, on=VAULT)
        return Asked(action="download", arguments=("web",))

    return prepare


def _manage(azure: LocalAzure) -> Asked:
    vault = azure.vault(VAULT)
    vault.settings = replace(vault.settings, deletion_seconds=0, recovery_seconds=0)
    pfx = _pfx(azure)
    azure.identity("system").grant("Key Vault Administrator", on=VAULT)
    return Asked(action="manage", arguments=("managed", pfx))


def _pfx(azure: LocalAzure) -> str:
    """Return a certificate with its private key, which the vault does not hold."""
    elsewhere = azure.azure.add_vault("elsewhere-kv")
    elsewhere.create_certificate("web", "CN=contoso.com", policy=_EC)
    return elsewhere.get_secret("web").value


def _missing(azure: LocalAzure) -> Asked:
    azure.identity("system").grant("Key Vault Certificate User", on=VAULT)
    return Asked(action="download", arguments=("absent",))


def _ordered(azure: LocalAzure) -> bool:
    found = azure.vault(VAULT).certificates.find("new")
    return found is not None and bool(found.facts)


# What every program does in this order, and what the vault then has. It orders the key's next version, and since the key is
# used again, merges the certificate that it imported.
_MANAGED: Final = (
    "CN=contoso.com",
    "2 versions",
    "6 months",
    "web",
    "cancelled: true",
    "Test",
    "ada@contoso.com",
    "recovered managed",
    "restored managed",
)
_OPERATIONS: Final = {
    *("importCertificate", "getCertificate", "getCertificatePolicy", "createCertificate", "mergeCertificate"),
    *("listCertificateVersions", "updateCertificatePolicy", "updateCertificate", "updateCertificateOperation"),
    *("deleteCertificateOperation", "setCertificateIssuer", "getCertificateIssuer", "deleteCertificateIssuer"),
    *("setCertificateContacts", "getCertificateContacts", "deleteCertificateContacts", "deleteCertificate"),
    *("getDeletedCertificate", "recoverDeletedCertificate", "backupCertificate", "purgeDeletedCertificate"),
    "restoreCertificate",
}


def _served_all(azure: LocalAzure) -> bool:
    served = azure.journal.entries(service="vault")
    return {entry.operation for entry in served if 200 <= entry.status < 300} >= _OPERATIONS


CERTIFICATE_SCENARIOS: Final = (
    Scenario(name="certificates: order, list", prepare=_order, names=("new",), seen=_ordered),
    Scenario(
        name="certificates: download", prepare=_download(), values=("CN=contoso.com", "application/x-pkcs12", "True")
    ),
    Scenario(name="certificates: import, merge, delete", prepare=_manage, values=_MANAGED, seen=_served_all),
    Scenario(name="certificates: not found", prepare=_missing, error="CertificateNotFound|was not found", status=404),
    Scenario(
        name="certificates: disabled", prepare=_download(enabled=False), error="disabled secret|disabled", status=403
    ),
    Scenario(
        name="certificates: no role on the secret",
        prepare=_download(role="Key Vault Certificates Officer"),
        error="not authorized|ForbiddenByRbac",
        status=403,
    ),
)
