"""A clinic: a machine whose local Azure is well at first, the official SDK on it, and the doctor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import AzureError
from azure.identity import ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient
from tests.remedies import flaw

from keyless.doctor import Finding, Report, diagnose
from keyless.local.programs.variables import IDENTITY_VARIABLES

if TYPE_CHECKING:
    from keyless.local.server import LocalAzure

URL = "https://contoso-kv.vault.azure.net"


@dataclass
class Clinic:
    azure: LocalAzure
    patch: pytest.MonkeyPatch
    healthy: set[str] = field(default_factory=set)

    def on(self, source: str) -> None:
        """Be on that kind of host, and see that all is well there."""
        for name in IDENTITY_VARIABLES:
            self.patch.delenv(name, raising=False)
        for name, value in self.azure.environment(source=source).items():
            self.patch.setenv(name, value)
        report = self.report()
        assert report.healthy
        self.healthy = {finding.code for finding in report.findings if finding.code}

    def without_identity(self) -> None:
        """Be on a machine that has no managed identity: connections to a metadata service are refused."""
        for name in IDENTITY_VARIABLES:
            self.patch.delenv(name, raising=False)
        for name, value in self.azure.environment(identity=False).items():
            self.patch.setenv(name, value)

    def report(self, *, vault_url: str = URL, secret: str = "db-password", identity: Any = None) -> Report:
        return diagnose(vault_url=vault_url, secret=secret, identity=identity)

    def finding(self, code: str, *, vault_url: str = URL, secret: str = "db-password", identity: Any = None) -> Finding:
        """Return the finding with that code, which there was none of while all was well."""
        report = self.report(vault_url=vault_url, secret=secret, identity=identity)
        assert code not in self.healthy
        found = [finding for finding in report.findings if finding.code == code]
        assert len(found) == 1, [(finding.check, finding.code, finding.evidence) for finding in report.findings]
        assert report.problem is None or found[0].status == "warn" or report.problem == found[0]
        assert found[0].cause
        assert flaw(found[0].remedy) is None, found[0].remedy
        return found[0]

    def sdk_says(self, *, vault_url: str = URL, secret: str = "db-password", client_id: str | None = None) -> str:
        """Return what the official SDK says when it cannot read the secret."""
        with (
            ManagedIdentityCredential(client_id=client_id, retry_total=0) as credential,
            SecretClient(vault_url, credential, retry_total=0) as client,
            pytest.raises(AzureError) as failed,
        ):
            client.get_secret(secret)
        return str(failed.value)


@pytest.fixture
def clinic(local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> Clinic:
    found = Clinic(local_azure, monkeypatch)
    found.on("app-service")
    return found
