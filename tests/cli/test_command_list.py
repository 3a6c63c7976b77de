"""The list of commands, and that a command loads nothing of the others."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from keyless.cli.commands import COMMANDS, keyless

if TYPE_CHECKING:
    from collections.abc import Iterator

# What takes long to load, and is needed by the local Azure or the doctor alone.
HEAVY = ("aiohttp", "msal", "requests", "cryptography", "rich")


def test_the_list_of_commands_fits_a_terminal_of_80_columns() -> None:
    listed = CliRunner().invoke(keyless, ["--help"], terminal_width=80).output

    for name, entry in COMMANDS.items():
        assert f"  {name.ljust(max(map(len, COMMANDS)))}  {entry.short_help}\n" in listed
        assert len(entry.short_help) <= 45


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_loaded_by_its_name(name: str) -> None:
    told = CliRunner().invoke(keyless, [name, "--help"])

    assert (told.exit_code, told.output.partition("\n")[0][: len(f"Usage: keyless {name}")]) == (
        0,
        f"Usage: keyless {name}",
    )


def helps(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from helps(command, (*path, name))
        else:
            yield (*path, name), CliRunner().invoke(keyless, [*path, name, "--help"], terminal_width=80).output


def test_no_line_of_the_list_of_a_group_is_cut_off() -> None:
    groups = [name for name in COMMANDS if isinstance(keyless.get_command(click.Context(keyless), name), click.Group)]
    shown = [CliRunner().invoke(keyless, [name, "--help"], terminal_width=80).output for name in groups]

    assert [line for text in shown for line in text.splitlines() if line.endswith("...") and "ARGS" not in line] == []
    assert len(groups) == 7


def test_every_command_shows_examples_of_itself_in_80_columns() -> None:
    shown = dict(helps(keyless))
    for path, text in shown.items():
        # How click names types of its own.
        assert re.findall(r"INTEGER|FLOAT|RANGE|%Y", text) == [], path
        examples = [line.strip() for line in text.partition("\n  Examples:\n")[2].splitlines() if line.strip()]
        assert any(f"keyless {' '.join(path)}" in line for line in examples), path
        assert [line for line in text.splitlines() if len(line) > 80] == [], path
    assert len(shown) > 25


@pytest.mark.parametrize(
    ("typed", "what", "usage", "remedy"),
    [
        (
            "ru",
            "No such command 'ru'.",
            "[OPTIONS] COMMAND [ARGS]...",
            "Did you mean run? List the commands: keyless --help.",
        ),
        ("fuction", "No such command 'fuction'.", "[OPTIONS] COMMAND [ARGS]...", "List the commands: keyless --help."),
        ("secret sett", "No such command 'sett'.", "secret [OPTIONS] COMMAND [ARGS]...", "Did you mean set? List the"),
        ("--hlep", "No such option '--hlep'.", "[OPTIONS] COMMAND [ARGS]...", "Did you mean --help? List the commands"),
        ("run --sorce imds", "No such option '--sorce'.", "run [OPTIONS] COMMAND...", "Did you mean --source? See its"),
        (
            "run",
            "Missing argument 'COMMAND...'.",
            "run [OPTIONS] COMMAND...",
            "See its options and examples: keyless run",
        ),
        ("env --shell fsh", "'fsh' is not one of", "env [OPTIONS]", "Did you mean fish? See its options"),
    ],
)
def test_what_is_typed_wrongly_is_refused_in_the_form_of_every_error(
    typed: str, what: str, usage: str, remedy: str
) -> None:
    refused = CliRunner().invoke(keyless, typed.split())

    first, second, third = refused.stderr.splitlines()
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert (first.startswith("error: "), what in first) == (True, True)
    assert second == f"  usage:  keyless {usage}"
    assert third.startswith(f"  remedy: {remedy}")


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_an_error_has_colours_at_a_terminal_alone_and_none_with_no_color(no_color: str, *, coloured: bool) -> None:
    pty = pytest.importorskip("pty")
    shown, terminal = pty.openpty()
    command = [sys.executable, "-m", "keyless", "nonsense"]
    environment = {**os.environ, "NO_COLOR": no_color}
    subprocess.run(command, stderr=terminal, env=environment, check=False, timeout=60)
    piped = subprocess.run(command, capture_output=True, env=environment, check=False, timeout=60).stderr

    assert (b"\x1b[31m" in os.read(shown, 4096), b"\x1b" in piped) == (coloured, False)


def test_the_command_alone_shows_its_help() -> None:
    assert CliRunner().invoke(keyless, []).output.startswith("Usage: keyless [OPTIONS] COMMAND")


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--version"], *([name, "--help"] for name in ("role", "run", "up", "secret", "doctor", "get"))],
    ids=" ".join,
)
def test_help_loads_nothing_that_takes_long(words: list[str]) -> None:
    program = (
        "import sys; from click.testing import CliRunner; from keyless.cli.commands import keyless; "
        f"assert CliRunner().invoke(keyless, {words!r}).exit_code == 0; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert ran.stdout.strip() == "[]"


def test_completion_names_the_commands_and_loads_none() -> None:
    environment = {
        **os.environ,
        "_KEYLESS_COMPLETE": "bash_complete",
        "COMP_WORDS": "keyless r",
        "COMP_CWORD": "1",
    }
    program = (
        "import sys; from contextlib import suppress; from keyless.cli import main; sys.argv = ['keyless']\n"
        f"with suppress(SystemExit): main()\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment, timeout=60
    )

    assert ran.stdout.splitlines() == ["plain,report", "plain,role", "plain,run", "[]"]
