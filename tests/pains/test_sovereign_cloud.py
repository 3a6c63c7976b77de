"""The vault is in another cloud than the program's address says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from keyless.local.azure.keyvault.settings import VaultSettings

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 22
CODE = "KL-301"
SYMPTOM = "Expected https://vault.usgovcloudapi.net, found: https://vault.azure.net"


def test_the_other_cloud_wants_its_own_tokens_and_its_own_address(clinic: Clinic) -> None:
    vault = clinic.azure.azure.add_vault("contoso-gov", VaultSettings(cloud="AZURE_GOVERNMENT"))
    vault.set_secret("db-password", "value")
    system = clinic.azure.identity("system")
    system.grant("Key Vault Secrets User", on=vault)
    token = clinic.azure.azure.tokens.issue(system, "https://vault.azure.net").text
    answer = requests.get(
        f"{vault.url}/secrets/db-password?api-version=7.4", headers={"Authorization": f"Bearer {token}"}, timeout=10
    )
    assert SYMPTOM in answer.text
    finding = clinic.finding(CODE, vault_url="https://contoso-gov.vault.azure.net")
    assert f"There is a vault {vault.url}, in AZURE_GOVERNMENT." in finding.evidence
    assert "the suffix of another cloud" in finding.cause
    assert "the suffix of the identity's cloud" in finding.remedy
    report = clinic.report(vault_url=vault.url)
    assert report.healthy
    wanted = "https://vault.usgovcloudapi.net"
    assert f"The vault wants tokens for {wanted}, and the token is for {wanted}." in {
        each.evidence for each in report.findings
    }
