"""``keyless init``: each start that it writes works as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib import metadata
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from keyless.cli.commands import keyless
from keyless.cli.init import STARTS
from keyless.local.azure.config.config import load_config

if TYPE_CHECKING:
    from pathlib import Path


def write(folder: Path, kind: str) -> str:
    done = CliRunner().invoke(keyless, ["init", kind, str(folder)])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize("kind", ["pytest", "fastapi", "functions"])
def test_the_tests_of_a_start_pass(tmp_path: Path, kind: str) -> None:
    written = write(tmp_path / "app", kind)
    assert f"cd {tmp_path / 'app'}" in written
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / "app",
        env={**os.environ, "PYTHONPATH": str(tmp_path / "app")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " passed" in ran.stdout


def test_the_file_names_its_schema_for_editors_and_is_read_without_a_warning(tmp_path: Path) -> None:
    write(tmp_path, "toml")
    file = tmp_path / "keyless.toml"
    assert file.read_text().startswith("#:schema https://raw.githubusercontent.com/keyless-azure/keyless/main/docs/")
    config = load_config(file)
    assert config.warnings == ()
    assert [secret.name for secret in config.vaults["contoso-kv"].secrets] == ["db-password", "api-key"]


@pytest.mark.parametrize("kind", STARTS)
def test_no_file_is_overwritten(tmp_path: Path, kind: str) -> None:
    first = [*STARTS[kind].files, "keyless.toml"][0]
    (tmp_path / first).write_text("mine")
    done = CliRunner().invoke(keyless, ["init", kind, str(tmp_path)])
    assert (done.exit_code, f"{first} exists already" in done.stderr) == (1, True)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(first, "mine")]


@pytest.mark.parametrize("kind", [kind for kind in STARTS if kind != "toml"])
def test_a_keyless_toml_that_is_there_is_kept(tmp_path: Path, kind: str) -> None:
    write(tmp_path, "toml")
    unchanged = write(tmp_path, kind)
    assert f"kept   {tmp_path / 'keyless.toml'}\n" in unchanged
    assert "Change it to what your keyless.toml has" not in unchanged

    other = tmp_path / "other"
    other.mkdir()
    (other / "keyless.toml").write_text("# mine\n")
    assert "Change it to what your keyless.toml has" in write(other, kind)
    assert (other / "keyless.toml").read_text() == "# mine\n"


def test_what_is_not_installed_is_the_first_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    assert "pip install" not in write(tmp_path / "one", "pytest")
    monkeypatch.setattr(metadata, "distribution", absent)
    lines = write(tmp_path / "two", "fastapi").splitlines()
    assert lines[lines.index("Next:") + 1 :] == [
        f"  cd {tmp_path / 'two'}",
        "  pip install 'fastapi[standard]' pytest    # not installed here yet",
        "  keyless run fastapi dev app.py            # serves the application",
        "  pytest                                    # runs its tests",
    ]


def test_a_value_comes_from_an_environment_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keyless.toml"
    file.write_text('[vaults.contoso-kv.secrets]\ndb-password = { value = { env = "DB_PASSWORD" }, enabled = false }\n')
    monkeypatch.setenv("DB_PASSWORD", "from the environment")
    [secret] = load_config(file).vaults["contoso-kv"].secrets
    assert (secret.value, secret.attributes.enabled) == ("from the environment", False)
    monkeypatch.delenv("DB_PASSWORD")
    refused = CliRunner().invoke(keyless, ["run", "--config", str(file), "true"])
    assert "keyless.toml:2: vaults.contoso-kv.secrets.db-password.value: the environment variable" in refused.stderr
    assert 'default = "..."' in refused.stderr
    file.write_text(file.read_text().replace("env =", "variable ="))
    assert "value.variable: unknown key" in CliRunner().invoke(keyless, ["run", "--config", str(file), "true"]).stderr


def test_a_dotenv_file_becomes_secrets(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('DB_PASSWORD="s3 cr3t"  # comment\nexport API_KEY=$NOT_EXPANDED\nEMPTY\n')
    done = CliRunner().invoke(
        keyless, ["import", str(tmp_path / ".env"), "--vault", "contoso-kv", "--data", str(tmp_path / "kept")]
    )
    assert (done.exit_code, "2 secrets" in done.output) == (0, True), done.output
    kept = CliRunner().invoke(keyless, ["export", "-", "--with-values", "--data", str(tmp_path / "kept")])
    secrets = tomllib.loads(kept.stdout)["vaults"]["contoso-kv"]["secrets"]
    assert {name: each["value"] for name, each in secrets.items()} == {
        "db-password": "s3 cr3t",
        "api-key": "$NOT_EXPANDED",
    }
    without = CliRunner().invoke(keyless, ["import", str(tmp_path / ".env"), "--data", str(tmp_path / "kept")])
    assert (without.exit_code, "--vault" in without.stderr) == (2, True)
