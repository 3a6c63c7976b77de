"""The ``keyless.toml`` of a command: the file that is named, the nearest one in a folder above, or the built-in example."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.azure.config.config import Config

FILE_NAME: Final = "keyless.toml"
_END: Final = ".git"


@dataclass(frozen=True, slots=True)
class ChosenConfig:
    """A configuration, and where it comes from.

    Attributes:
        config: Its contents.
        file: The file; None means the built-in example.
    """

    config: Config
    file: Path | None

    def __str__(self) -> str:
        if self.file is None:
            return f"the built-in example: there is no {FILE_NAME} here or above. Write one: keyless init toml"
        return str(self.file)


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option ``--config``."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        help=f"Vaults, secrets, identities and roles. [default: the nearest {FILE_NAME}, else an example]",
    )(command)


def choose_config(path: Path | None) -> ChosenConfig:
    """Read the file that is named, else the nearest ``keyless.toml``, else the built-in example.

    Raises:
        ConfigurationError: If the file cannot be read, or something in it is wrong.
    """
    from keyless.local.azure.config.config import default_config, load_config  # noqa: PLC0415 (a TAB loads this module, too)

    file = path or find_config(Path.cwd())
    config = default_config() if file is None else load_config(file)
    for warning in config.warnings:
        from keyless.cli.shown_error import label  # noqa: PLC0415 (a file that is well need not load it)

        click.echo(f"keyless: {label('warning:', 'yellow')} {warning}", err=True)
    return ChosenConfig(config, file)


def find_config(folder: Path) -> Path | None:
    """Return the nearest ``keyless.toml`` in a folder and those above it, up to the root of the repository.

    A file in a folder that all users share, such as /tmp, does not reach into a repository below it.
    """
    for each in (folder, *folder.parents):
        if (each / FILE_NAME).is_file():
            return each / FILE_NAME
        if (each / _END).exists():
            return None
    return None
