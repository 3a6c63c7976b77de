"""The log is full of Request URL and Request headers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from .conftest import Clinic

PAIN = 25
CODE = "KL-608"
SYMPTOM = "Request headers"


def test_the_logger_is_named_with_the_line_that_quiets_it(clinic: Clinic, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        clinic.azure.identity("system").revoke("Key Vault Secrets User", on="contoso-kv")
        clinic.sdk_says()
        assert SYMPTOM in caplog.text
        clinic.azure.identity("system").grant("Key Vault Secrets User", on="contoso-kv")
        finding = clinic.finding(CODE)
    assert "azure.core.pipeline.policies.http_logging_policy" in finding.evidence
    assert 'logging.getLogger("azure").setLevel(logging.WARNING)' in finding.remedy
