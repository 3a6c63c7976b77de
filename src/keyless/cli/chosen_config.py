"""The configuration of the local Azure that a command starts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keyless.local.azure.config.config import default_config, load_config

if TYPE_CHECKING:
    from keyless.local.azure.config.config import Config

CONFIG_FILE = Path("keyless.toml")


def choose_config(path: Path | None) -> Config:
    """Read the file that is named, else ``keyless.toml`` in this folder, else the built-in example."""
    if path is not None:
        return load_config(path)
    return load_config(CONFIG_FILE) if CONFIG_FILE.exists() else default_config()
