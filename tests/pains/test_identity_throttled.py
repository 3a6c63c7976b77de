"""The identity endpoint gets too many requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 17
CODE = "KL-203"
SYMPTOM = "Temporarily throttled, too many requests"


def test_one_reader_for_the_whole_process_is_the_remedy(clinic: Clinic) -> None:
    clinic.on("imds")
    clinic.azure.faults.add_named("identity-throttled")
    assert SYMPTOM in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert "429" in finding.evidence
    assert "each process or each call makes its own" in finding.cause
    assert "one SecretReader for the whole process" in finding.remedy
