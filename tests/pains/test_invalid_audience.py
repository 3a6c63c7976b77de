"""The token is for another resource than Key Vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 11
CODE = "KL-302"
SYMPTOM = "AKV10022: Invalid audience"


def test_what_asks_for_another_audience_than_its_address_says_is_no_vault(clinic: Clinic) -> None:
    system = clinic.azure.identity("system")
    token = clinic.azure.azure.tokens.issue(system, "https://management.azure.com/").text
    address = "https://contoso-kv.vault.azure.net/secrets/db-password?api-version=7.4"
    answer = requests.get(address, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    assert SYMPTOM in answer.text
    wrong = clinic.azure.azure.tokens.issue(system, "https://management.azure.com/")
    clinic.patch.setattr(
        clinic.azure.azure.tokens, "issue", lambda *_, **__: wrong
    )  # The platform gives another token.
    finding = clinic.finding(CODE)
    assert SYMPTOM in finding.evidence
    assert "The token is for another resource than this vault's cloud" in finding.cause
