"""Everything that Azure's JavaScript SDK does with secrets, unmodified, at the production URL."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from keyless.local.azure.keyvault.settings import VaultSettings

if TYPE_CHECKING:
    from pathlib import Path

    from keyless.local.server import LocalAzure


@pytest.fixture
def printed(
    javascript: Path, local_azure: LocalAzure, azure_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """What the program printed: the parts that went well."""
    vault = local_azure.azure.add_vault(
        "instant-kv", VaultSettings(soft_delete_days=7, deletion_seconds=0, recovery_seconds=0)
    )
    for each in ("instant-kv", "contoso-kv"):
        local_azure.identity("system").grant("Key Vault Secrets Officer", on=each)
    monkeypatch.setenv("VAULT_URL", vault.url)
    monkeypatch.setenv("SLOW_VAULT_URL", local_azure.vault("contoso-kv").url)
    command = ["node", "surface.mjs"]
    done = subprocess.run(command, cwd=javascript, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"after {done.stdout!r}:\n{done.stderr}"
    return done.stdout.splitlines()


def test_the_javascript_sdk_does_all_that_it_can(printed: list[str], javascript: Path, local_azure: LocalAzure) -> None:
    parts = re.findall(r'async "([^"]+)"\(\)', (javascript / "surface.mjs").read_text())
    assert printed == parts
    assert len(parts) == 8
    clients = {entry.client for entry in local_azure.journal.entries(service="vault")}
    assert all("azsdk-js-keyvault-secrets/" in client for client in clients)
