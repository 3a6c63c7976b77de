"""There is no vault of that name, or private DNS is not seen from here."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .conftest import Clinic

PAIN = 23
CODE = "KL-301"
SYMPTOM = "Name or service not known"


@pytest.fixture
def resolving(clinic: Clinic) -> Callable[[str, str | None], None]:
    """Let this process resolve the vault's name itself, to a canonical name and an address, or not at all."""
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        clinic.patch.delenv(name, raising=False)
    original = socket.getaddrinfo
    vaults = clinic.azure.https_url.rpartition(":")[2]

    def resolve(canonical: str, address: str | None) -> None:
        def found(host: Any, *rest: Any, **options: Any) -> Any:
            if not str(host).startswith("contoso-kv."):
                return original(host, *rest, **options)
            if address is None or host != "contoso-kv.vault.azure.net":
                raise socket.gaierror(-2, SYMPTOM)
            if options.get("flags") == socket.AI_CANONNAME:
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, canonical, (address, 443))]
            return original("127.0.0.1", int(vaults), *rest[1:], **options)

        clinic.patch.setattr(socket, "getaddrinfo", found)

    return resolve


def test_a_name_that_nobody_knows_is_compared_with_those_that_exist(
    clinic: Clinic, resolving: Callable[[str, str | None], None]
) -> None:
    resolving("", None)
    assert SYMPTOM in clinic.sdk_says()
    finding = clinic.finding(CODE)
    assert "The name contoso-kv.vault.azure.net does not resolve" in finding.evidence
    assert "az keyvault list" in finding.remedy
    assert "az network private-dns record-set a list --zone-name privatelink.vaultcore.azure.net" in finding.remedy


def test_a_private_endpoint_whose_zone_is_not_seen_from_here(
    clinic: Clinic, resolving: Callable[[str, str | None], None]
) -> None:
    resolving("contoso-kv.privatelink.vaultcore.azure.net", "20.50.60.70")
    finding = clinic.finding("KL-621")
    assert "the public address 20.50.60.70" in finding.evidence
    assert "az network private-dns link vnet create --zone-name privatelink.vaultcore.azure.net" in finding.remedy


def test_a_private_endpoint_that_is_seen_is_well(clinic: Clinic, resolving: Callable[[str, str | None], None]) -> None:
    resolving("contoso-kv.privatelink.vaultcore.azure.net", "10.0.0.4")
    report = clinic.report()
    assert report.healthy
    assert "resolves as contoso-kv.privatelink.vaultcore.azure.net to private 10.0.0.4" in str(report.findings)
