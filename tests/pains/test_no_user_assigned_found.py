"""A function app has user-assigned identities alone, and none was named."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 14
CODE = "KL-202"
SYMPTOM = "Unable to load the proper Managed Identity."


def test_an_identity_is_never_guessed_on_app_service(clinic: Clinic) -> None:
    clinic.azure.identity("system").unassign()
    said = clinic.sdk_says()
    assert (
        "App Service managed identity configuration not found in environment. Token request error: (invalid_scope) 400"
        in said
    )
    assert SYMPTOM in said
    finding = clinic.finding(CODE)
    assert "App Service gives no token for the system-assigned managed identity: 400" in finding.evidence
    assert "a user-assigned one is never guessed" in finding.cause


def test_a_client_id_left_in_the_environment_is_warned_of(clinic: Clinic) -> None:
    clinic.patch.setenv("AZURE_CLIENT_ID", clinic.azure.identity("system").object_id)
    finding = clinic.finding("KL-605")
    assert "the system-assigned identity is asked for" in finding.evidence
    assert "Unset AZURE_CLIENT_ID" in finding.remedy
