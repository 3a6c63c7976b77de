"""``keyless status``: the local Azures that run, by their numbers."""

from __future__ import annotations

import json
from typing import Any

import click

from keyless.cli.control_client import answering
from keyless.cli.examples import examples


@click.command(epilog=examples("keyless status", "keyless status --json"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(*, as_json: bool) -> None:
    """List the local Azures that run: those of `keyless up` and of `keyless run`.

    The other commands find one that runs alone. With several, name one by its number: --number.
    """
    found: list[dict[str, Any]] = [
        {
            "number": running.number,
            "command": running.what,
            "folder": running.folder,
            "url": running.url,
            "vaults": [vault["name"] for vault in client.ask("GET", "vaults")],
        }
        for running, client in answering()
    ]
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for each in found:
        click.echo(f"{each['number']}  {each['command']}  in {each['folder']}")
        click.echo(f"   {each['url']}  vaults: {', '.join(each['vaults']) or 'none'}")
    if not found:
        click.echo("No local Azure runs. Start one: keyless up")
