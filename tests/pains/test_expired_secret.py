"""The secret has expired, and the vault still returns it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 26
CODE = "KL-631"
SYMPTOM = "an expired secret is returned with 200"


def test_an_end_that_is_past_or_near_is_warned_of(clinic: Clinic) -> None:
    vault, now = clinic.azure.vault("contoso-kv"), datetime.now(UTC)
    vault.set_secret("db-password", "old", expires_on=now - timedelta(days=1))
    finding = clinic.finding(CODE)
    assert "db-password expired on" in finding.evidence
    assert "the vault still returns it" in finding.cause
    assert clinic.report().healthy
    vault.set_secret("db-password", "old", expires_on=now + timedelta(days=7))
    assert "db-password expires on" in clinic.finding("KL-632").evidence
    vault.set_secret("db-password", "new", not_before=now + timedelta(days=1), expires_on=now + timedelta(days=90))
    assert "is not valid before" in clinic.finding("KL-633").evidence
