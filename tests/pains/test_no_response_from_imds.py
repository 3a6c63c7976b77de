"""Nothing answers where the metadata service should be: this is no machine of Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 6
CODE = "KL-201"
SYMPTOM = "ManagedIdentityCredential authentication unavailable, no response from the IMDS endpoint"


def test_a_machine_outside_azure_is_told_so_at_once(clinic: Clinic) -> None:
    clinic.without_identity()
    assert SYMPTOM in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert "the connection is refused" in finding.evidence
    assert "or it does not run in Azure" in finding.cause
