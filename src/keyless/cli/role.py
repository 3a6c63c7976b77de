"""``keyless role``: who may do what in a running local Azure."""

from __future__ import annotations

import json

import click

from keyless.cli.control_client import connect, reaching_control

_ON = "The vault, or VAULT/SECRET. [default: the only vault]"


@click.group()
def role() -> None:
    """Grant, revoke and list roles in a running `keyless up`."""


@role.command("grant")
@click.argument("identity")
@click.argument("name", metavar="ROLE")
@click.option("--on", help=_ON)
@reaching_control
def grant(*, identity: str, name: str, on: str | None, url: str | None, token: str | None) -> None:
    """Give the identity IDENTITY the role ROLE, such as "Key Vault Secrets User"."""
    client = connect(url, token)
    made = client.ask("POST", "roles", body={"identity": identity, "role": name, "on": client.vault(on)})
    click.echo(f"{made['identity']} has {made['role']} on {made['on']}.")


@role.command("revoke")
@click.argument("identity")
@click.argument("name", metavar="ROLE")
@click.option("--on", help=_ON)
@reaching_control
def revoke(*, identity: str, name: str, on: str | None, url: str | None, token: str | None) -> None:
    """Take the role ROLE from the identity IDENTITY."""
    client = connect(url, token)
    where = client.vault(on)
    client.ask("DELETE", "roles", body={"identity": identity, "role": name, "on": where})
    click.echo(f"{identity} no longer has {name} on {where}.")


@role.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@reaching_control
def list_roles(*, as_json: bool, url: str | None, token: str | None) -> None:
    """List who has which role where."""
    found = connect(url, token).ask("GET", "roles")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for held in found:
        click.echo(f"{held['identity']}  {held['role']}  on {held['on']}")
