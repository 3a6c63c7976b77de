"""The identity was switched off and on, and is another one since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.azure.config.config import read_config

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 35
CODE = "KL-303"
SYMPTOM = "managed identity worked, then 403 after a redeployment"


OLD, NEW = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"


def test_the_new_object_id_is_in_the_remedy(clinic: Clinic) -> None:
    roles = {"contoso-kv": "Key Vault Secrets User"}
    vaults = {"contoso-kv": {"secrets": {"db-password": "value"}}}
    before = {"system": {"object_id": NEW}, "before": {"object_id": OLD, "roles": roles, "assigned": False}}
    clinic.azure.reset(read_config("test", {"vaults": vaults, "identities": before}))
    assert f"oid={NEW}" in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert "switched off and on again, or made again, has a new object id" in finding.cause
    assert f"--assignee-object-id {NEW}" in finding.remedy
