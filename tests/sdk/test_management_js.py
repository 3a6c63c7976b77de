"""The same walk as in Python, by Microsoft's management SDKs for JavaScript, unmodified, at Azure's own hosts."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tests.sdk.test_management import CONFIG

from keyless.cli.run import child_environment
from keyless.local.azure.config.config import load_config
from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_walk_from_nothing_to_a_secret(javascript: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keyless.toml").write_text(CONFIG, encoding="utf-8")
    with LocalAzure(load_config(tmp_path / "keyless.toml")) as azure:
        operator = azure.azure.directory.application("operator")
        for name, value in {
            "TENANT": azure.azure.tenant_id,
            "CLIENT": operator.client_id,
            "OBJECT": operator.object_id,
            "SECRET": "an-operator-s-secret",
            "SUBSCRIPTION": azure.azure.subscription_id,
        }.items():
            monkeypatch.setenv(name, value)
        done = subprocess.run(
            ["node", "management.mjs"],
            cwd=javascript,
            env=child_environment(azure, os.environ),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        assert done.stdout.splitlines() == [
            "group rg-walk",
            "vault https://walk-kv.vault.azure.net/",
            "app UserAssigned",
            "read 403",
            "read s3cr3t",
            "read 403",
        ]
        assert azure.journal.count(service="arm", operation="putRoleAssignment", identity="operator", status=201) == 2
