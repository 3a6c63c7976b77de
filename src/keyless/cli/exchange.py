"""``keyless export`` and ``keyless import``: a local Azure as a file, and back."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keyless.cli.control_client import connect, reaching_control
from keyless.cli.examples import examples
from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import Config
from keyless.local.azure.exchange.exported import secrets_of, to_toml
from keyless.local.azure.exchange.imported import config_of, import_config, read_document, read_dotenv
from keyless.local.azure.storage.database import Database
from keyless.local.files.data_folder import DataFolder, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator

_DATA = "A folder that `keyless up --data` has kept secrets in, and that none uses now. [default: the running one]"


@click.command("export", epilog=examples("keyless export keyless.toml --with-values", "keyless export - --format json"))
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False))
@click.option("--data", type=click.Path(path_type=Path, exists=True, file_okay=False), help=_DATA)
@click.option("--format", "form", type=click.Choice(["toml", "json"]), help="[default: as FILE ends, else toml]")
@click.option("--with-values", is_flag=True, help="Write the values, too. An import needs them.")
@reaching_control
def export(
    *, file: Path, data: Path | None, form: str | None, with_values: bool, url: str | None, token: str | None
) -> None:
    """Write vaults, secrets, identities and roles into FILE, or - for standard output, as a keyless.toml has them.

    Each secret is written as it is now, without its older versions. A folder holds secrets alone.
    """
    if data is None:
        query = {"values": "true"} if with_values else {}
        document = connect(url, token).ask("GET", "configuration", query=query)
    else:
        with _kept(data) as azure:
            vaults = azure.vaults.items()
            document = {
                "vaults": {name: {"secrets": secrets_of(vault, with_values=with_values)} for name, vault in vaults}
            }
    as_json = form == "json" or (form is None and file.suffix.lower() == ".json")
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n" if as_json else to_toml(document)
    if str(file) == "-":
        click.echo(text, nl=False)
        return
    try:
        write_private(file, text.encode())
    except OSError as error:
        raise click.FileError(str(file), hint=error.strerror) from error


@click.command("import", epilog=examples("keyless import keyless.toml", "keyless import .env --vault contoso-kv"))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--data", type=click.Path(path_type=Path), help=_DATA)
@click.option("--vault", help="The vault for the secrets of a .env file. [default: the only vault]")
@reaching_control
def import_file(*, file: Path, data: Path | None, vault: str | None, url: str | None, token: str | None) -> None:
    """Add to a local Azure what FILE has: a keyless.toml, JSON of the same form, or a .env file.

    A secret that exists gets a new version, unless its latest one is the same. The variable DB_PASSWORD of a .env file becomes
    the secret db-password. With --data only secrets are added.
    """
    # A file that is wrong is reported before anything is asked; a .env file may need to know the only vault.
    client = connect(url, token) if data is None and vault is None and _is_dotenv(file) else None
    document = _read(file, vault=client.vault(None) if client else vault)
    if data is None:
        added = (client or connect(url, token)).ask("POST", "configuration", body=document)
    else:
        with _kept(data) as azure:
            added = import_config(azure, _secrets_alone(document, str(file)))
    click.echo(", ".join(f"{count} {kind}" for kind, count in added.items()) + " added.")


def _is_dotenv(file: Path) -> bool:
    return file.name.startswith(".env") or file.suffix == ".env"


def _read(file: Path, *, vault: str | None) -> dict[str, Any]:
    if not _is_dotenv(file):
        return read_document(file)
    if vault is None:
        raise click.UsageError("Name the vault for the secrets of a .env file: --vault.")
    return read_dotenv(file, vault=vault)


def _secrets_alone(document: dict[str, Any], source: str) -> Config:
    vaults = document.get("vaults", {})
    return config_of(
        source, {"vaults": {name: {"secrets": found.get("secrets", {})} for name, found in vaults.items()}}
    )


@contextmanager
def _kept(data: Path) -> Iterator[Azure]:
    """Open a folder that nobody uses, with the vaults that it has secrets of."""
    with DataFolder(data) as folder:
        azure = Azure(Config(), database=Database(folder.store_file))
        try:
            for name in azure.objects.vaults():
                azure.add_vault(name)
            yield azure
        finally:
            azure.close()
