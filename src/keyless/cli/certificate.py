"""``keyless certificate``: the certificates of a running local Azure."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import click

from keyless.cli.control_client import connect, reaching_control
from keyless.cli.examples import examples

_VAULT = "The vault. [default: the only one]"


@click.group()
def certificate() -> None:
    """Create, import, list, show, renew and delete certificates of a running local Azure."""


@certificate.command("create", epilog=examples("keyless certificate create site --dns-name contoso.com"))
@click.argument("name")
@click.option("--vault", help=_VAULT)
@click.option("--subject", help="Its subject, such as CN=contoso.com. [default: CN=NAME]")
@click.option("--dns-name", "dns_names", multiple=True, help="A host name that it is valid for. Repeat it for more.")
@click.option("--issuer", default="Self", show_default=True, help="Self, Unknown, or the name of an issuer.")
@click.option("--type", "kty", help="The type of its key: RSA or EC. [default: RSA]")
@click.option("--months", type=int, metavar="N", help="How many months it is valid. [default: 12]")
@click.option("--pem", is_flag=True, help="Write its secret as PEM rather than as PFX.")
@reaching_control
def create_certificate(
    *,
    name: str,
    vault: str | None,
    subject: str | None,
    dns_names: tuple[str, ...],
    issuer: str,
    kty: str | None,
    months: int | None,
    pem: bool,
    url: str | None,
    token: str | None,
) -> None:
    """Make a new version of the certificate NAME."""
    client = connect(url, token)
    given = {
        "subject": subject or f"CN={name}",
        "dns_names": list(dns_names) or None,
        "issuer": issuer,
        "kty": kty,
        "validity_months": months,
        "content_type": "application/x-pem-file" if pem else None,
    }
    body = {field: value for field, value in given.items() if value is not None}
    made = client.ask("PUT", "vaults", client.vault(vault), "certificates", name, body=body)
    click.echo(_told(made))


@certificate.command("import", epilog=examples("keyless certificate import site site.pfx"))
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--vault", help=_VAULT)
@click.option("--password", envvar="KEYLESS_CERTIFICATE_PASSWORD", show_envvar=True, help="The password of FILE.")
@reaching_control
def import_certificate(
    *, name: str, file: Path, vault: str | None, password: str | None, url: str | None, token: str | None
) -> None:
    """Import FILE as a new version of the certificate NAME.

    FILE is PFX or PEM, with the private key.
    """
    client = connect(url, token)
    body = {"value": base64.b64encode(file.read_bytes()).decode(), **({"password": password} if password else {})}
    click.echo(_told(client.ask("PUT", "vaults", client.vault(vault), "certificates", name, body=body)))


@certificate.command("list", epilog=examples("keyless certificate list"))
@click.option("--vault", help=_VAULT)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@reaching_control
def list_certificates(*, vault: str | None, as_json: bool, url: str | None, token: str | None) -> None:
    """List the certificates."""
    client = connect(url, token)
    found = client.ask("GET", "vaults", client.vault(vault), "certificates")
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for item in found:
        state = "pending" if item["is_pending"] else "enabled" if item["enabled"] else "disabled"
        click.echo(f"{item['name']}  {item['version']}  {item['subject']}  {state}  until {item['expires_on']}")


@certificate.command("show", epilog=examples("keyless certificate show site"))
@click.argument("name")
@click.option("--vault", help=_VAULT)
@click.option("--version", help="The version to show. [default: the latest]")
@reaching_control
def show_certificate(*, name: str, vault: str | None, version: str | None, url: str | None, token: str | None) -> None:
    """Show the certificate NAME with its policy."""
    client = connect(url, token)
    query = {"version": version} if version else {}
    found = client.ask("GET", "vaults", client.vault(vault), "certificates", name, query=query)
    click.echo(json.dumps(found, indent=2))


@certificate.command("renew", epilog=examples("keyless certificate renew site"))
@click.argument("name")
@click.option("--vault", help=_VAULT)
@reaching_control
def renew_certificate(*, name: str, vault: str | None, url: str | None, token: str | None) -> None:
    """Make a new version of the certificate NAME by its policy."""
    client = connect(url, token)
    click.echo(_told(client.ask("POST", "vaults", client.vault(vault), "certificates", name, "renew", body={})))


@certificate.command("delete", epilog=examples("keyless certificate delete site"))
@click.argument("name")
@click.option("--vault", help=_VAULT)
@reaching_control
def delete_certificate(*, name: str, vault: str | None, url: str | None, token: str | None) -> None:
    """Delete the certificate NAME with its key and secret.

    They can be recovered until they are purged.
    """
    client = connect(url, token)
    until = client.ask("DELETE", "vaults", client.vault(vault), "certificates", name)["scheduled_purge_on"]
    click.echo(f"{name} is deleted" + (f"; it can be recovered until {until}." if until else " for good."))


def _told(made: dict[str, object]) -> str:
    if made["is_pending"]:
        return f"{made['name']} waits to be merged as the version {made['version']}."
    return f"{made['name']} is now at version {made['version']}."
