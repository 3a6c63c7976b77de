"""The secret was deleted, and its name is taken until it is recovered or purged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.identity import ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 19
CODE = "KL-305"
SYMPTOM = "is currently in a deleted but recoverable state, and its name cannot be reused"


def test_the_deleted_secret_is_found_and_the_remedy_recovers_it(clinic: Clinic) -> None:
    system = clinic.azure.identity("system")
    system.grant("Key Vault Secrets Officer", on="contoso-kv")
    clinic.azure.vault("contoso-kv").delete_secret("db-password")
    clinic.azure.clock.advance(minutes=5)
    with (
        ManagedIdentityCredential() as credential,
        SecretClient("https://contoso-kv.vault.azure.net", credential) as client,
        pytest.raises(ResourceExistsError, match=SYMPTOM),
    ):
        client.set_secret("db-password", "new")
    finding = clinic.finding(CODE)
    assert finding.cause.startswith("It was deleted. It is in a deleted but recoverable state")
    assert "az keyvault secret list" not in finding.remedy
    assert "az keyvault secret recover --vault-name contoso-kv --name db-password" in finding.remedy
