"""A virtual machine has several user-assigned identities, and none was named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 7
CODE = "KL-202"
SYMPTOM = "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request"


def test_the_several_are_the_cause(clinic: Clinic) -> None:
    clinic.on("imds")
    clinic.azure.identity("system").unassign()
    assert SYMPTOM in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert SYMPTOM in finding.evidence
    assert finding.cause == "Several user-assigned identities are assigned and none was named."
    assert "client id" in finding.remedy
    assert "az vm identity show --name keyless --resource-group keyless" in finding.remedy
    assert "Portal: Virtual machine keyless > Settings > Identity > User assigned." in finding.remedy
