"""Every command in the documents works: those of Keyless are run as they stand, and of each other one a table says why not."""

from __future__ import annotations

import base64
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from keyless.cli.commands import keyless

if TYPE_CHECKING:
    from keyless.local.server import LocalAzure

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
URL = "https://contoso-kv.vault.azure.net"

# Commands that ask a local Azure that runs.
REACHING = {
    "certificate",
    "env",
    "export",
    "fault",
    "identity",
    "import",
    "journal",
    "key",
    "report",
    "role",
    "secret",
    "vault",
}
# What a reader puts in the place of a word.
STANDS_FOR = {"CMD": "true", "COMMAND": "true", "NAME": "db-password", "URL": URL, "DIR": "app", "FILE": "azure.toml"}
# Programs that stand in for toolchains here: what `keyless run` does for the real ones is in tests/clients and tests/cli.
STOOD_IN_FOR = ("bash", "cargo", "dotnet", "func", "go", "java", "mvn", "node", "pwsh", "pytest")
# Programs whose commands are not run here, and why.
NOT_RUN = {
    "az": "tests/az/test_printed_lines.py runs each with the real az, or says why it cannot",
    "azd": "needs a subscription; its hooks are run in tests/infra and tests/function/test_package.py",
    "curl": "asks a deployed function; the dev host is asked the same in tests/function",
    "docker": "needs a host for containers; the folder that it is for is tried in tests/sdk/test_identity_matrix.py",
    "env": "the shell's own",
    "func": "Azure Functions Core Tools need a subscription to publish",
    "git": "a reader's clone",
    "source": "the shell's own",
    "eval": "what it evaluates is evaluated by real shells in tests/cli/test_env.py",
    "make": "its targets are looked up by the test below, and run by CI",
    "pip": "the package is built, installed and run in tests/function/test_package.py",
    "pytest": "runs in tests/plugin",
    "python": "a reader's own program, or a benchmark",
    "sudo": "changes the machine; the same is done as root in tests/sdk/test_identity_matrix.py, where it may be",
    "unset": "the shell's own",
    "unshare": "needs rights that not every machine gives; tests/sdk/test_identity_matrix.py uses it where it can be had",
}
# Drills: a command may go on for as long as its program does.
DRILL = {"keyless drill NAME -- CMD": "keyless drill rotation --after 0.1 -- sleep 0.3", "--after 5": "--after 0.1"}


def documented() -> list[str]:
    """Return each command of the documents once: of code spans, indented lines and console blocks."""
    found = set()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        lines = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text) + re.findall(r"^    (\S.*)$", text, re.MULTILINE)
        for block in re.findall(r"```(?:console|sh|bash)\n(.*?)```", text, re.DOTALL):
            lines += block.splitlines()
        found |= {re.sub(r"(\s+#.*|\s+&)+$", "", line.removeprefix("$ ")).strip() for line in lines}
    # A span of OpenTelemetry is called `keyless get_secret`.
    return sorted(line for line in found if re.match(rf"({'|'.join(['keyless', *NOT_RUN])}) (?!get_)", line))


def is_mention(command: str) -> bool:
    """Whether it names a command, or several, and is none to type: something is left out."""
    first, *rest = command.split()[1:]
    return (
        not rest
        or bool(re.search(r"\w\|\w|\[", command))
        or (first in {"secret", "role", "fault", "key", "certificate", "identity", "vault"} and len(rest) == 1)
        or rest[-1] in {"--data", "--functions"}
        or (first == "run" and ("--source" in rest[-2:] or rest == ["--quiet"]))
        or rest[-1] in {"--source", "..."}
        or first == "console"  # It opens a browser; tests/local/console tries it.
    )


OURS = [command for command in documented() if command.startswith("keyless ")]
MENTIONED = [command for command in OURS if is_mention(command)]
SERVED = [command for command in OURS if command not in MENTIONED and command.startswith("keyless up")]
# The walk with the real az is run in tests/az/test_walk.py.
RUN = [command for command in OURS if command not in MENTIONED and command not in SERVED and "walk.sh" not in command]


