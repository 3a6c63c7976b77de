"""The command ``keyless`` and how its errors are shown."""

from __future__ import annotations

from typing import Any

import click

import keyless as package
from keyless.cli.demo import demo
from keyless.cli.doctor import doctor
from keyless.cli.drill import drill
from keyless.cli.env import env
from keyless.cli.exchange import export, import_file
from keyless.cli.exec import execute
from keyless.cli.fault import fault
from keyless.cli.get import get
from keyless.cli.journal import journal
from keyless.cli.report import report
from keyless.cli.role import role
from keyless.cli.run import run
from keyless.cli.secret import secret
from keyless.cli.up import up
from keyless.errors import KeylessError


class _Group(click.Group):
    """Shows a KeylessError as three lines, and nothing of the program's inside."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeylessError as error:
            click.echo(f"error [{error.kl_code}]: {error.what}", err=True)
            click.echo(f"  cause:  {error.cause}", err=True)
            click.echo(f"  remedy: {error.remedy}", err=True)
            ctx.exit(1)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package.__version__, prog_name="keyless")
def keyless() -> None:
    """Azure Key Vault secrets by managed identity, and the same Azure on this machine."""


for command in (
    demo,
    doctor,
    drill,
    env,
    execute,
    export,
    fault,
    get,
    import_file,
    journal,
    report,
    role,
    run,
    secret,
    up,
):
    keyless.add_command(command)
