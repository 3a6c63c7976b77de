"""A setting was resolved from a Key Vault reference, and the secret was rotated since."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from keyless.cli.run import resolved_environment

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 3
CODE = "KL-634"
SYMPTOM = "the old value after a rotation"


@pytest.mark.parametrize(
    "reference",
    [
        "SecretUri=https://contoso-kv.vault.azure.net/secrets/db-password/",
        "VaultName=contoso-kv;SecretName=db-password",
    ],
)
def test_the_setting_that_holds_the_old_value_is_named_and_no_value_is(clinic: Clinic, reference: str) -> None:
    vault = clinic.azure.vault("contoso-kv")
    vault.set_secret("db-password", "canary-old")
    clinic.patch.setenv("DB_PASSWORD", f"@Microsoft.KeyVault({reference})")
    environment = resolved_environment(clinic.azure)
    for name in ("DB_PASSWORD", "WEBSITE_KEYVAULT_REFERENCES"):
        clinic.patch.setenv(name, environment[name])
    assert environment["DB_PASSWORD"] == "canary-old"
    assert CODE not in {found.code for found in clinic.report().findings}
    vault.set_secret("db-password", "canary-new")
    finding = clinic.finding(CODE)
    assert finding.evidence.startswith("DB_PASSWORD holds another value than db-password")
    assert "configreferences/appsettings/refresh" in finding.remedy
    assert "canary" not in str(clinic.report())
    assert clinic.report().healthy


def test_a_reference_to_one_version_is_meant_to_stay_the_same(clinic: Clinic) -> None:
    vault = clinic.azure.vault("contoso-kv")
    version = vault.set_secret("db-password", "old").version
    raw = f"@Microsoft.KeyVault(SecretUri={vault.url}/secrets/db-password/{version})"
    clinic.patch.setenv("DB_PASSWORD", "old")
    clinic.patch.setenv("WEBSITE_KEYVAULT_REFERENCES", json.dumps({"DB_PASSWORD": {"rawReference": raw}}))
    vault.set_secret("db-password", "new")
    assert CODE not in {found.code for found in clinic.report().findings}


@pytest.mark.parametrize(
    "told", ["", "{", "[]", '{"A": 7}', '{"DB_PASSWORD": {"rawReference": 7, "status": {"x": 1}}}']
)
def test_what_the_platform_tells_in_another_form_is_passed_over(clinic: Clinic, told: str) -> None:
    clinic.patch.setenv("WEBSITE_KEYVAULT_REFERENCES", told)
    assert clinic.report().healthy
