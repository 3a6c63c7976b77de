"""``keyless vault``, ``keyless identity`` and ``keyless status``; and commands that look into a ``keyless run``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from keyless.cli.commands import keyless

if TYPE_CHECKING:
    from pathlib import Path

    from keyless.local.server import LocalAzure

KEYLESS = [sys.executable, "-m", "keyless"]


def command(azure: LocalAzure, *words: str) -> tuple[int, str]:
    named = {"KEYLESS_CONTROL_URL": azure.control_url, "KEYLESS_CONTROL_TOKEN": azure.control_token}
    done = CliRunner(env=named).invoke(keyless, words)
    return done.exit_code, done.output


def test_a_vault_is_added_listed_and_removed(local_azure: LocalAzure) -> None:
    assert command(local_azure, "vault", "add", "fabrikam-kv") == (
        0,
        "fabrikam-kv is at https://fabrikam-kv.vault.azure.net.\n",
    )
    listed = command(local_azure, "vault", "list")[1].split()
    assert listed[::2] == ["contoso-kv", "fabrikam-kv"]
    assert command(local_azure, "vault", "remove", "fabrikam-kv") == (0, "fabrikam-kv is removed.\n")
    assert command(local_azure, "vault", "list")[1].split()[::2] == ["contoso-kv"]
    code, said = command(local_azure, "vault", "remove", "fabrikam-kv")
    assert (code, "keyless vault add fabrikam-kv" in said) == (1, True)


def test_an_identity_is_added_taken_away_and_assigned_again(local_azure: LocalAzure) -> None:
    client_id = "00001111-aaaa-2222-bbbb-3333cccc4444"
    added = command(local_azure, "identity", "add", "batch", "--client-id", client_id)
    assert added == (0, f"batch has the client id {client_id}.\n")
    assert f"client id {client_id}" in command(local_azure, "identity", "list")[1]
    assert command(local_azure, "identity", "remove", "batch")[0] == 0
    assert "batch  user-assigned  not assigned to the host" in command(local_azure, "identity", "list")[1]
    assert command(local_azure, "identity", "add", "batch")[0] == 0
    assert local_azure.identity("batch").assigned


@pytest.mark.parametrize("kind", ["object_id", "client_id"])
def test_a_role_is_granted_by_an_id_that_an_error_names(local_azure: LocalAzure, kind: str) -> None:
    newcomer = local_azure.identity("newcomer")
    granted = command(local_azure, "role", "grant", getattr(newcomer, kind), "Key Vault Secrets User")
    assert granted == (0, "newcomer has Key Vault Secrets User on contoso-kv.\n")
    assert command(local_azure, "role", "revoke", getattr(newcomer, kind), "Key Vault Secrets User")[0] == 0


def test_a_program_changes_and_shows_the_run_that_it_is_in(tmp_path: Path) -> None:
    script = "keyless secret set mine new && keyless secret list && keyless status --json"
    environment = {
        **os.environ,
        "XDG_RUNTIME_DIR": str(tmp_path),
        "PATH": f"{os.path.dirname(sys.executable)}{os.pathsep}{os.environ['PATH']}",  # noqa: PTH120 (a link stays one)
    }
    with subprocess.Popen([*KEYLESS, "up", "--json"], env=environment, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None
            assert json.loads(other.stdout.readline())["number"] == 1
            done = subprocess.run(
                [*KEYLESS, "run", "sh", "-c", script.replace("keyless ", f"{sys.executable} -m keyless ")],
                env=environment,
                capture_output=True,
                text=True,
                timeout=300,
                check=True,
            )
            listed, _, told = done.stdout.partition("[\n")
            assert "mine" in listed
            assert [each["number"] for each in json.loads(f"[{told}")] == [1, 2]
            assert json.loads(f"[{told}")[1]["command"].startswith("keyless run sh -c")
            first = subprocess.run(
                [*KEYLESS, "secret", "list"], env=environment, capture_output=True, text=True, timeout=300, check=True
            )
            assert "mine" not in first.stdout
        finally:
            other.terminate()
            other.communicate(timeout=60)
    assert list((tmp_path / "keyless").glob("*")) == []
