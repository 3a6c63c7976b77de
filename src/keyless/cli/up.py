"""``keyless up``: run the local Azure until it is stopped."""

from __future__ import annotations

import json
import os
import shlex
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urlencode

import click
from rich.console import Console

from keyless.cli.reload import reload_until
from keyless.clouds import CLOUDS
from keyless.local.azure.config.config import default_config, load_config
from keyless.local.files.running import announced
from keyless.local.functions.host import FunctionHost, bundled_function_app, preferred_port
from keyless.local.programs.local_settings import SETTINGS_FILE, local_settings
from keyless.local.server import LocalAzure
from keyless.local.sources import SOURCES
from keyless.local.wire.serving import descriptors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.config.config import Config
    from keyless.local.azure.event_grid import EventGrid
    from keyless.local.functions.endpoint import FunctionEndpoint

CONFIG_FILE = Path("keyless.toml")
# SIGHUP comes when the terminal is closed; Windows has none.
_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="What there is: vaults, secrets, identities, roles. [default: ./keyless.toml, else a small example]",
)
@click.option("--data", type=click.Path(path_type=Path), help="Keep the secrets in this folder. [default: in memory]")
@click.option(
    "--source",
    type=click.Choice(SOURCES),
    default="app-service",
    show_default=True,
    help="On which kind of host the function, and your own program, are to think themselves.",
)
@click.option(
    "--functions",
    type=click.Path(path_type=Path),
    help="Serve the functions of this folder, a v2 function app in Python: HTTP and Event Grid triggers. "
    "[default: the function of Keyless]",
)
@click.option("--reload", is_flag=True, help="Load the function app anew when its files change.")
@click.option("--http-port", default=0, help="Port of the identity endpoint. [default: a free one]")
@click.option("--https-port", default=0, help="Port of the vaults. [default: a free one]")
@click.option("--proxy-port", default=0, help="Port of the proxy. [default: a free one]")
@click.option(
    "--function-port",
    type=int,
    help="Port of the functions. [default: LocalHttpPort in local.settings.json, else 7071; a free one if that is taken]",
)
@click.option("--quiet", is_flag=True, help="Write no line for each call of a function.")
@click.option("--any-user", is_flag=True, help="Answer programs of other users of this machine, too.")
@click.option("--console/--no-console", default=True, help="Serve the console, a page in the browser. [default: yes]")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON when it is ready.")
def up(
    *,
    config: Path | None,
    data: Path | None,
    source: str,
    functions: Path | None,
    reload: bool,
    http_port: int,
    https_port: int,
    proxy_port: int,
    function_port: int | None,
    quiet: bool,
    any_user: bool,
    console: bool,
    as_json: bool,
) -> None:
    """Run the local Azure: identity endpoint, vaults, and a function app, by default the function that reads a secret.

    It stops on Ctrl+C or SIGTERM, and leaves nothing behind but what --data names.
    """
    stop = threading.Event()
    # Set before anything starts, so that a signal in the midst of starting still ends in an orderly way.
    descriptors.raise_limit()
    for number in _ENDING:
        signal.signal(number, lambda *_: stop.set())
    chosen = choose_config(config)
    with (
        LocalAzure(
            chosen,
            source=source,
            data=data,
            http_port=http_port,
            https_port=https_port,
            proxy_port=proxy_port,
            any_user=any_user,
            console=console,
        ) as azure,
        function_host(
            chosen,
            azure.environment(),
            folder=functions,
            port=preferred_port(functions or bundled_function_app()) if function_port is None else function_port,
            events=azure.event_grid,
            quiet=quiet,
        ) as host,
        announced(azure.control_url, azure.control_token, environment=os.environ),
    ):
        click.echo(json.dumps(summary(azure, host))) if as_json else show(azure, host)
        if reload:
            reload_until(stop, host, functions or bundled_function_app())
        stop.wait()


def choose_config(path: Path | None) -> Config:
    """Read the file that is named, else ``keyless.toml`` in this folder, else the built-in example."""
    if path is not None:
        return load_config(path)
    return load_config(CONFIG_FILE) if CONFIG_FILE.exists() else default_config()


def function_host(
    config: Config,
    environment: Mapping[str, str],
    *,
    folder: Path | None = None,
    port: int = 0,
    log: TextIO | None = None,
    events: EventGrid | None = None,
    quiet: bool = False,
) -> FunctionHost:
    """Return a function app's host, to be started, with the settings that the configuration gives it.

    Without any, it is told of the first secret, unless its ``local.settings.json`` says which.

    Args:
        config: Says the settings.
        environment: What leads the functions to the local Azure.
        folder: The function app; None means the one that comes with Keyless.
        port: The port on 127.0.0.1; 0 means any free one.
        log: Where the functions' output goes; None means standard error.
        events: What is delivered to the functions that Event Grid calls.
        quiet: Whether no line is written for each call.
    """
    folder = folder or bundled_function_app()
    own = local_settings(folder / SETTINGS_FILE)
    first = {name: value for name, value in _first_secret(config).items() if name not in own}
    settings = {**environment, **(config.functions.settings or first)}
    return FunctionHost(folder, environment=settings, port=port, log=log, events=events, quiet=quiet)


