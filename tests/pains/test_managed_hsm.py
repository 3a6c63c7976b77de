"""A managed HSM holds keys, and no secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 38
CODE = "KL-100"
SYMPTOM = "expected aud=https://managedhsm.azure.net"


def test_its_address_is_refused_before_anything_is_sent(clinic: Clinic) -> None:
    finding = clinic.finding(CODE, vault_url="https://contoso.managedhsm.azure.net")
    assert finding.stage == "network"
    assert "HSM" in finding.evidence + finding.cause
    assert clinic.azure.journal.count(service="vault", operation="unknown") == 0
