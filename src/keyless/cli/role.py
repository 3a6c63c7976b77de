"""``keyless role``: who may do what in a running local Azure."""

from __future__ import annotations

import json

import click

from keyless.cli.columns import show_rows
from keyless.cli.control_client import connect, reaching_control
from keyless.cli.examples import examples

_ON = "The vault, or VAULT/SECRET. [default: the only vault]"


@click.group()
def role() -> None:
    """Grant, revoke, list and explain roles in a running local Azure."""


@role.command(
    "grant",
    epilog=examples(
        'keyless role grant system "Key Vault Secrets User"',
        'keyless role grant reporting "Key Vault Reader" --on contoso-kv/api-key',
    ),
)
@click.argument("identity")
@click.argument("name", metavar="ROLE")
@click.option("--on", help=_ON)
@click.option("--condition", help="A condition, as `az role assignment create --condition` takes it.")
@reaching_control
def grant(
    *, identity: str, name: str, on: str | None, condition: str | None, url: str | None, token: str | None
) -> None:
    """Give IDENTITY the role ROLE.

    ROLE is a name, such as "Key Vault Secrets User".
    """
    client = connect(url, token)
    body = {"identity": identity, "role": name, "on": client.vault(on)}
    made = client.ask("POST", "roles", body=body if condition is None else {**body, "condition": condition})
    click.echo(f"{made['identity']} has {made['role']} on {made['on']}{' with a condition' if condition else ''}.")


@role.command("revoke", epilog=examples('keyless role revoke system "Key Vault Secrets User"'))
@click.argument("identity")
@click.argument("name", metavar="ROLE")
@click.option("--on", help=_ON)
@reaching_control
def revoke(*, identity: str, name: str, on: str | None, url: str | None, token: str | None) -> None:
    """Take the role ROLE from IDENTITY."""
    client = connect(url, token)
    where = client.vault(on)
    client.ask("DELETE", "roles", body={"identity": identity, "role": name, "on": where})
    click.echo(f"{identity} no longer has {name} on {where}.")


@role.command("explain", epilog=examples("keyless role explain system getSecret contoso-kv/db-password"))
@click.argument("identity")
@click.argument("action")
@click.argument("on", metavar="VAULT[/SECRET]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@reaching_control
def explain(*, identity: str, action: str, on: str, as_json: bool, url: str | None, token: str | None) -> None:
    """Show why IDENTITY may do ACTION, or why not.

    Each role assignment is listed with what it does for the call. Exits with 1 where the call is refused.
    """
    asked = {"identity": identity, "action": action, "on": on}
    found = connect(url, token).ask("GET", "roles", "explain", query=asked)
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo(f"{'Allowed' if found['allowed'] else 'Refused'}: {found['reason']}")
        for each in found["assignments"]:
            click.echo(f"  {each['role']} on {each['on']} {each['effect']} it: {each['because']}.")
    if not found["allowed"]:
        raise click.exceptions.Exit(1)


@role.command("list", epilog=examples("keyless role list"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@reaching_control
def list_roles(*, as_json: bool, url: str | None, token: str | None) -> None:
    """List the role assignments."""
    found = connect(url, token).ask("GET", "roles")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    rows = []
    for held in found:
        condition = f"  with the condition {' '.join(held['condition'].split())}" if "condition" in held else ""
        rows.append((held["identity"], held["role"], f"on {held['on']}{condition}"))
    show_rows(rows)
