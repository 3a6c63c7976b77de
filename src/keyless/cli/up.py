"""``keyless up``: run the local Azure until it is stopped."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyless.cli.config_file import choose_config, config_option
from keyless.cli.examples import examples
from keyless.cli.real import real_option
from keyless.cli.reload import reload_until
from keyless.cli.source_option import source_option
from keyless.cli.waiting import Waiting
from keyless.local.functions.bundled import bundled_function_app
from keyless.local.functions.worker_process import BegunWorker
from keyless.local.wire.serving import descriptors

if TYPE_CHECKING:
    from keyless.local.functions.host import FunctionHost
    from keyless.local.server import LocalAzure
    from keyless.local.sources import Real

# SIGHUP comes when the terminal is closed; Windows has none.
_ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@click.command(
    epilog=examples(
        "keyless up",
        "keyless up --functions ./my-app --reload",
        "keyless up --data .keyless --http-port 8001",
    )
)
@config_option
@click.option("--data", type=click.Path(path_type=Path), help="Keep the secrets in this folder. [default: in memory]")
@source_option()
@click.option(
    "--functions",
    type=click.Path(path_type=Path),
    help="Serve this folder, a v2 function app in Python: HTTP and Event Grid triggers. [default: a sample function]",
)
@click.option("--reload", is_flag=True, help="Reload the function app when its files change.")
@click.option("--http-port", default=0, metavar="PORT", help="Port of the identity endpoint. [default: a free one]")
@click.option("--https-port", default=0, metavar="PORT", help="Port of the vaults. [default: a free one]")
@click.option("--proxy-port", default=0, metavar="PORT", help="Port of the proxy. [default: a free one]")
@click.option(
    "--function-port",
    type=int,
    metavar="PORT",
    help="Port of the functions. [default: LocalHttpPort in local.settings.json, else 7071, else a free one]",
)
@click.option("--quiet", is_flag=True, help="Do not write a line for each call of a function.")
@real_option
@click.option("--any-user", is_flag=True, help="Also answer programs of other users of this machine.")
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
    real: tuple[Real, ...],
    console: bool,
    as_json: bool,
) -> None:
    """Run a local Azure: identity endpoints, vaults and a function app.

    It stops on Ctrl+C or SIGTERM. Nothing stays behind except what --data keeps. Other commands, such as `keyless secret`,
    find it while it runs.
    """
    stop = threading.Event()
    # Set before anything starts, so that a signal in the midst of starting still ends in an orderly way.
    descriptors.raise_limit()
    for number in _ENDING:
        signal.signal(number, lambda *_: stop.set())
    folder = functions or bundled_function_app()
    # The functions load in a process of their own, which is begun before this one loads what it needs.
    with BegunWorker(folder, port=function_port, quiet=quiet) as begun:
        chosen = choose_config(config)
        with Waiting("Starting the local Azure"):
            from keyless.cli.served_functions import served_functions  # noqa: PLC0415 (as above)
            from keyless.local.files.running import announced  # noqa: PLC0415 (as above)
            from keyless.local.server import LocalAzure  # noqa: PLC0415 (as above)
        with (
            Waiting("Starting the local Azure and the functions") as waiting,
            LocalAzure(
                chosen.config,
                source=source,
                data=data,
                http_port=http_port,
                https_port=https_port,
                proxy_port=proxy_port,
                any_user=any_user,
                at_once=True,
                real=real,
                console=console,
            ) as azure,
            served_functions(azure, chosen.config, folder, port=function_port, quiet=quiet, begun=begun) as host,
            announced(azure.control_url, azure.control_token, environment=os.environ, what="keyless up") as number,
        ):
            azure.wait()
            waiting.end()
            if as_json:
                click.echo(json.dumps({**summary(azure, host), "number": number}))
            else:
                from keyless.cli.shown import show  # noqa: PLC0415 (what draws takes long to load, and programs need none)

                show(azure, host, chosen=chosen)
            if reload:
                reload_until(stop, host, folder)
            stop.wait()


def summary(azure: LocalAzure, host: FunctionHost) -> dict[str, object]:
    """Return where everything is, for programs."""
    return {
        "http": azure.http_url,
        "https": azure.https_url,
        "authority": azure.authority_url,
        "vaults": {name: vault.url for name, vault in azure.azure.vaults.items()},
        "real": sorted(azure.real),
        "tenant": azure.azure.tenant_id,
        "applications": {name: found.client_id for name, found in azure.azure.directory.applications.items()},
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
