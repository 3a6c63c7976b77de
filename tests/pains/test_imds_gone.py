"""The metadata service is being updated: 410 for up to 70 seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 34
CODE = "KL-204"
SYMPTOM = "404 and 410"


def test_it_passes_by_itself(clinic: Clinic) -> None:
    clinic.on("imds")
    clinic.azure.faults.add_named("imds-upgrade")
    finding = clinic.finding(CODE)
    assert "410" in finding.evidence
    assert "is being updated" in finding.cause
    assert "Try again in a minute" in finding.remedy
