"""``keyless env``: real shells run what it prints."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import requests

from keyless.cli.shells import commands
from keyless.errors import LocalAzureError
from keyless.local.programs.variables import IDENTITY_VARIABLES
from keyless.local.sources import SOURCES

if TYPE_CHECKING:
    from pathlib import Path

    from keyless.local.server import LocalAzure

# What a shell can get wrong.
AWKWARD = "it's \"quoted\" $HOME `id` \\ back\\'slash * ; | & é"


def env(azure: LocalAzure, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    control = {"KEYLESS_CONTROL_URL": azure.control_url, "KEYLESS_CONTROL_TOKEN": azure.control_token}
    return subprocess.run(
        [sys.executable, "-m", "keyless", "env", *options],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**os.environ, **control, **variables},
    )


@pytest.mark.parametrize("source", SOURCES)
def test_a_shell_has_exactly_the_variables_of_the_source_and_no_blank(local_azure: LocalAzure, source: str) -> None:
    done = env(local_azure, "--source", source)
    assert done.returncode == 0, done.stderr
    script = f'{done.stdout}\nexec "$0" -c "import json, os; print(json.dumps(dict(os.environ)))"'
    before = {"PATH": os.environ["PATH"], **dict.fromkeys(IDENTITY_VARIABLES, "left over"), "OTHER": "kept"}
    shell = subprocess.run(
        ["/bin/sh", "-c", script, sys.executable], capture_output=True, text=True, env=before, timeout=30, check=True
    )
    after: dict[str, str] = json.loads(shell.stdout)
    expected = local_azure.environment(source=source)
    assert {name: after[name] for name in expected} == expected
    assert {name for name in IDENTITY_VARIABLES if name in after} == set(IDENTITY_VARIABLES) & set(expected)
    assert after["OTHER"] == "kept"


def test_a_program_gets_json(local_azure: LocalAzure) -> None:
    found: dict[str, Any] = json.loads(env(local_azure, "--shell", "json", "--source", "imds").stdout)
    assert found["set"] == local_azure.environment(source="imds")
    assert set(found["unset"]) == set(IDENTITY_VARIABLES) - set(found["set"])


def test_another_source_has_another_proxy_and_none_is_left_over(local_azure: LocalAzure) -> None:
    before = local_azure.environment(source="imds")
    after = json.loads(env(local_azure, "--shell", "json", **before).stdout)["set"]
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        assert after[name] == local_azure.environment()[name] != before[name]


def test_without_a_running_local_azure_the_command_says_how_to_start_one(tmp_path: Path) -> None:
    alone = {name: value for name, value in os.environ.items() if not name.startswith("KEYLESS_CONTROL")}
    done = subprocess.run(
        [sys.executable, "-m", "keyless", "env"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env={**alone, "XDG_RUNTIME_DIR": str(tmp_path), "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 1
    assert "keyless up" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_source_that_cannot_be_had_says_why(local_azure: LocalAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise LocalAzureError("No key file.", cause="Not root.", remedy="sudo.")

    monkeypatch.setattr("keyless.local.wire.identity.arc.check_key_folder", refuse)
    done = env(local_azure, "--source", "arc")
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["error [KL-500]: No key file.", "  cause:  Not root.", "  remedy: sudo."]
    assert done.stdout == ""


def test_sh_takes_any_value_as_it_is() -> None:
    script = f'{commands("sh", set_={"X": AWKWARD}, unset=["Y"])}\nprintf %s "$X${{Y-gone}}"'
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, env={"Y": "y"}, check=True)
    assert done.stdout == f"{AWKWARD}gone"


@pytest.mark.parametrize(
    ("shell", "script"),
    [("fish", 'printf %s "$X"; set -q Y; or printf gone'), ("pwsh", "[Console]::Write($env:X + ($env:Y ?? 'gone'))")],
)
def test_other_shells_take_any_value_as_it_is(shell: str, script: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} IS NOT TESTED: it is not on this machine.")
    text = commands("fish" if shell == "fish" else "powershell", set_={"X": AWKWARD}, unset=["Y"])
    done = subprocess.run(
        [program, "-c", f"{text}\n{script}"], capture_output=True, text=True, env={**os.environ, "Y": "y"}, check=True
    )
    assert done.stdout == f"{AWKWARD}gone"


def test_powershell_is_told_that_the_session_itself_does_not_see_it(local_azure: LocalAzure) -> None:
    done = env(local_azure, "--shell", "powershell")
    assert "only programs that this PowerShell starts find the local Azure" in done.stderr
    assert "`keyless run -- pwsh`" in done.stderr
    assert done.stdout.startswith("Remove-Item Env:")
    assert env(local_azure, "--shell", "sh").stderr == ""


def test_fish_and_powershell_quote_what_would_end_their_strings() -> None:
    assert commands("fish", set_={"X": "a'b\\c"}, unset=["Y"]) == "set -e Y\nset -gx X 'a\\'b\\\\c'"
    expected = "Remove-Item Env:Y -ErrorAction SilentlyContinue\n$env:X = 'a''b'"
    assert commands("powershell", set_={"X": "a'b"}, unset=["Y"]) == expected


@pytest.mark.parametrize("source", ["imds", "service-fabric", "machine-learning"])
def test_up_runs_the_function_on_that_kind_of_host(tmp_path: Path, source: str) -> None:
    command = [sys.executable, "-m", "keyless", "up", "--json", "--source", source]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            function = ready["functions"]["AcquireTokenMsi"]
            with requests.Session() as session:
                session.trust_env = False
                answer = session.get(function["url"], headers={"x-functions-key": function["key"]}, timeout=30)
        finally:
            process.terminate()
            process.communicate(timeout=20)
    assert answer.status_code == 200, answer.text
    assert ready["env"] == ready["sources"][source]["set"]
    assert set(ready["sources"]) == set(SOURCES)
