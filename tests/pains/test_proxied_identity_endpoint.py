"""HTTP_PROXY takes the requests for a token, which never arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 27
CODE = "KL-606"
SYMPTOM = "HTTP_PROXY"


def test_no_proxy_gets_the_endpoints_host(clinic: Clinic) -> None:
    clinic.patch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    clinic.patch.setenv("NO_PROXY", "internal.example")
    clinic.patch.setenv("no_proxy", "internal.example")
    finding = clinic.finding(CODE)
    assert "NO_PROXY does not name 127.0.0.1" in finding.evidence
    assert 'NO_PROXY="internal.example,127.0.0.1,169.254.169.254"' in finding.remedy
    assert clinic.report().healthy
