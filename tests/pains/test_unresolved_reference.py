"""An app setting is still the Key Vault reference that it was written as."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 4
CODE = "KL-607"
SYMPTOM = "@Microsoft.KeyVault(SecretUri="


def test_the_setting_is_named_and_its_text_is_not_shown(clinic: Clinic) -> None:
    clinic.patch.setenv("DB_PASSWORD", f"{SYMPTOM}https://contoso-kv.vault.azure.net/secrets/db-password)")
    finding = clinic.finding(CODE)
    assert finding.evidence.endswith("in DB_PASSWORD.")
    told = {"DB_PASSWORD": {"rawReference": "...", "status": "MSINotEnabled"}}
    clinic.patch.setenv("WEBSITE_KEYVAULT_REFERENCES", json.dumps(told))
    assert clinic.finding(CODE).evidence.endswith("in DB_PASSWORD (status MSINotEnabled).")
    assert "keyVaultReferenceIdentity" in finding.remedy
    assert "keyless run" in finding.remedy


def test_a_reference_inside_a_longer_value_is_one_that_nobody_resolves(clinic: Clinic) -> None:
    clinic.patch.setenv(
        "CONNECTION", f"Server=db;Password={SYMPTOM}https://contoso-kv.vault.azure.net/secrets/db-password)"
    )
    clinic.patch.setenv(
        "WEBSITE_KEYVAULT_REFERENCES", json.dumps({"X": {"rawReference": f"{SYMPTOM})", "status": "Resolved"}})
    )
    finding = clinic.finding(CODE)
    assert finding.evidence.endswith("beside blanks: CONNECTION.")
    assert "the whole value" in finding.cause
