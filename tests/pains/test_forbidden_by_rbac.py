"""The identity has no role on the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 1
CODE = "KL-303"
SYMPTOM = "Caller is not authorized to perform action on resource."


def test_the_remedy_gives_the_role_to_the_identity_that_was_denied(clinic: Clinic) -> None:
    system = clinic.azure.identity("system")
    system.revoke("Key Vault Secrets User", on="contoso-kv")
    assert SYMPTOM in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert SYMPTOM in finding.evidence
    assert "has no role that allows reading this secret (Owner and Contributor do not)" in finding.cause
    assert (
        f'az role assignment create --role "Key Vault Secrets User" --assignee-object-id {system.object_id}'
        in finding.remedy
    )
    assert clinic.azure.vault("contoso-kv").resource_id.lower() in finding.remedy.lower()
