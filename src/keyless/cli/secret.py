"""``keyless secret``: the secrets of a running local Azure."""

from __future__ import annotations

import json
import sys

import click

from keyless.cli.columns import show_rows
from keyless.cli.control_client import connect, reaching_control
from keyless.cli.examples import examples
from keyless.errors import ConfigurationError

_VAULT = "The vault. [default: the only one]"


@click.group()
def secret() -> None:
    """Set, list, show, delete and rotate secrets of a running local Azure."""


@secret.command(
    "set", epilog=examples("keyless secret set db-password s3cr3t", "printf s3cr3t | keyless secret set db-password")
)
@click.argument("name")
@click.argument("value", required=False)
@click.option("--vault", help=_VAULT)
@click.option("--content-type", help="Free text about the value.")
@click.option("--disabled", is_flag=True, help="Disable it: reads are refused.")
@click.option("--expires-on", metavar="TIME", help="When it expires, such as 2030-01-31T12:00:00Z.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=TEXT", help="A tag. Repeat it for more.")
@reaching_control
def set_secret(
    *,
    name: str,
    value: str | None,
    vault: str | None,
    content_type: str | None,
    disabled: bool,
    expires_on: str | None,
    tags: tuple[str, ...],
    url: str | None,
    token: str | None,
) -> None:
    """Set the secret NAME to VALUE.

    Without VALUE you are asked for it, or it is read from a pipe. VALUE may be - for standard input. A line break at the
    end of standard input is left out.
    """
    for tag in tags:
        if "=" not in tag:
            raise click.BadParameter(f"{tag!r} is not NAME=TEXT.", param_hint="--tag")
    client = connect(url, token)
    where = client.vault(vault)
    body = {
        "value": _value(value),
        "content_type": content_type,
        "enabled": not disabled,
        "expires_on": expires_on,
        "tags": dict(tag.split("=", 1) for tag in tags),
    }
    made = client.ask("PUT", "vaults", where, "secrets", name, body=body)
    click.echo(f"{made['name']} is now at version {made['version']}.")


def _value(argument: str | None) -> str:
    """Return the value, from standard input also where that is not a terminal, at which nobody could be asked.

    Raises:
        ConfigurationError: If what comes in is not UTF-8, or nothing.
    """
    if argument is None and _at_terminal():
        return str(click.prompt("Value", hide_input=True, confirmation_prompt=True, err=True))
    if argument is not None and argument != "-":
        return argument
    try:
        value = sys.stdin.buffer.read().decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        # Not the error's own words: they quote the value.
        raise ConfigurationError(
            "The value on standard input is not UTF-8.",
            cause=f"Byte {error.start + 1} belongs to no character. Secrets are text.",
            remedy="Convert it first, such as with iconv -f latin1 -t utf-8, or put binary data into base64.",
        ) from None
    if not value and argument is None:
        raise ConfigurationError(
            "No value is given.",
            cause="There is no argument VALUE. Standard input is empty, and not a terminal where you could be asked.",
            remedy="Give the value as an argument or by a pipe; - as the argument takes an empty one, too.",
        )
    return value


def _at_terminal() -> bool:
    return sys.stdin.isatty()


@secret.command("list", epilog=examples("keyless secret list"))
@click.option("--vault", help=_VAULT)
@click.option("--json", "as_json", is_flag=True, help="Print JSON: all but the values.")
@reaching_control
def list_secrets(*, vault: str | None, as_json: bool, url: str | None, token: str | None) -> None:
    """List the secrets, without their values."""
    client = connect(url, token)
    found = client.ask("GET", "vaults", client.vault(vault), "secrets")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    show_rows([(item["name"], item["version"], "enabled" if item["enabled"] else "disabled") for item in found])


@secret.command("show", epilog=examples("keyless secret show db-password", "keyless secret show db-password --value"))
@click.argument("name")
@click.option("--vault", help=_VAULT)
@click.option("--version", help="The version to show. [default: the latest]")
@click.option("--value", "with_value", is_flag=True, help="Print the value, and nothing else.")
@reaching_control
def show_secret(
    *, name: str, vault: str | None, version: str | None, with_value: bool, url: str | None, token: str | None
) -> None:
    """Show the secret NAME. Its value is shown with --value only."""
    client = connect(url, token)
    query = {**({"version": version} if version else {}), **({"value": "true"} if with_value else {})}
    found = client.ask("GET", "vaults", client.vault(vault), "secrets", name, query=query)
    # As bytes: of text, click takes out what looks like a terminal's colours where it writes to no terminal.
    click.echo(found["value"].encode("utf-8", "surrogatepass") if with_value else json.dumps(found, indent=2))


@secret.command("delete", epilog=examples("keyless secret delete db-password"))
@click.argument("name")
@click.option("--vault", help=_VAULT)
@reaching_control
def delete_secret(*, name: str, vault: str | None, url: str | None, token: str | None) -> None:
    """Delete the secret NAME, as Azure does.

    It can be recovered until it is purged.
    """
    client = connect(url, token)
    gone = client.ask("DELETE", "vaults", client.vault(vault), "secrets", name)
    until = gone["scheduled_purge_on"]
    click.echo(f"{name} is deleted" + (f"; it can be recovered until {until}." if until else " for good."))


@secret.command("rotate", epilog=examples("keyless secret rotate db-password"))
@click.argument("name")
@click.option("--vault", help=_VAULT)
@reaching_control
def rotate_secret(*, name: str, vault: str | None, url: str | None, token: str | None) -> None:
    """Give the secret NAME a new random value, as a rotation would."""
    client = connect(url, token)
    made = client.ask("POST", "vaults", client.vault(vault), "secrets", name, "rotate", body={})
    click.echo(f"{made['name']} is now at version {made['version']}.")
