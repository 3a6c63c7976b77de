"""The vault's firewall does not let the application's address in."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING

from keyless.local.azure.keyvault.firewall import Firewall, Perimeter

if TYPE_CHECKING:
    from .conftest import Clinic

PAIN = 8
CODE = "KL-303"
SYMPTOM = "Client address is not authorized and caller is not a trusted service."


def test_the_address_that_the_vault_saw_is_in_the_remedy(clinic: Clinic) -> None:
    clinic.azure.vault("contoso-kv").firewall = Firewall(allowed=(ip_network("203.0.113.0/24"),))
    assert SYMPTOM in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert "applications are not a trusted service" in finding.cause
    assert "az keyvault network-rule add --name contoso-kv --ip-address 127.0.0.1" in finding.remedy


def test_a_vault_behind_a_perimeter_wants_a_rule_of_the_perimeter(clinic: Clinic) -> None:
    clinic.azure.vault("contoso-kv").firewall = Firewall(perimeter=Perimeter())
    forbidden = "The request was forbidden by NSP policy."
    assert forbidden in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert forbidden in finding.evidence
    assert "A network security perimeter is around the vault" in finding.cause
    assert "az network perimeter profile access-rule create" in finding.remedy
    assert "set-policy" not in finding.remedy


def test_a_vault_that_is_closed_to_the_public_network_wants_its_private_endpoint(clinic: Clinic) -> None:
    clinic.azure.vault("contoso-kv").firewall = Firewall(public_network_access=False)
    closed = (
        "Public network access is disabled and request is not from a trusted service nor via an approved private link."
    )
    assert closed in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert closed in finding.evidence
    assert "did not come through its private endpoint" in finding.cause
    assert "az network private-dns link vnet create" in finding.remedy
