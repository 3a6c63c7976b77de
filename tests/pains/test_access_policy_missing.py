"""The vault goes by access policies, and the identity has none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 2
CODE = "KL-303"
SYMPTOM = "does not have secrets get permission on key vault"


def test_the_remedy_sets_the_policy_of_the_object_id(clinic: Clinic) -> None:
    vault, system = clinic.azure.vault("contoso-kv"), clinic.azure.identity("system")
    vault.set_policy(clinic.azure.identity("reporting"), ["get"])
    assert "Caller was not found on any access policy" in clinic.sdk_says()
    vault.set_policy(system, ["list"])
    assert SYMPTOM in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert SYMPTOM in finding.evidence
    assert "a client id there does nothing" in finding.cause
    assert f"az keyvault set-policy --name contoso-kv --object-id {system.object_id}" in finding.remedy
