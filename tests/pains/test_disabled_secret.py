"""The secret's latest version is disabled, which reads like a denial."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 20
CODE = "KL-304"
SYMPTOM = "Operation get is not allowed on a disabled secret."


def test_it_is_no_question_of_rights(clinic: Clinic) -> None:
    clinic.azure.vault("contoso-kv").update_secret("db-password", enabled=False)
    assert SYMPTOM in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert "This is not a question of rights" in finding.cause
    assert (
        "az keyvault secret set-attributes --vault-name contoso-kv --name db-password --enabled true" in finding.remedy
    )
