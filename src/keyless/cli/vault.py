"""``keyless vault``: the vaults of a running local Azure."""

from __future__ import annotations

import json

import click

from keyless.cli.control_client import connect, reaching_control
from keyless.cli.examples import examples


@click.group()
def vault() -> None:
    """List, add and remove vaults of a running local Azure."""


@vault.command("list", epilog=examples("keyless vault list"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@reaching_control
def list_vaults(*, as_json: bool, url: str | None, token: str | None) -> None:
    """List the vaults and their addresses."""
    found = connect(url, token).ask("GET", "vaults")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for each in found:
        click.echo(f"{each['name']}  {each['url']}")


@vault.command("add", epilog=examples("keyless vault add fabrikam-kv"))
@click.argument("name")
@reaching_control
def add_vault(*, name: str, url: str | None, token: str | None) -> None:
    """Add the empty vault NAME, with the settings of a new one in Azure.

    Identities have no role on it yet: `keyless role grant`.
    """
    made = connect(url, token).ask("POST", "vaults", body={"name": name})
    click.echo(f"{made['name']} is at {made['url']}.")


@vault.command("remove", epilog=examples("keyless vault remove fabrikam-kv"))
@click.argument("name")
@reaching_control
def remove_vault(*, name: str, url: str | None, token: str | None) -> None:
    """Delete the vault NAME, as Azure does.

    Its address no longer exists. `keyless vault add` recovers it.
    """
    connect(url, token).ask("DELETE", "vaults", name)
    click.echo(f"{name} is removed.")
