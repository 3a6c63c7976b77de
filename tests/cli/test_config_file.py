"""Which ``keyless.toml`` a command uses, and where options end and the command of a user begins."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from keyless.cli.config_file import choose_config, find_config

if TYPE_CHECKING:
    from pathlib import Path

OWN = '[vaults.my-own-kv.secrets]\ntoken = "abc"\n'
SHOW = "import sys; print(sys.argv[1:])"


def run(folder: Path, *words: str, command: str = "run") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "keyless", command, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_nearest_file_above_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keyless.toml").write_text(OWN)
    (tmp_path / "project" / "tests" / "unit").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project" / "tests" / "unit")
    assert choose_config(None).file == tmp_path / "keyless.toml"
    (tmp_path / "project" / "keyless.toml").write_text(OWN.replace("my-own", "nearer"))
    assert list(choose_config(None).config.vaults) == ["nearer-kv"]


def test_a_file_outside_the_repository_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "keyless.toml").write_text(OWN)
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    (tmp_path / "repository" / "src").mkdir()
    assert find_config(tmp_path / "repository" / "src") is None
    (tmp_path / "repository" / "keyless.toml").write_text(OWN)
    assert find_config(tmp_path / "repository" / "src") == tmp_path / "repository" / "keyless.toml"


def test_run_names_the_file_that_it_uses_unless_it_is_quiet(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    without = run(tmp_path, "--", "true")
    assert without.stderr.startswith("keyless: using the built-in example:")
    assert "keyless init toml" in without.stderr
    (tmp_path / "keyless.toml").write_text(OWN)
    assert run(tmp_path / "below", "true").stderr.splitlines()[0] == f"keyless: using {tmp_path / 'keyless.toml'}"
    assert run(tmp_path / "below", "--quiet", "true").stderr == ""


@pytest.mark.parametrize("command", ["run", "exec"])
@pytest.mark.parametrize("separator", [[], ["--"]])
def test_options_after_the_command_belong_to_it(tmp_path: Path, command: str, separator: list[str]) -> None:
    done = run(tmp_path, *separator, sys.executable, "-c", SHOW, "--data", "d", "-h", command=command)
    assert (done.returncode, done.stdout) == (0, "['--data', 'd', '-h']\n"), done.stderr
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["rotation", "--after", "0"],
        ["--after", "0", "rotation"],
        ["rotation", "--after=0", "--"],
    ],
)
def test_options_of_a_drill_stand_before_and_after_its_name(tmp_path: Path, words: list[str]) -> None:
    done = run(tmp_path, *words, sys.executable, "-c", SHOW, "--after", "9", command="drill")
    assert (done.returncode, done.stdout) == (0, "['--after', '9']\n"), done.stderr


def test_the_folder_of_data_ignores_itself_in_git(tmp_path: Path) -> None:
    assert run(tmp_path, "--data", "kept", "true").returncode == 0
    ignored = tmp_path / "kept" / ".gitignore"
    assert ignored.read_text().splitlines()[-1] == "*"
    ignored.write_text("mine\n")
    assert run(tmp_path, "--data", "kept", "true").returncode == 0
    assert ignored.read_text() == "mine\n"
