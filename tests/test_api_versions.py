"""Nothing that is printed or shipped names a control-plane version of Key Vault that stops working on 2027-02-27.

https://learn.microsoft.com/azure/key-vault/general/access-control-default: every version before 2026-02-01.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FIRST_THAT_STAYS = "2026-02-01"
PLACES = (
    "src",
    "function_app",
    "infra",
    "docs",
    "examples",
    "README.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "azure.yaml",
)
TEXTS = {".bicep", ".json", ".md", ".py", ".sh", ".toml", ".yaml", ".yml", ".tf", ".html", ".js"}
# They name old versions, because they look for them in other people's files.
LOOKS_FOR_THEM = ("src/keyless/audit/", "docs/audit.md")
# As Bicep has it, as a URL has it, and as JSON has it, where type and version are apart.
NAMED = re.compile(
    r"Microsoft\.KeyVault/[\w/]+@(?P<bicep>\d{4}-\d\d-\d\d)"
    r"|Microsoft\.KeyVault/[^\s\"']*\?api-version=(?P<url>\d{4}-\d\d-\d\d)"
    r"|\"Microsoft\.KeyVault/[\w/]+\",\s*\"apiVersion\": \"(?P<json>\d{4}-\d\d-\d\d)"
)


def named(text: str) -> set[str]:
    """Return the control-plane versions of Key Vault that a text names."""
    return {version for found in NAMED.finditer(text) for version in found.groups() if version}


def shipped() -> dict[str, str]:
    """Return the texts that are shipped, by their path."""
    files = [each for place in PLACES for each in (ROOT / place, *(ROOT / place).rglob("*")) if each.suffix in TEXTS]
    found = {file.relative_to(ROOT).as_posix(): file for file in files if file.is_file()}
    return {name: file.read_text() for name, file in found.items() if not name.startswith(LOOKS_FOR_THEM)}


def test_no_file_names_a_version_that_stops_working() -> None:
    told = {name: named(text) for name, text in shipped().items()}
    assert {name: found for name, found in told.items() if any(each < FIRST_THAT_STAYS for each in found)} == {}
    # What is looked at is what is meant: the templates, what is compiled of them, and what the report prints.
    assert {name for name, found in told.items() if found} >= {
        "infra/app/vault.bicep",
        "infra/main.json",
        "src/keyless/local/testing/least_privilege.py",
    }


@pytest.mark.parametrize(
    "text",
    [
        "resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {",
        "resource secret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' existing = {",
        # keyless: ignore KA-101 this test shows that it is found
        "/providers/Microsoft.KeyVault/vaults/kv-contoso?api-version=2024-11-01",
        '"type": "Microsoft.KeyVault/vaults",\n      "apiVersion": "2024-11-01",',
        "'Microsoft.KeyVault/vaults@2024-04-01-preview'",
    ],
)
def test_an_old_version_is_found_in_every_form(text: str) -> None:
    assert min(named(text)) < FIRST_THAT_STAYS


@pytest.mark.parametrize(
    "text",
    ["Microsoft.Web/sites@2024-11-01", "https://contoso-kv.vault.azure.net/secrets?api-version=7.4"],
)
def test_other_services_and_the_data_plane_are_let_be(text: str) -> None:
    assert named(text) == set()
