"""The page of the commands: the help of each, as a terminal of 80 columns shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.testing import CliRunner

from keyless.cli.commands import keyless

if TYPE_CHECKING:
    from collections.abc import Iterator


def commands_page() -> str:
    """Return the page."""
    parts = ["# Commands\n\nEach command prints the same with `--help`.\n"]
    for path in _paths(keyless, ()):
        shown = CliRunner().invoke(keyless, [*path, "--help"], terminal_width=80, prog_name="keyless").output
        parts.append(f"## keyless {' '.join(path)}\n\n```text\n{shown.rstrip()}\n```\n")
    return "\n".join(parts)


def _paths(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Return the words of each command that does something."""
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            yield from _paths(command, (*path, name))
        else:
            yield (*path, name)
