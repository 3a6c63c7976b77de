"""The resource that a token is asked for is not known in the tenant."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from keyless.local.instruments.faults import Fault

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 29
CODE = "KL-202"
SYMPTOM = "AADSTS500011: The resource principal named"


def test_the_resource_is_the_cause_and_not_the_identity(clinic: Clinic) -> None:
    clinic.on("imds")
    body = json.dumps(
        {
            "error": "invalid_resource",
            "error_description": f"{SYMPTOM} https://vault.azure.cn was not found in the tenant named Contoso.",
        }
    )
    clinic.azure.faults.add(
        Fault(service="identity", name="unknown-resource", status=400, body=body, content_type="application/json")
    )
    assert SYMPTOM in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert SYMPTOM in finding.evidence
    assert finding.cause == "The resource that the token was asked for is not known in this tenant."
