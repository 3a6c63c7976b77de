"""An app of App Service was started before its identity was there."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 5
CODE = "KL-601"
SYMPTOM = "An attempt was made to access a socket in a way forbidden by its access permissions."


def test_the_missing_variables_are_named_and_not_the_metadata_service(clinic: Clinic) -> None:
    clinic.without_identity()
    clinic.patch.setenv("WEBSITE_SITE_NAME", "contoso-app")
    clinic.patch.setenv("WEBSITE_INSTANCE_ID", "0")
    clinic.patch.setenv("WEBSITE_RESOURCE_GROUP", "contoso-group")
    clinic.patch.setenv("FUNCTIONS_EXTENSION_VERSION", "~4")
    assert "no response from the IMDS endpoint" in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert "contoso-app runs on App Service, and IDENTITY_ENDPOINT and IDENTITY_HEADER are not set" in finding.evidence
    assert "it is not down" in finding.cause
    assert "az functionapp identity assign --name contoso-app --resource-group contoso-group" in finding.remedy
    assert "restart" in finding.remedy
    asked = [each for each in clinic.report().findings if each.stage == "identity"]
    assert [(each.status, each.evidence) for each in asked] == [
        ("skipped", "There is no identity endpoint to ask: see the environment.")
    ]
