"""The vault gets more requests than Azure allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 16
CODE = "KL-306"
SYMPTOM = "Throttled"


def test_a_cache_is_the_remedy(clinic: Clinic) -> None:
    clinic.azure.faults.add_named("throttled")
    assert SYMPTOM in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert "429" in finding.evidence
    assert "4,000 in 10 s" in finding.cause
    assert "one SecretReader for the whole process" in finding.remedy
