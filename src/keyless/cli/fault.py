"""``keyless fault``: let things go wrong in a running local Azure, as they do in production."""

from __future__ import annotations

import json

import click

from keyless.cli.control_client import connect, reaching_control
from keyless.cli.examples import examples

_NARROWING = ("operation", "identity", "vault", "secret", "key", "certificate", "source")


@click.group()
def fault() -> None:
    """Add, list and clear faults in a running `keyless up`."""


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
@click.option("--times", type=click.IntRange(min=1), help="Only the next so many requests. [default: until cleared]")
@click.option("--share", type=click.FloatRange(0, 1, min_open=True), default=1.0, help="Only this share of them.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Which ones: the same for the same number.")
@click.option("--retry-after", type=click.IntRange(min=0), help="Seconds that Retry-After says. [default: none]")
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
    """Let the fault NAME strike; `keyless fault list` says which there are."""
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
    click.echo(f"{made['name']} strikes now; keyless fault clear {made['id']} ends it.")


@fault.command("list", epilog=examples("keyless fault list"))
@click.option("--json", "as_json", is_flag=True, help="Print all that is known of them.")
@reaching_control
def list_faults(*, as_json: bool, url: str | None, token: str | None) -> None:
    """List the faults that strike, and those that could be added."""
    found = connect(url, token).ask("GET", "faults")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for active in found["active"]:
        only = " ".join(f"{name}={active[name]}" for name in _NARROWING if active[name])
        left = "until cleared" if active["times"] is None else f"{active['times']} more"
        click.echo(f"{active['id']}  {active['name']}  {only or 'every request'}  {left}")
    click.echo(f"Known: {', '.join(found['known'])}.")


@fault.command("clear", epilog=examples("keyless fault clear"))
@click.argument("fault_id", metavar="[ID]", required=False)
@reaching_control
def clear(*, fault_id: str | None, url: str | None, token: str | None) -> None:
    """End the fault ID, or all of them."""
    client = connect(url, token)
    client.ask("DELETE", "faults", *([fault_id] if fault_id else []))
    click.echo("Nothing goes wrong any more." if fault_id is None else f"The fault {fault_id} is over.")
