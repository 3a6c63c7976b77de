"""The control API's certificates: made, imported, listed, shown, renewed, deleted; their private keys stay in the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.errors import LocalAzureError
from keyless.local.azure.config.certificate_config import config_of_table
from keyless.local.azure.config.declaration import CertificateTable
from keyless.local.azure.config.seeding import keep_certificate
from keyless.local.azure.keyvault.certificates.facts import CertificateFacts
from keyless.local.wire.control.descriptions import described, described_deletion

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.azure.keyvault.objects.stored import ObjectProperties
    from keyless.local.azure.keyvault.vault import Vault
    from keyless.local.wire.control.control_request import ControlRequest


def list_certificates(azure: Azure, request: ControlRequest) -> object:
    """Return the certificates of a vault, those on their way as well."""
    request.check_fields()
    vault = azure.vault(request.path["vault"])
    return [_described(vault, found) for found in vault.certificates.with_pending()]


def show_certificate(azure: Azure, request: ControlRequest) -> object:
    """Return a certificate with its policy, and with itself in base64."""
    request.check_fields("version")
    vault, name = azure.vault(request.path["vault"]), request.path["certificate"]
    found = vault.certificates.find(name, request.optional_text("version"))
    if found is None:
        raise LocalAzureError(
            f"The vault {vault.name} has no certificate {name!r}.",
            cause="No such certificate, or no such version of it, was made.",
            remedy=f"Make it: keyless certificate create {name}.",
        )
    policy, facts = vault.certificates.policy(found.name), CertificateFacts.of(found.facts)
    return {
        **_described(vault, found),
        "cer": facts.cer if facts else None,
        "policy": dict(policy.body) if policy else None,
    }


def keep(azure: Azure, request: ControlRequest) -> object:
    """Make or import a new version of a certificate."""
    vault = azure.vault(request.path["vault"])
    config = config_of_table(request.path["certificate"], request.declared(CertificateTable))
    return _described(vault, keep_certificate(vault, config))


def delete_certificate(azure: Azure, request: ControlRequest) -> object:
    """Delete a certificate with its key and its secret, as the vault deletes it."""
    request.check_fields()
    name = request.path["certificate"]
    return described_deletion(name, azure.vault(request.path["vault"]).certificates.delete(name))


def renew_certificate(azure: Azure, request: ControlRequest) -> object:
    """Make a new version of a certificate by its policy."""
    request.check_fields()
    vault = azure.vault(request.path["vault"])
    return _described(vault, vault.certificates.renew(request.path["certificate"]))


def _described(vault: Vault, found: ObjectProperties) -> dict[str, object]:
    facts, policy = CertificateFacts.of(found.facts), vault.certificates.policy(found.name)
    known = {name: value for name, value in described(found).items() if name != "content_type"}
    return {
        **known,
        "thumbprint": facts.x5t if facts else None,
        "subject": policy.x509["subject"] if policy else None,
        "issuer": policy.issuer if policy else None,
        "is_pending": facts is None,
    }
