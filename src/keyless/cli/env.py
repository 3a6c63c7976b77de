"""``keyless env``: the variables that lead a program to the running local Azure, as one kind of host has them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from keyless.cli.shells import SHELLS, Shell, commands
from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local.environment import IDENTITY_VARIABLES
from keyless.local.identity import imds
from keyless.local.identity.sources import SOURCES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.server import LocalAzure

_HTTP_PROXY: Final = ("HTTP_PROXY", "http_proxy")


@click.command()
@click.option(
    "--source", type=click.Choice(SOURCES), default="app-service", show_default=True, help="The kind of host."
)
@click.option(
    "--shell",
    type=click.Choice(SHELLS),
    default="sh",
    show_default=True,
    help="For which shell to write; bash and zsh take what sh takes.",
)
@click.option(
    "--from",
    "ready",
    type=click.File(encoding="utf-8"),
    required=True,
    help="What `keyless up --json` printed; - for standard input.",
)
def env(*, source: str, shell: Shell, ready: TextIO) -> None:
    """Print what makes this shell one kind of host: its variables set, and those of all others unset.

    For example: keyless up --json > up.json & eval "$(keyless env --source imds --from up.json)"
    """
    sources = _sources(ready)
    chosen = sources[source]
    if "error" in chosen:
        raise LocalAzureError(**chosen["error"])
    left_over = _left_over(sources, os.environ) if source != imds.NAME else []
    click.echo(commands(shell, set_=chosen["set"], unset=[*chosen["unset"], *left_over]))


def _sources(ready: TextIO) -> dict[str, dict[str, Any]]:
    """Read what ``keyless up --json`` says of its sources."""
    try:
        found: dict[str, dict[str, Any]] = json.loads(ready.readline())["sources"]
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(
            f"{ready.name} does not say where the local Azure is.",
            cause="Its first line is not what `keyless up --json` prints.",
            remedy="Keep that line in a file, and name the file: keyless up --json > up.json",
        ) from None
    return found


def _left_over(sources: Mapping[str, Mapping[str, Any]], environment: Mapping[str, str]) -> list[str]:
    """Return the variables that an earlier choice of this shell set, and that may also be its user's own."""
    ours = sources[imds.NAME]["set"]
    return [name for name in _HTTP_PROXY if environment.get(name) == ours[name]]


def describe_sources(azure: LocalAzure) -> dict[str, dict[str, Any]]:
    """Return for each source what a program must ``set`` and ``unset``, or the ``error`` why it cannot be had here."""
    found: dict[str, dict[str, Any]] = {}
    for source in SOURCES:
        try:
            variables = azure.environment(source=source)
        except LocalAzureError as error:
            found[source] = {"error": {"what": error.what, "cause": error.cause, "remedy": error.remedy}}
        else:
            gone = [name for name in IDENTITY_VARIABLES if name not in variables]
            found[source] = {"set": variables, "unset": gone}
    return found
