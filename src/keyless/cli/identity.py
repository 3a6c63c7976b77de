"""``keyless identity``: the managed identities of a running local Azure."""

from __future__ import annotations

import json

import click

from keyless.cli.control_client import connect, reaching_control
from keyless.cli.examples import examples


@click.group()
def identity() -> None:
    """List, add and remove managed identities of a running local Azure."""


@identity.command("list", epilog=examples("keyless identity list"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the resource ids.")
@reaching_control
def list_identities(*, as_json: bool, url: str | None, token: str | None) -> None:
    """List the identities with their client ids and object ids."""
    found = connect(url, token).ask("GET", "identities")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for each in found:
        assigned = "" if each["assigned"] else "  not assigned to the host"
        click.echo(f"{each['name']}  {each['kind']}-assigned{assigned}")
        click.echo(f"   client id {each['client_id']}  object id {each['object_id']}")


@identity.command(
    "add", epilog=examples("keyless identity add batch", "keyless role grant batch 'Key Vault Secrets User'")
)
@click.argument("name")
@click.option("--client-id", help="Its client id. [default: derived from NAME]")
@reaching_control
def add_identity(*, name: str, client_id: str | None, url: str | None, token: str | None) -> None:
    """Add the identity NAME, or assign it to the host again.

    The one named `system` is system-assigned, all others are user-assigned. It has no role yet: `keyless role grant`.
    """
    client = connect(url, token)
    if client_id is None and any(
        each["name"] == name and not each["assigned"] for each in client.ask("GET", "identities")
    ):
        made = client.ask("PATCH", "identities", name, body={"assigned": True})
    else:
        body = {"name": name} if client_id is None else {"name": name, "client_id": client_id}
        made = client.ask("POST", "identities", body=body)
    click.echo(f"{made['name']} has the client id {made['client_id']}.")


@identity.command("remove", epilog=examples("keyless identity remove reporting"))
@click.argument("name")
@reaching_control
def remove_identity(*, name: str, url: str | None, token: str | None) -> None:
    """Remove the identity NAME from the host.

    Its ids and roles stay: `keyless identity add` assigns it again.
    """
    connect(url, token).ask("PATCH", "identities", name, body={"assigned": False})
    click.echo(f"{name} is no longer assigned to the host.")
