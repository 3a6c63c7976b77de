"""The vault has no secret of that name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 30
CODE = "KL-305"
SYMPTOM = "was not found in this key vault. If you recently deleted this secret"


def test_the_remedy_lists_and_recovers(clinic: Clinic) -> None:
    assert SYMPTOM in clinic.sdk_says(secret="db-pasword")
    finding = clinic.finding(CODE, secret="db-pasword")
    assert "misspelt" in finding.cause
    assert "It is not among the deleted ones" in finding.cause
    assert "az keyvault secret list --vault-name contoso-kv" in finding.remedy
