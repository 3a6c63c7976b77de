"""The metadata service takes the connection and never answers: minutes of retries on a laptop."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 18
CODE = "KL-401"
SYMPTOM = "DefaultAzureCredential takes 25 s"


def test_the_doctor_ends_in_time_and_blames_the_identity_endpoint(clinic: Clinic) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        clinic.without_identity()
        clinic.patch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"http://127.0.0.1:{silent.getsockname()[1]}")
        report = clinic.report()
    problem = report.problem
    assert problem is not None
    assert CODE not in clinic.healthy
    assert (problem.stage, problem.code) == ("identity", CODE)
    assert "this does not run in Azure, or the service is slow" in problem.cause
    assert "`keyless run -- CMD`" in problem.remedy
    assert report.seconds < 5
    assert {finding.status for finding in report.findings if finding.stage == "network"} == {"ok"}
