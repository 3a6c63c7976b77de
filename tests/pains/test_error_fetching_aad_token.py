"""App Service answers 500 in its own spelling."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from keyless.local.instruments.faults import Fault

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 28
CODE = "KL-204"
SYMPTOM = "An unexpected error occured while fetching the AAD Token."


def test_the_resource_is_the_first_suspect(clinic: Clinic) -> None:
    body = json.dumps({"statusCode": 500, "message": SYMPTOM})
    clinic.azure.faults.add(
        Fault(service="identity", name="no-token", status=500, body=body, content_type="application/json")
    )
    assert SYMPTOM in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert "500" in finding.evidence
    assert SYMPTOM in finding.evidence
    assert "on App Service an unknown resource ends here too" in finding.cause
    assert "check the resource" in finding.remedy
