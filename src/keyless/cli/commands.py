"""The command ``keyless``: its commands, each loaded when it is called, and how its errors are shown."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

import keyless as package
from keyless.cli.examples import examples
from keyless.errors import KeylessError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What shells answer where Ctrl+C ended a program.
_INTERRUPTED: Final = 130


class _Entry(NamedTuple):
    """A command that is loaded when it is called.

    Attributes:
        module: The module of ``keyless.cli`` that has it.
        name: Its name there.
        section: Where the list of commands shows it.
        short_help: What it shows, in at most 45 characters.
    """

    module: str
    name: str
    section: str
    short_help: str


_START: Final = "Start"
_LOOK: Final = "Look at a local Azure"
_CHANGE: Final = "Change a local Azure"
_AZURE: Final = "In Azure and here"


COMMANDS: Final[Mapping[str, _Entry]] = MappingProxyType(
    {
        "audit": _Entry("audit", "audit", _AZURE, "Find what Azure retires, in your files."),
        "certificate": _Entry("certificate", "certificate", _CHANGE, "Create, import, show and renew certificates."),
        "console": _Entry("console", "console", _LOOK, "Open the console in the browser."),
        "demo": _Entry("demo", "demo", _START, "Watch a function read a secret."),
        "doctor": _Entry("doctor", "doctor", _AZURE, "Find out why a secret cannot be read."),
        "drill": _Entry("drill", "drill", _START, "Run a program while something goes wrong."),
        "env": _Entry("env", "env", _LOOK, "Print the variables that programs need."),
        "exec": _Entry("exec", "execute", _AZURE, "Run a program with Key Vault references."),
        "export": _Entry("exchange", "export", _CHANGE, "Write vaults, identities, roles to a file."),
        "fault": _Entry("fault", "fault", _CHANGE, "Add, list and clear faults."),
        "get": _Entry("get", "get", _AZURE, "Print the value of a secret."),
        "identity": _Entry("identity", "identity", _CHANGE, "List, add and remove identities."),
        "import": _Entry("exchange", "import_file", _CHANGE, "Add what a keyless.toml or .env file has."),
        "init": _Entry("init", "init", _START, "Write a small project that works."),
        "journal": _Entry("journal", "journal", _LOOK, "Print each request, and why it was refused."),
        "key": _Entry("key", "key", _CHANGE, "Create, show, list and delete keys."),
        "report": _Entry("report", "report", _LOOK, "Print the smallest roles that suffice."),
        "role": _Entry("role", "role", _CHANGE, "Grant, revoke, list and explain roles."),
        "run": _Entry("run", "run", _START, "Run your program with a local Azure."),
        "secret": _Entry("secret", "secret", _CHANGE, "Set, show, list and delete secrets."),
        "status": _Entry("status", "status", _LOOK, "List the local Azures that run."),
        "up": _Entry("up", "up", _START, "Run a local Azure until Ctrl+C."),
        "vault": _Entry("vault", "vault", _CHANGE, "List, add and remove vaults."),
    }
)


class _Group(click.Group):
    """Loads a command when it is called, and shows each error in one form.

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
        width = max(map(len, COMMANDS))
        for section in (_START, _LOOK, _CHANGE, _AZURE):
            with formatter.section(section):
                formatter.write_dl(
                    [
                        (name.ljust(width), found.short_help)
                        for name, found in COMMANDS.items()
                        if found.section == section
                    ]
                )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[click.shell_completion.CompletionItem]:
        names = [name for name in COMMANDS if name.startswith(incomplete)]
        # Options complete as they do elsewhere; that of click loads every command for its help.
        return [
            *(click.shell_completion.CompletionItem(name, help=COMMANDS[name].short_help) for name in names),
            *click.Command.shell_complete(self, ctx, incomplete),
        ]

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        with _errors_shown():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _errors_shown():
            return super().invoke(ctx)


@contextmanager
def _errors_shown() -> Iterator[None]:
    """Show an error in one form, no matter who raised it, and end with its exit code."""
    try:
        yield
    except click.exceptions.NoArgsIsHelpError:  # It is the help of a group.
        raise
    except (KeylessError, click.ClickException) as error:
        from keyless.cli.shown_error import show_error, show_usage_error  # noqa: PLC0415 (a command that is well need not load it)

        if isinstance(error, KeylessError):
            show_error(error)
            raise click.exceptions.Exit(1) from None
        show_usage_error(error)
        raise click.exceptions.Exit(error.exit_code) from None
    except click.Abort:  # Ctrl+C at a question.
        click.echo("", err=True)
        raise click.exceptions.Exit(_INTERRUPTED) from None


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "keyless demo",
        "keyless init pytest",
        "keyless run python app.py",
        "keyless run --help    # and of each other one",
    ),
)
@click.version_option(package.__version__, prog_name="keyless")
def keyless() -> None:
    """Read Azure Key Vault secrets with a managed identity: in Azure, or with a local emulator of both."""
