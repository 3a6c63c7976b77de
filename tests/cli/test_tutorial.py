"""The tutorial does what it says: its app is written, its tests pass, and it breaks and is mended by its commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from click.testing import CliRunner

from keyless.cli.commands import keyless

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
PAGES = (PAGE, PAGE.with_name("azure-functions.md"))


def test_the_tests_of_the_tutorial_pass(tmp_path: Path) -> None:
    app = tmp_path / "shop"
    assert CliRunner().invoke(keyless, ["init", "functions", str(app)]).exit_code == 0
    tests = app / "test_function_app.py"
    blocks = [block for page in PAGES for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)]
    tests.write_text("\n\n".join([tests.read_text(), *blocks]))
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=app,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "4 passed" in ran.stdout, ran.stdout + ran.stderr


def test_what_the_tutorial_breaks_fails_and_is_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    app = tmp_path / "shop"
    assert CliRunner().invoke(keyless, ["init", "functions", str(app)]).exit_code == 0
    text = PAGE.read_text(encoding="utf-8")

    def typed(start: str) -> list[str]:
        return re.findall(r'"[^"]*"|\S+', next(line for line in text.splitlines() if line.startswith(f"    {start}")))

    def run(start: str) -> str:
        done = CliRunner().invoke(keyless, [word.strip('"') for word in typed(start)[1:]])
        assert done.exit_code == 0, done.output
        return done.output

    command = [sys.executable, "-m", "keyless", *typed("keyless up")[1:], "--json"]
    with subprocess.Popen(command, cwd=app, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as up:
        try:
            assert up.stdout is not None
            assert up.stderr is not None
            function = json.loads(up.stdout.readline())["functions"]["database"]
            headers = {"x-functions-key": function["key"]}

            def call() -> requests.Response:
                return requests.get(function["url"], headers=headers, timeout=30)

            assert call().text.startswith("connected with version ")
            assert [line.split()[1] for line in run("keyless journal").splitlines()] == ["getToken", "getSecret"]
            run("keyless role revoke")
            assert call().status_code == 200
            os.utime(app / "function_app.py")
            assert any("again: database" in line for line in up.stderr)
            refused = call()
            assert (refused.status_code, "keyless role grant" in refused.text) == (503, True)
            run("keyless role grant")
            # A denial is remembered for a few seconds, so that a busy path does not hammer the vault.
            while call().status_code != 200:
                pass
            run("keyless fault add")
            assert call().status_code == 200
            run("keyless fault clear")
        finally:
            up.terminate()
            up.communicate(timeout=60)
