"""``keyless key``: the keys of a running local Azure."""

from __future__ import annotations

import json

import click

from keyless.cli.control_client import connect, reaching_control
from keyless.cli.examples import examples

_VAULT = "The vault. [default: the only one]"


@click.group()
def key() -> None:
    """Create, list, show, delete and rotate keys of a running local Azure.

    Private keys stay in their vault.
    """


@key.command("create", epilog=examples("keyless key create signing --type EC --curve P-256"))
@click.argument("name")
@click.option("--vault", help=_VAULT)
@click.option("--type", "kty", default="RSA", show_default=True, help="RSA, RSA-HSM, EC or EC-HSM.")
@click.option("--size", type=int, metavar="BITS", help="The size of an RSA key: 2048, 3072 or 4096.")
@click.option("--curve", help="The curve of an EC key: P-256, P-256K, P-384 or P-521.")
@click.option(
    "--op", "operations", multiple=True, help="An operation that it allows, such as sign. Repeat it for more."
)
@click.option("--expires-on", metavar="TIME", help="When it expires, such as 2030-01-31T12:00:00Z.")
@reaching_control
def create_key(
    *,
    name: str,
    vault: str | None,
    kty: str,
    size: int | None,
    curve: str | None,
    operations: tuple[str, ...],
    expires_on: str | None,
    url: str | None,
    token: str | None,
) -> None:
    """Make a new version of the key NAME."""
    client = connect(url, token)
    given = {"size": size, "curve": curve, "expires_on": expires_on, "key_ops": list(operations) or None}
    body = {"kty": kty, **{field: value for field, value in given.items() if value is not None}}
    made = client.ask("PUT", "vaults", client.vault(vault), "keys", name, body=body)
    click.echo(f"{made['name']} is now at version {made['version']}.")


@key.command("list", epilog=examples("keyless key list"))
@click.option("--vault", help=_VAULT)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@reaching_control
def list_keys(*, vault: str | None, as_json: bool, url: str | None, token: str | None) -> None:
    """List the keys."""
    client = connect(url, token)
    found = client.ask("GET", "vaults", client.vault(vault), "keys")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for item in found:
        click.echo(f"{item['name']}  {item['version']}  {item['kty']}  {'enabled' if item['enabled'] else 'disabled'}")


@key.command("show", epilog=examples("keyless key show signing"))
@click.argument("name")
@click.option("--vault", help=_VAULT)
@click.option("--version", help="The version to show. [default: the latest]")
@reaching_control
def show_key(*, name: str, vault: str | None, version: str | None, url: str | None, token: str | None) -> None:
    """Show the key NAME with its public part."""
    client = connect(url, token)
    query = {"version": version} if version else {}
    click.echo(json.dumps(client.ask("GET", "vaults", client.vault(vault), "keys", name, query=query), indent=2))


@key.command("delete", epilog=examples("keyless key delete signing"))
@click.argument("name")
@click.option("--vault", help=_VAULT)
@reaching_control
def delete_key(*, name: str, vault: str | None, url: str | None, token: str | None) -> None:
    """Delete the key NAME, as Azure does.

    It can be recovered until it is purged.
    """
    client = connect(url, token)
    until = client.ask("DELETE", "vaults", client.vault(vault), "keys", name)["scheduled_purge_on"]
    click.echo(f"{name} is deleted" + (f"; it can be recovered until {until}." if until else " for good."))


@key.command("rotate", epilog=examples("keyless key rotate signing"))
@click.argument("name")
@click.option("--vault", help=_VAULT)
@reaching_control
def rotate_key(*, name: str, vault: str | None, url: str | None, token: str | None) -> None:
    """Make a new version of the key NAME, like its latest one."""
    client = connect(url, token)
    made = client.ask("POST", "vaults", client.vault(vault), "keys", name, "rotate", body={})
    click.echo(f"{made['name']} is now at version {made['version']}.")
