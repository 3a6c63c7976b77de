"""The examples work: their tests pass, their files are well-formed, and each keyless.toml is one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from keyless.local.azure.config.config import load_config
from keyless.local.sources import SOURCES

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
TESTED = sorted({file.parent.name for file in EXAMPLES.rglob("test_*.py")})


def document(path: str) -> Any:
    text = (ROOT / path).read_text(encoding="utf-8")
    return json.loads(text) if path.endswith(".json") else yaml.safe_load(text)


@pytest.mark.parametrize("name", TESTED)
def test_the_tests_of_an_example_pass(tmp_path: Path, name: str) -> None:
    shutil.copytree(EXAMPLES / name, tmp_path / name)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=tmp_path / name,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert TESTED == ["django", "worker"]


@pytest.mark.parametrize("file", sorted(EXAMPLES.rglob("keyless.toml")), ids=lambda file: file.parent.name)
def test_every_keyless_toml_of_the_examples_is_one(file: Path) -> None:
    assert load_config(file).warnings == ()


def test_the_action_runs_what_it_is_given_and_puts_no_input_into_a_script() -> None:
    action = document("action.yml")
    assert action["inputs"]["source"]["default"] in SOURCES
    for step in action["runs"]["steps"]:
        assert "${{" not in step["run"]
    install, run = action["runs"]["steps"]
    script = run["run"].replace("keyless run", f"{sys.executable} -m keyless run")
    given = {"KEYLESS_RUN": "echo $IDENTITY_ENDPOINT; false", "KEYLESS_CONFIG": "", "KEYLESS_SOURCE": "app-service"}
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.returncode, ran.stdout.startswith("http://127.0.0.1:")) == (1, True), ran.stderr
    assert "[cli,local,functions]" in install["run"]


def test_the_files_for_ci_containers_and_editors_are_well_formed() -> None:
    assert document("examples/ci/github.yml")["jobs"]["test"]["steps"][-1]["uses"].startswith("keyless-azure/keyless@")
    assert document("examples/ci/gitlab.yml")["test"]["script"][-1] == "keyless run pytest"
    assert document("examples/docker/compose.yaml")["services"]["worker"]["build"] == "."
    assert document("examples/editor/.devcontainer/devcontainer.json")["forwardPorts"] == [7071]
    [launch] = document("examples/editor/.vscode/launch.json")["configurations"]
    assert launch["args"][:2] == ["run", "python"]
    assert len(document("examples/editor/.vscode/tasks.json")["tasks"]) == 2
    [hook] = document(".pre-commit-hooks.yaml")
    assert hook["entry"] == "keyless audit"
    lines = (EXAMPLES / "docker" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    known = r"(#|FROM|WORKDIR|RUN|COPY|USER|CMD) "
    assert [line for line in lines if not re.match(known, line)] == []
