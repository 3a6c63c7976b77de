"""The vault's firewall does not let the application's address in."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from keyless.local.firewall import Firewall

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 8
CODE = "KL-303"
SYMPTOM = "Client address is not authorized and caller is not a trusted service."


def test_the_address_that_the_vault_saw_is_in_the_remedy(clinic: Clinic) -> None:
    clinic.azure.vault("contoso-kv").firewall = Firewall(allowed=(ip_network("203.0.113.0/24"),))
    assert SYMPTOM in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert "applications are no trusted service" in finding.cause
    assert "az keyvault network-rule add --name contoso-kv --ip-address 127.0.0.1" in finding.remedy
