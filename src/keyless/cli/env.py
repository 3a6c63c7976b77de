"""``keyless env``: the variables that lead a program to the running local Azure, as one kind of host has them."""

from __future__ import annotations

from typing import Any, Final

import click

from keyless.cli.control_client import connect, reaching_control
from keyless.cli.examples import examples
from keyless.cli.shells import SHELLS, Shell, commands
from keyless.cli.source_option import source_option
from keyless.errors import LocalAzureError

_POWERSHELL: Final = (
    "keyless: only programs that this PowerShell starts find the local Azure. Its own commands, such as "
    "Invoke-RestMethod, have read their proxy and their certificates already: for those use `keyless run -- pwsh`."
)


@click.command(epilog=examples('eval "$(keyless env)"', "keyless env --source imds --shell fish | source"))
@source_option()
@click.option(
    "--shell",
    type=click.Choice(SHELLS),
    default="sh",
    show_default=True,
    help="The shell to write for. For bash and zsh use sh.",
)
@reaching_control
def env(*, source: str, shell: Shell, url: str | None, token: str | None) -> None:
    """Print the variables that make this shell a host with a managed identity.

    It unsets those of other kinds of hosts. For example, while `keyless up` runs: eval "$(keyless env --source imds)"
    """
    sources: dict[str, dict[str, Any]] = connect(url, token).ask("GET", "sources", query={"source": source})
    chosen = sources[source]
    if "error" in chosen:
        raise LocalAzureError(**chosen["error"])
    if shell == "powershell":
        click.echo(_POWERSHELL, err=True)
    click.echo(commands(shell, set_=chosen["set"], unset=chosen["unset"]))
