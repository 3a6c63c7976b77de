"""``keyless fault``: let things go wrong in a running local Azure, as they do in production."""

from __future__ import annotations

import json

import click

from keyless.cli.control_client import connect, reaching_control
from keyless.cli.examples import examples

_NARROWING = ("operation", "identity", "vault", "secret", "key", "certificate", "source")


@click.group()
def fault() -> None:
    """Add, list and clear faults in a running local Azure."""


@fault.command(
    "add",
    epilog=examples(
        "keyless fault add throttled --times 3", "keyless fault add firewall --vault contoso-kv --share 0.5"
    ),
)
@click.argument("name")
@click.option("--operation", help="Only this operation, such as getSecret.")
@click.option("--identity", help="Only requests of this identity.")
@click.option("--vault", help="Only requests to this vault.")
@click.option("--secret", help="Only requests for this secret.")
@click.option("--key", help="Only requests for this key.")
@click.option("--certificate", help="Only requests for this certificate.")
@click.option("--source", help="Only this source of managed identities, such as imds.")
@click.option(
    "--times", type=click.IntRange(min=1), metavar="N", help="Only the next N requests. [default: until cleared]"
)
@click.option(
    "--share",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="SHARE",
    default=1.0,
    help="Only this share of the requests, such as 0.5. [default: 1]",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    default=0,
    help="Seed of the choice that --share makes. [default: 0]",
)
@click.option(
    "--retry-after",
    type=click.IntRange(min=0),
    metavar="SECONDS",
    help="The Retry-After of the answers. [default: none]",
)
@reaching_control
def add(
    *,
    name: str,
    operation: str | None,
    identity: str | None,
    vault: str | None,
    secret: str | None,
    key: str | None,
    certificate: str | None,
    source: str | None,
    times: int | None,
    share: float,
    seed: int,
    retry_after: int | None,
    url: str | None,
    token: str | None,
) -> None:
    """Start the fault NAME. `keyless fault list` shows all names."""
    body = {
        **dict(zip(_NARROWING, (operation, identity, vault, secret, key, certificate, source), strict=True)),
        "name": name,
        "times": times,
        "share": share,
        "seed": seed,
        "headers": None if retry_after is None else {"Retry-After": str(retry_after)},
    }
    given = {field: value for field, value in body.items() if value is not None}
    made = connect(url, token).ask("POST", "faults", body=given)
    click.echo(f"{made['name']} is active. To end it: keyless fault clear {made['id']}")


@fault.command("list", epilog=examples("keyless fault list"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@reaching_control
def list_faults(*, as_json: bool, url: str | None, token: str | None) -> None:
    """List the active faults, and the names of all."""
    found = connect(url, token).ask("GET", "faults")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for active in found["active"]:
        only = " ".join(f"{name}={active[name]}" for name in _NARROWING if active[name])
        left = "until cleared" if active["times"] is None else f"{active['times']} more"
        click.echo(f"{active['id']}  {active['name']}  {only or 'every request'}  {left}")
    if not found["active"]:
        click.echo("No fault is active.")
    click.echo(f"You can add: {', '.join(found['known'])}.")


@fault.command("clear", epilog=examples("keyless fault clear"))
@click.argument("fault_id", metavar="[ID]", required=False)
@reaching_control
def clear(*, fault_id: str | None, url: str | None, token: str | None) -> None:
    """End the fault ID, or all faults."""
    client = connect(url, token)
    client.ask("DELETE", "faults", *([fault_id] if fault_id else []))
    click.echo("No fault is active any more." if fault_id is None else f"The fault {fault_id} is over.")
