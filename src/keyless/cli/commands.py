"""The command ``keyless``: its commands, each loaded when it is called, and how its errors are shown."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

import keyless as package
from keyless.errors import KeylessError

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Entry(NamedTuple):
    """A command that is loaded when it is called.

    Attributes:
        module: The module of ``keyless.cli`` that has it.
        name: Its name there.
        short_help: What the list of commands shows, in at most 45 characters.
    """

    module: str
    name: str
    short_help: str


COMMANDS: Final[Mapping[str, _Entry]] = MappingProxyType(
    {
        "audit": _Entry("audit", "audit", "Look for what Azure stops, in files."),
        "certificate": _Entry("certificate", "certificate", "Create, import, show and renew certificates."),
        "console": _Entry("console", "console", "Open the console of a local Azure."),
        "demo": _Entry("demo", "demo", "Watch the function read a secret."),
        "doctor": _Entry("doctor", "doctor", "Find out why a secret cannot be read."),
        "drill": _Entry("drill", "drill", "Run a program while something goes wrong."),
        "env": _Entry("env", "env", "Print the environment of a local Azure."),
        "exec": _Entry("exec", "execute", "Run a program with references resolved."),
        "export": _Entry("exchange", "export", "Write what the local Azure holds to a file."),
        "fault": _Entry("fault", "fault", "Add, list and clear faults."),
        "get": _Entry("get", "get", "Print the value of a secret."),
        "identity": _Entry("identity", "identity", "List, add and remove identities."),
        "import": _Entry("exchange", "import_file", "Add what a file holds to a local Azure."),
        "init": _Entry("init", "init", "Write a small start that works."),
        "journal": _Entry("journal", "journal", "Print what was asked, and why it was refused."),
        "key": _Entry("key", "key", "Create, show, list and delete keys."),
        "report": _Entry("report", "report", "Print the smallest roles that suffice."),
        "role": _Entry("role", "role", "Grant, revoke, list and explain roles."),
        "run": _Entry("run", "run", "Run a program with the local Azure."),
        "secret": _Entry("secret", "secret", "Set, show, list and delete secrets."),
        "status": _Entry("status", "status", "List the local Azures that run."),
        "up": _Entry("up", "up", "Run the local Azure until Ctrl+C."),
        "vault": _Entry("vault", "vault", "List, add and remove vaults."),
    }
)


class _Group(click.Group):
    """Loads a command when it is called, and shows a KeylessError as three lines.

    Loading all of them takes longer than most of them run, and completion in a shell lists them at each TAB.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (as above)
        found = COMMANDS.get(cmd_name)
        if found is None:
            return None
        command: click.Command = getattr(import_module(f"keyless.cli.{found.module}"), found.name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 (as above)
        with formatter.section("Commands"):
            formatter.write_dl([(name, found.short_help) for name, found in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[click.shell_completion.CompletionItem]:
        names = [name for name in COMMANDS if name.startswith(incomplete)]
        # Options complete as they do elsewhere; that of click loads every command for its help.
        return [
            *(click.shell_completion.CompletionItem(name, help=COMMANDS[name].short_help) for name in names),
            *click.Command.shell_complete(self, ctx, incomplete),
        ]

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeylessError as error:
            _show(error)
            ctx.exit(1)


def _show(error: KeylessError) -> None:
    """Show an error in lines as wide as the terminal, which breaks a command by itself, so that it can be copied whole."""
    import shutil  # noqa: PLC0415 (a command that is well need not load it)
    import sys  # noqa: PLC0415 (as above)
    import textwrap  # noqa: PLC0415 (as above)

    from keyless._remedies.paragraphs import parts_of  # noqa: PLC0415 (as above)

    width = shutil.get_terminal_size().columns if sys.stderr.isatty() else sys.maxsize

    def show(text: str, indent: str) -> None:
        for line in textwrap.wrap(
            text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        ):
            click.echo(line, err=True)

    show(f"error [{error.kl_code}]: {error.what}", "  ")
    show(f"  cause:  {error.cause}", " " * 10)
    for part in parts_of(f"remedy: {error.remedy}"):
        if part.is_command:
            click.echo(f"{' ' * 12}{part.text}", err=True)
        else:
            show(f"{'  ' if part.text.startswith('remedy:') else ' ' * 10}{part.text}", " " * 10)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package.__version__, prog_name="keyless")
def keyless() -> None:
    """Azure Key Vault secrets by managed identity, and the same Azure on this machine."""
