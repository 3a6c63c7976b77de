"""A container's proxy answers in the place of the metadata service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.instruments.faults import Fault

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 21
CODE = "KL-201"
SYMPTOM = "connecting to 169.254.169.254:80"


def test_a_container_outside_azure_is_told_so(clinic: Clinic) -> None:
    clinic.on("imds")
    answer = f"{SYMPTOM}: connecting to 169.254.169.254:80: dial tcp: connect: unreachable network"
    clinic.azure.faults.add(Fault(service="identity", name="docker", status=403, body=answer, content_type="text/html"))
    assert "ManagedIdentityCredential" in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert "403" in finding.evidence
    assert "this does not run in Azure" in finding.cause
