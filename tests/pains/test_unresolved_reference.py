"""An app setting is still the Key Vault reference that it was written as."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 4
CODE = "KL-607"
SYMPTOM = "@Microsoft.KeyVault(SecretUri="


def test_the_setting_is_named_and_its_text_is_not_shown(clinic: Clinic) -> None:
    clinic.patch.setenv("DB_PASSWORD", f"{SYMPTOM}https://contoso-kv.vault.azure.net/secrets/db-password)")
    finding = clinic.finding(CODE)
    assert "DB_PASSWORD" in finding.evidence
    assert "keyVaultReferenceIdentity" in finding.remedy
    assert "keyless run" in finding.remedy
