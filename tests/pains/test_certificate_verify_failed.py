"""What answers has a certificate that is not trusted here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import certifi

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 33
CODE = "KL-301"
SYMPTOM = "CERTIFICATE_VERIFY_FAILED"


def test_the_bundle_is_the_remedy_and_never_switching_the_check_off(clinic: Clinic) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        clinic.patch.setenv(name, certifi.where())
    assert SYMPTOM in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert "its certificate is not trusted" in finding.evidence
    assert "Never switch the check off" in finding.remedy
