"""The vault is in another tenant than the identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 12
CODE = "KL-302"
SYMPTOM = "AKV10032: Invalid issuer"


OTHER = "11111111-1111-1111-1111-111111111111"


def test_both_tenants_are_named_before_a_token_is_sent(clinic: Clinic) -> None:
    own = clinic.azure.azure.tenant_id
    vault = clinic.azure.vault("contoso-kv")
    vault.settings = replace(vault.settings, tenant_id=OTHER)
    assert SYMPTOM in clinic.sdk_says()
    clinic.azure.journal.clear()
    finding = clinic.finding(CODE)
    assert (finding.stage, finding.check) == ("vault", "tenant")
    assert finding.evidence == f"The vault is in the tenant {OTHER}, the identity in {own}."
    assert SYMPTOM in finding.cause
    assert "No role fixes that" in finding.cause
    assert f"az keyvault update --name contoso-kv --set properties.tenantId={own}" in finding.remedy
    assert {entry.operation for entry in clinic.azure.journal.entries(service="vault")} == {"getChallenge"}
