"""``keyless get``: read one secret, with the managed identity of the place where it runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from keyless.cli.examples import examples
from keyless.cli.identity_options import chosen_identity, identity_options

if TYPE_CHECKING:
    from keyless.secret import Secret


@click.command(
    epilog=examples(
        "keyless get db-password --vault-url https://contoso-kv.vault.azure.net",
        "keyless run keyless get db-password --vault-url URL",
    )
)
@click.argument("name")
@click.option("--vault-url", envvar="KEY_VAULT_URL", required=True, help="The vault's address [env: KEY_VAULT_URL].")
@identity_options
@click.option("--version", help="Read this version rather than the latest.")
@click.option("--timeout", type=float, metavar="SECONDS", default=30.0, show_default=True, help="How long it may take.")
@click.option("--json", "as_json", is_flag=True, help="Print the attributes, too.")
def get(
    *,
    name: str,
    vault_url: str,
    client_id: str | None,
    resource_id: str | None,
    object_id: str | None,
    version: str | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Print the value of the secret NAME.

    It is read with the system-assigned identity. An id chooses a user-assigned one.
    """
    from keyless import SecretReader  # noqa: PLC0415 (completion in a shell loads this module at each TAB)

    identity = chosen_identity(client_id=client_id, resource_id=resource_id, object_id=object_id)
    # What goes wrong is shown as the command's own error, so the log need not say it, too.
    with SecretReader(vault_url, identity=identity, timeout=timeout, on_event=lambda _: None) as reader:
        secret = reader.get(name, version)
    # As bytes: of text, click takes out what looks like a terminal's colours where it writes to no terminal.
    click.echo(json.dumps(describe(secret), indent=2) if as_json else secret.value.encode())


def describe(secret: Secret) -> dict[str, object]:
    """Return a secret as JSON shows it, value included."""
    times = {"notBefore": secret.not_before, "expiresOn": secret.expires_on, "updatedOn": secret.updated_on}
    return {
        "name": secret.name,
        "version": secret.version,
        "id": secret.id,
        "value": secret.value,
        "contentType": secret.content_type,
        "enabled": secret.enabled,
        **{name: time.isoformat() if time else None for name, time in times.items()},
        "tags": dict(secret.tags),
    }
