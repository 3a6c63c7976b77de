"""A virtual machine without a system-assigned identity gives the only user-assigned one's token."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 36
CODE = "KL-611"
SYMPTOM = "the only user-assigned identity answers for the system-assigned"


def test_the_token_is_compared_with_what_was_asked_for(clinic: Clinic) -> None:
    clinic.on("imds")
    for name in ("system", "newcomer"):
        clinic.azure.identity(name).unassign()
    reporting = clinic.azure.identity("reporting")
    finding = clinic.finding(CODE)
    assert reporting.resource_id in finding.evidence
    assert f"client_id={reporting.client_id}" in finding.remedy
    assert "az vm identity assign --name keyless --resource-group keyless" in finding.remedy
    assert clinic.report().healthy
