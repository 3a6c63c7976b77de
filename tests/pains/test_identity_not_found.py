"""The identity that is named is not assigned to this virtual machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless import UserAssignedManagedIdentity

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 13
CODE = "KL-202"
SYMPTOM = "Identity not found"


def test_the_id_that_was_sent_is_shown_with_its_kind(clinic: Clinic) -> None:
    clinic.on("imds")
    unknown = "11111111-1111-1111-1111-111111111111"
    assert SYMPTOM in clinic.sdk_says(client_id=unknown)
    finding = clinic.finding(CODE, identity=UserAssignedManagedIdentity(client_id=unknown))
    assert SYMPTOM in finding.evidence
    assert finding.cause == f"No identity with client_id={unknown} is assigned to this application."
    assert "identity assign" in finding.remedy
