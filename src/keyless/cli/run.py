"""``keyless run``: any program, unchanged, with the local Azure instead of the one in the cloud."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyless.cli.command import blocked_signals, interruptible, run_command
from keyless.cli.real import real_option, told_real
from keyless.cli.resolve import find_references, keep_unresolved_option, reference_identity_option, resolve
from keyless.local.programs import java, node
from keyless.local.programs.kept import kept_variables
from keyless.local.programs.references import told
from keyless.local.programs.variables import IDENTITY_VARIABLES
from keyless.local.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keyless.local.server import LocalAzure
    from keyless.local.sources import Real


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="What there is: vaults, secrets, identities, roles. [default: ./keyless.toml, else a small example]",
)
@click.option(
    "--source",
    type=click.Choice(SOURCES),
    default="app-service",
    show_default=True,
    help="On which kind of host the command is to think itself.",
)
@click.option("--data", type=click.Path(path_type=Path), help="Keep the secrets in this folder. [default: in memory]")
@real_option
@click.option("--console", is_flag=True, help="Serve the console, a page in the browser, and print its link.")
@keep_unresolved_option
@reference_identity_option
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    *,
    config: Path | None,
    source: str,
    data: Path | None,
    real: tuple[Real, ...],
    console: bool,
    keep_unresolved: bool,
    reference_identity: str | None,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND with the local Azure: keyless run -- python app.py.

    Its vault URL stays https://NAME.vault.azure.net, its SDK stays the official one. The exit code is COMMAND's. Nothing is
    left behind but what --data names.
    """
    from keyless.cli.chosen_config import choose_config  # noqa: PLC0415 (completion in a shell loads this module at each TAB)
    from keyless.local.server import LocalAzure  # noqa: PLC0415 (as above)

    chosen = choose_config(config)
    with (
        blocked_signals() as before,
        LocalAzure(chosen, source=source, data=data, real=real, at_once=True, console=console) as azure,
    ):
        click.echo(f"keyless: {told_real(azure)}", err=True)
        if console:
            sys.stderr.write(f"keyless: the console: {azure.console_url}\n")
        environment = interruptible(
            lambda: resolved_environment(azure, identity=reference_identity, keep_unresolved=keep_unresolved)
        )
        code = run_command(command, environment, signal_mask=before)
    sys.exit(code)


def resolved_environment(
    azure: LocalAzure, *, identity: str | None = None, keep_unresolved: bool = False
) -> dict[str, str]:
    """Return the environment of a program that is to use the local Azure, with the secrets that references in it mean.

    Args:
        azure: The local Azure.
        identity: The resource id of the user-assigned identity that references are resolved as; None for the system-assigned.
        keep_unresolved: Whether one that does not resolve stays as it is, and is named on stderr.

    Raises:
        ConfigurationError: If a reference does not resolve.
    """
    environment = child_environment(azure, os.environ)
    references = find_references(environment)
    if references:
        own = {**_without_identity(os.environ), **azure.environment(source="app-service")}
        with _process_environment(own):
            resolved = resolve(
                references,
                vault_urls={name.lower(): vault.url for name, vault in azure.azure.vaults.items()},
                identity=identity,
                keep_unresolved=keep_unresolved,
            )
        environment |= {**resolved.values, "WEBSITE_KEYVAULT_REFERENCES": told(references, resolved.failed)}
    return environment


def child_environment(azure: LocalAzure, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a program that is to use the local Azure.

    Every variable of an identity is taken away, so that nothing real is asked. AZURE_CLIENT_ID and AZURE_TENANT_ID stay
    where they name an identity, or the tenant, of the local Azure: programs read them as settings of their own. What
    an application signs in with stays where they name an application of the local Azure.
    """
    kept = kept_variables(environment, azure.azure, local_login="arm" not in azure.real)
    made = {**_without_identity(environment), **kept, **azure.environment()}
    made[java.VARIABLE] = java.java_options(
        azure.ca_file.parent,
        bundle_file=azure.bundle_file,
        proxy_url=made["HTTPS_PROXY"],
        no_proxy=made["NO_PROXY"],
        before=environment.get(java.VARIABLE, ""),
    )
    made |= java.spring_variables(proxy_url=made["HTTPS_PROXY"], no_proxy=made["NO_PROXY"])
    made[node.VARIABLE] = node.node_options(before=environment.get(node.VARIABLE, ""))
    return made


def _without_identity(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in IDENTITY_VARIABLES}


@contextmanager
def _process_environment(environment: Mapping[str, str]) -> Iterator[None]:
    """Give this process another environment for a while, since the libraries that read it take no other."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
