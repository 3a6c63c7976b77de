"""The token is for another resource than Key Vault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 11
CODE = "KL-302"
SYMPTOM = "AKV10022: Invalid audience"


def test_the_tokens_audience_is_compared_with_what_the_vault_asks_for_and_such_a_token_is_not_sent(
    clinic: Clinic,
) -> None:
    asked = "The vault wants tokens for https://vault.azure.net, and"
    assert f"{asked} the token is for https://vault.azure.net." in {each.evidence for each in clinic.report().findings}
    wrong = clinic.azure.azure.tokens.issue(clinic.azure.identity("system"), "https://management.azure.com/")
    address = "https://contoso-kv.vault.azure.net/secrets/db-password?api-version=7.4"
    answer = requests.get(address, headers={"Authorization": f"Bearer {wrong.text}"}, timeout=10)
    assert SYMPTOM in answer.text
    clinic.patch.setattr(
        clinic.azure.azure.tokens, "issue", lambda *_, **__: wrong
    )  # The platform gives another token.
    clinic.azure.journal.clear()
    finding = clinic.finding(CODE)
    assert finding.evidence == f"{asked} the identity endpoint gave one for https://management.azure.com/."
    assert SYMPTOM in finding.cause
    assert "az keyvault show --name contoso-kv" in finding.remedy
    assert {entry.operation for entry in clinic.azure.journal.entries(service="vault")} == {"getChallenge"}