def _first_secret(config: Config) -> dict[str, str]:
    for vault in config.vaults.values():
        cloud = next(cloud for cloud in CLOUDS if cloud.name == vault.settings.cloud)
        for secret in vault.secrets:
            return {"KEY_VAULT_URL": f"https://{vault.name}.{cloud.vault_suffix}", "SECRET_NAME": secret.name}
    return {}


def summary(azure: LocalAzure, host: FunctionHost) -> dict[str, object]:
    """Return where everything is, for programs."""
    return {
        "http": azure.http_url,
        "https": azure.https_url,
        "authority": azure.authority_url,
        "vaults": {name: vault.url for name, vault in azure.azure.vaults.items()},
        "control": {"url": azure.control_url, "token": azure.control_token},
        "console": azure.console_url,
        "ca": str(azure.ca_file),
        "env": azure.environment(),
        "sources": azure.describe_sources(),
        "functions": {name: {"url": end.url, "key": end.key} for name, end in host.functions.items()},
        "eventFunctions": {name: {"url": end.url, "key": end.key} for name, end in host.event_functions.items()},
        "notServed": host.not_served,
        "masterKey": host.master_key,
    }


def show(azure: LocalAzure, host: FunctionHost) -> None:
    """Print where everything is, and commands to paste, for a person."""
    console = Console(highlight=False)
    console.print("[bold]The local Azure is up.[/] Ctrl+C stops it.\n")
    if (url := azure.console_url) is not None:
        console.print("[bold]The console[/], which this link opens once; `keyless console` gives another:")
        _show(console, f"  {url}\n")
    console.print("[bold]Vaults[/] and what is in them:")
    for vault in azure.azure.vaults.values():
        _show(console, f"  {vault.url}  {', '.join(secret.name for secret in vault.list_secrets())}")
    console.print("\n[bold]Managed identities[/]:")
    for identity in azure.azure.identities.values():
        ids = f"client id {identity.client_id}  object id {identity.object_id}"
        _show(console, f"  {identity.name:12} {identity.kind}-assigned".ljust(32) + ids)
    _show_functions(console, azure, host)
    env = azure.environment()
    if by_hand := _by_hand(azure, env):
        console.print(
            "\n[bold]The same by hand[/]: a token, then the vault under its production URL, certificate checked:"
        )
        for command in by_hand:
            _show(console, command)
    console.print("\n[bold]Your own program[/], in this shell's environment:")
    for variable, value in env.items():
        _show(console, f"  export {variable}={shlex.quote(value)}")


def _show_functions(console: Console, azure: LocalAzure, host: FunctionHost) -> None:
    console.print("\n[bold]The functions[/], and how to call them:")
    for end in host.functions.values():
        for command in _calls(azure, end):
            _show(console, command)
    for name in host.event_functions:
        _show(console, f"  {name} is called when a secret gets a new version.")
    for name, trigger in host.not_served.items():
        _show(console, f"  {name} is not served: {trigger}.")
    if host.not_served:
        start = f"{host.url}/admin/functions/NAME"
        console.print("  One with another trigger is started by hand, with what it is to be given:")
        _show(
            console,
            f"  curl -s -X POST -H 'x-functions-key: {host.master_key}' -H 'Content-Type: application/json' "
            f"-d '{{\"input\": \"TEXT\"}}' '{start}'",
        )


def _show(console: Console, line: str) -> None:
    # Routes of functions hold brackets, which are no markup of ours.
    console.print(line, markup=False, soft_wrap=True)


def _by_hand(azure: LocalAzure, env: Mapping[str, str]) -> list[str]:
    if not azure.azure.vaults or "IDENTITY_ENDPOINT" not in env:
        return []
    vault = next(iter(azure.azure.vaults.values()))
    by_hand = azure.environment(source="app-service")
    token_url = f"{by_hand['IDENTITY_ENDPOINT']}?api-version=2019-08-01&resource={vault.cloud.resource}"
    return [
        (
            f"  TOKEN=$(curl -s -H 'X-IDENTITY-HEADER: {by_hand['IDENTITY_HEADER']}' '{token_url}' | "
            "python3 -c 'import json,sys; print(json.load(sys.stdin)[\"access_token\"])')"
        ),
        (
            f'  curl -s --proxy {env["HTTPS_PROXY"]} --cacert {azure.ca_file} -H "Authorization: Bearer $TOKEN" '
            f"'{vault.url}/secrets?api-version=7.4'"
        ),
    ]


def _calls(azure: LocalAzure, end: FunctionEndpoint) -> list[str]:
    curl = "  curl -s" if not end.methods or "GET" in end.methods else f"  curl -s -X {end.methods[0]}"
    if end.key is None:
        return [f"{curl} '{end.example_url}'"]
    users = [identity for identity in azure.azure.identities.values() if identity.kind == "user"]
    queries = ["", *(f"?{urlencode({'userAssignedClientId': user.client_id})}" for user in users)]
    known = end.url.endswith(("/AcquireTokenMsi", "/doctor"))  # Another app's functions know nothing of these queries.
    return [
        f"{curl} -H 'x-functions-key: {end.key}' '{end.example_url}{query}'" for query in (queries if known else [""])
    ]
