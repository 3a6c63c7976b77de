"""``keyless run``: any program, unchanged, with the local Azure instead of the one in the cloud."""

from __future__ import annotations

import os
import shlex
import sys
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyless.cli.command import blocked_signals, interruptible, run_command
from keyless.cli.config_file import choose_config, config_option
from keyless.cli.control_client import NUMBER
from keyless.cli.examples import examples
from keyless.cli.real import real_option, told_real
from keyless.cli.resolve import find_references, keep_unresolved_option, reference_identity_option, resolve
from keyless.cli.source_option import source_option
from keyless.cli.waiting import Waiting
from keyless.errors import LocalAzureError
from keyless.local.files.running import announced
from keyless.local.programs import java, node
from keyless.local.programs.kept import kept_variables
from keyless.local.programs.references import told
from keyless.local.programs.variables import IDENTITY_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from keyless.cli.config_file import ChosenConfig
    from keyless.local.server import LocalAzure
    from keyless.local.sources import Real

# Characters of a command that `keyless status` shows.
_LONGEST = 200
_FUNCTIONS_URL = "KEYLESS_FUNCTIONS_URL"


@click.command(
    context_settings={"allow_interspersed_args": False},
    epilog=examples(
        "keyless run python app.py --verbose",
        "keyless run --source imds -- node app.mjs",
        "keyless run --data .keyless pytest -q",
        "keyless run --functions ./my-app -- bash",
    ),
)
@config_option
@source_option()
@click.option("--data", type=click.Path(path_type=Path), help="Keep the secrets in this folder. [default: in memory]")
@click.option(
    "--functions",
    type=click.Path(path_type=Path),
    help="Serve this folder, a v2 function app in Python, at the address in KEYLESS_FUNCTIONS_URL.",
)
@real_option
@click.option("--console", is_flag=True, help="Serve the console, a page in the browser, and print its link.")
@click.option("--quiet", is_flag=True, help="Do not print which keyless.toml and which hosts are used.")
@keep_unresolved_option
@reference_identity_option
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    *,
    config: Path | None,
    source: str,
    data: Path | None,
    functions: Path | None,
    real: tuple[Real, ...],
    console: bool,
    quiet: bool,
    keep_unresolved: bool,
    reference_identity: str | None,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND with a local Azure that ends with it.

    COMMAND keeps its vault URL, https://NAME.vault.azure.net, and its Azure SDK. Everything after COMMAND belongs to it, so
    options of `keyless run` come first. The exit code is that of COMMAND. Nothing stays behind except what --data keeps.
    """
    chosen = choose_config(config)
    with Waiting("Starting the local Azure"):
        from keyless.local.server import LocalAzure  # noqa: PLC0415 (completion in a shell loads this module at each TAB)

    with (
        blocked_signals() as before,
        LocalAzure(chosen.config, source=source, data=data, real=real, at_once=True, console=console) as azure,
        _findable(azure, command) as number,
        _served(azure, chosen, functions, quiet=quiet) as served,
    ):
        if not quiet:
            click.echo(f"keyless: using {chosen}\nkeyless: {told_real(azure)}", err=True)
            for url in served.values():
                click.echo(f"keyless: the functions: {url}", err=True)
        if console:
            click.echo(f"keyless: the console: {azure.console_url}", err=True)
        environment = interruptible(
            lambda: resolved_environment(azure, identity=reference_identity, keep_unresolved=keep_unresolved)
        )
        environment |= number | served
        code = run_command(command, environment, signal_mask=before)
    sys.exit(code)


@contextmanager
def _served(azure: LocalAzure, chosen: ChosenConfig, folder: Path | None, *, quiet: bool) -> Iterator[dict[str, str]]:
    """Serve a function app if there is a folder; give the variable that holds its address."""
    if folder is None:
        yield {}
        return
    from keyless.cli.served_functions import served_functions  # noqa: PLC0415 (few runs need it, and it takes long to load)

    azure.wait()
    with (
        Waiting("Starting the functions") as waiting,
        served_functions(azure, chosen.config, folder, quiet=quiet) as host,
    ):
        waiting.end()
        yield {_FUNCTIONS_URL: host.url}


@contextmanager
def _findable(azure: LocalAzure, command: Sequence[str]) -> Iterator[dict[str, str]]:
    """Show this run to commands such as ``keyless journal``; give the variable by which those of COMMAND do.

    A program runs all the same where the file of the run cannot be written.
    """
    with ExitStack() as stack:
        found = {}
        with suppress(LocalAzureError):
            what = f"keyless run {shlex.join(command)}"
            number = announced(azure.control_url, azure.control_token, environment=os.environ, what=what[:_LONGEST])
            found = {NUMBER: str(stack.enter_context(number))}
        yield found


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
