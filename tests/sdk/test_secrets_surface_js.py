"""Everything that Azure's JavaScript SDK does with secrets, unmodified, at the production URL."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from keyless.local.server import LocalAzure

JS = Path(__file__).with_name("js")
NOT_TESTED = "@azure/keyvault-secrets FOR JAVASCRIPT IS NOT TESTED"


@pytest.fixture(scope="module")
def node() -> str:
    """Node.js, with the client installed; npm puts it into a folder that git ignores."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip(f"{NOT_TESTED}: node or npm is missing on this machine.")
    installed, wanted = JS / "node_modules" / "installed.json", (JS / "package.json").read_text()
    if not installed.exists() or installed.read_text() != wanted:
        command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock"]
        done = subprocess.run(command, cwd=JS, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            pytest.skip(f"{NOT_TESTED}: npm install failed: {done.stderr}")
        installed.write_text(wanted)
    return node


@pytest.fixture
def printed(
    node: str, local_azure: LocalAzure, azure_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """What the program printed: the parts that went well."""
    vault = local_azure.azure.add_vault("instant-kv", soft_delete_days=7, deletion_seconds=0, recovery_seconds=0)
    for each in ("instant-kv", "contoso-kv"):
        local_azure.identity("system").grant("Key Vault Secrets Officer", on=each)
    monkeypatch.setenv("VAULT_URL", vault.url)
    monkeypatch.setenv("SLOW_VAULT_URL", local_azure.vault("contoso-kv").url)
    command = [node, "surface.mjs"]
    done = subprocess.run(command, cwd=JS, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"after {done.stdout!r}:\n{done.stderr}"
    return done.stdout.splitlines()


def test_the_javascript_sdk_does_all_that_it_can(printed: list[str], local_azure: LocalAzure) -> None:
    parts = re.findall(r'async "([^"]+)"\(\)', (JS / "surface.mjs").read_text())
    assert printed == parts
    assert len(parts) == 8
    clients = {entry.client for entry in local_azure.journal.entries(service="vault")}
    assert all("azsdk-js-keyvault-secrets/" in client for client in clients)