def words(command: str) -> list[str]:
    """Return what a reader types after ``keyless``."""
    for said, meant in DRILL.items():
        command = command.replace(said, meant)
    typed = shlex.split(re.split("[|>]", command.replace("\\|", "|"))[0])[1:]
    # The doctor's five seconds are too few where the machine is busy.
    patient = ["--timeout", "60"] if typed[0] == "doctor" else []
    return [*(STANDS_FOR.get(word, word) for word in typed if word != "--follow"), *patient]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a reader stands: with programs of their own, a function app, and the toolchains of their language."""
    for name in ("app.py", "my_program.py", "worker.py", "app.mjs"):
        (tmp_path / name).write_text("", encoding="utf-8")
    (tmp_path / "function_app.py").write_text(
        "import azure.functions as func\napp = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)\n"
        "@app.route('told')\ndef told(req): return 'told'\n"
    )
    for name in ("app", "my-app"):
        (tmp_path / name).symlink_to(ROOT / "function_app")
    (tmp_path / "infra").mkdir()
    (tmp_path / ".env").write_text("DB_PASSWORD=s3cr3t\n")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "python").symlink_to(sys.executable)
    for name in STOOD_IN_FOR:
        (programs / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (programs / name).chmod(stat.S_IRWXU)
    commands = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{commands}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", MENTIONED)
def test_a_command_that_is_mentioned_is_there(command: str) -> None:
    typed = re.sub(r"[\[\]]", "", command).split()[1:]
    options = [word for word in typed if word.startswith("--")]
    names = typed[: typed.index(options[0])] if options else typed
    lasts = names[-1].split("|") if names else []
    for asked in [[*names[:-1], last, "--help"] for last in lasts] or [["--help"]]:
        told = CliRunner().invoke(keyless, asked)
        assert told.exit_code == 0, told.output
        assert [option for option in options if option not in told.output] == []


@pytest.mark.parametrize("command", RUN)
def test_a_command_works_as_it_stands(
    command: str,
    folder: Path,
    local_azure: LocalAzure,
    azure_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    typed = words(command)
    if typed[0] in REACHING:
        monkeypatch.setenv("KEYLESS_CONTROL_URL", local_azure.control_url)
        monkeypatch.setenv("KEYLESS_CONTROL_TOKEN", local_azure.control_token)
        if "site" in typed:
            made = CliRunner().invoke(keyless, ["certificate", "create", "site", "--type", "EC"])
            assert made.exit_code == 0, made.output
            (folder / "site.pfx").write_bytes(
                base64.b64decode(local_azure.vault("contoso-kv").get_secret("site").value)
            )
        if "signing" in typed:
            local_azure.vault("contoso-kv").create_key("signing", "EC")
        if typed[:2] == ["vault", "remove"]:
            local_azure.azure.add_vault(typed[2])
        if typed[:3] == ["role", "grant", "batch"]:
            local_azure.azure.add_identity("batch")
        if typed[0] == "import":
            for file in ("azure.toml", "keyless.toml"):
                exported = CliRunner().invoke(keyless, ["export", file, "--with-values"])
                assert exported.exit_code == 0, exported.output
    ran = CliRunner().invoke(keyless, typed)
    assert ran.exit_code == 0, f"{ran.output}{ran.exception}"


@pytest.mark.parametrize("command", SERVED)
def test_a_command_that_serves_says_so_and_stops_when_it_is_told_to(command: str, folder: Path) -> None:
    serving = subprocess.Popen(
        [sys.executable, "-m", "keyless", *words(command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert serving.stdout is not None
    # A signal may end it in the midst of what it says, so it is told to stop when an address has been seen.
    said = ""
    while "http" not in said and (line := serving.stdout.readline()):
        said += line
    serving.send_signal(signal.SIGTERM)
    serving.communicate(timeout=20)
    assert "http" in said, said


def test_every_target_of_make_in_the_documents_is_one() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {command.split()[1] for command in documented() if command.startswith("make ") and "=" not in command}
    assert named - targets == set()
    assert named >= {"demo", "test"}


def test_every_program_in_the_console_blocks_is_run_or_named_with_a_reason() -> None:
    typed = {
        line.removeprefix("$ ").split()[0]
        for page in PAGES
        for block in re.findall(r"```(?:console|sh|bash)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        for line in block.splitlines()
        if line.startswith("$ ")
    }
    assert typed - {"keyless", *NOT_RUN} == set()
    assert len(RUN) > 15
