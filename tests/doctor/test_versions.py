"""The doctor names an installed release with a known fault, and how to install one without."""

from __future__ import annotations

from importlib import metadata

import pytest

from keyless.doctor import diagnose
from keyless.doctor.versions import check_versions

FABRIC = {"IDENTITY_SERVER_THUMBPRINT": "0" * 40}


@pytest.mark.parametrize(
    ("installed", "variables", "status", "remedy"),
    [
        ({"msal": "1.39.0", "azure-identity": "1.27.0"}, {}, "ok", ""),
        ({"msal": "1.32.2"}, {}, "warn", 'Install a newer one: `pip install "msal>=1.32.3"`.'),
        ({"msal": "1.37.0"}, {}, "ok", ""),
        ({"msal": "1.37.0"}, FABRIC, "warn", 'Install a newer one: `pip install "msal>=1.38.0"`.'),
        (
            {"azure-identity": "1.15.0", "azure-mgmt-keyvault": "10.3.1"},
            {},
            "warn",
            'Install a newer one: `pip install "azure-identity>=1.16.1" "azure-mgmt-keyvault>=14.0.0"`.',
        ),
        ({}, {}, "ok", ""),
    ],
)
def test_an_installed_release_is_held_against_the_rules(
    installed: dict[str, str], variables: dict[str, str], status: str, remedy: str
) -> None:
    def release(name: str) -> str:
        if name not in installed:
            raise metadata.PackageNotFoundError(name)
        return installed[name]

    finding = check_versions(variables, release)
    assert (finding.status, finding.remedy, finding.code) == (status, remedy, "KL-641" if remedy else "")
    assert all(f"{name} {version}" in finding.evidence for name, version in installed.items()) or status == "warn"


def test_the_doctors_report_names_the_installed_releases(azure_environment: dict[str, str]) -> None:
    found = next(finding for finding in diagnose().findings if finding.check == "versions")
    assert (found.stage, found.status) == ("environment", "ok")
    assert f"msal {metadata.version('msal')}" in found.evidence
