"""A function app that a command serves beside its local Azure: what its functions see, and its restarts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from keyless.cli.app_restarts import following
from keyless.clouds import CLOUDS
from keyless.local.functions.bundled import bundled_function_app
from keyless.local.functions.host import FunctionHost
from keyless.local.programs.local_settings import SETTINGS_FILE, local_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import TextIO

    from keyless.local.azure.config.config import Config
    from keyless.local.azure.event_grid import EventGrid
    from keyless.local.functions.worker_process import BegunWorker
    from keyless.local.server import LocalAzure


@contextmanager
def served_functions(
    azure: LocalAzure,
    config: Config,
    folder: Path,
    *,
    port: int | None = None,
    quiet: bool = False,
    begun: BegunWorker | None = None,
) -> Iterator[FunctionHost]:
    """Serve a function app; it starts again when the management plane changes its settings or its identities.

    Args:
        azure: The local Azure that its functions use.
        config: Says the settings.
        folder: The function app.
        port: The port, as for ``FunctionHost``.
        quiet: Whether no line is written for each call.
        begun: A worker of this folder and port that was begun before.

    Raises:
        LocalAzureError: If the folder holds no function app, it cannot be loaded, or the port is in use.
    """

    def environment() -> dict[str, str]:
        return app_environment(azure, config, folder)

    with (
        FunctionHost(
            folder, environment=environment(), port=port, events=azure.event_grid, quiet=quiet, begun=begun
        ) as host,
        following(azure.azure.function_app, host, environment),
    ):
        yield host


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

    Without any, it gets the first secret, unless its ``local.settings.json`` names another.

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
    settings = {**environment, **_settings(config, config.functions.settings, folder)}
    return FunctionHost(folder, environment=settings, port=port, log=log, events=events, quiet=quiet)


def app_environment(azure: LocalAzure, config: Config, folder: Path) -> dict[str, str]:
    """Return what the functions see as it is now: a host without an identity has no identity endpoint, as in Azure."""
    has_one = any(found.assigned for found in azure.azure.identities.values())
    return {**azure.environment(identity=has_one), **_settings(config, azure.azure.function_app.settings, folder)}


def _settings(config: Config, said: Mapping[str, str], folder: Path) -> Mapping[str, str]:
    """Return the settings of a function app: what is said, or the first secret where nothing is."""
    own = local_settings(folder / SETTINGS_FILE)
    return said or {name: value for name, value in _first_secret(config).items() if name not in own}


def _first_secret(config: Config) -> dict[str, str]:
    for vault in config.vaults.values():
        cloud = next(cloud for cloud in CLOUDS if cloud.name == vault.settings.cloud)
        for secret in vault.secrets:
            return {"KEY_VAULT_URL": f"https://{vault.name}.{cloud.vault_suffix}", "SECRET_NAME": secret.name}
    return {}
