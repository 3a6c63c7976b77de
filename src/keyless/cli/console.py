"""``keyless console``: open the console of a running local Azure."""

from __future__ import annotations

import webbrowser

import click

from keyless.cli.control_client import connect, reaching_control
from keyless.cli.examples import examples


@click.command(epilog=examples("keyless console", "keyless console --print"))
@click.option("--print", "only_print", is_flag=True, help="Print the link, and open no browser.")
@reaching_control
def console(*, only_print: bool, url: str | None, token: str | None) -> None:
    """Open the console of the running local Azure in the browser.

    The link is printed, too. Each link works once.
    """
    link = connect(url, token).ask("POST", "console")["url"]
    click.echo(link)
    if not only_print:
        webbrowser.open(link)
