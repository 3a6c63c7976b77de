"""The settings that a function app has on a laptop: ``Values`` in its ``local.settings.json``.

Source: https://learn.microsoft.com/en-us/azure/azure-functions/functions-develop-local#local-settings-file
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from keyless.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS_FILE: Final = "local.settings.json"


def local_settings(file: Path) -> dict[str, str]:
    """Return the settings in a file; none where there is no such file, or one that the tools of Azure encrypted.

    Raises:
        ConfigurationError: If the file cannot be read.
    """
    if not file.exists():
        return {}
    try:
        held = json.loads(file.read_text("utf-8-sig"))
        values = {} if held.get("IsEncrypted") else held.get("Values") or {}
        return {name: value for name, value in values.items() if isinstance(value, str)}
    except (OSError, ValueError, AttributeError) as error:
        # Not the error's own words: they could quote a value.
        raise ConfigurationError(
            f"The file {file} cannot be read.",
            cause=f"It may not be read, or is no JSON object with an object Values: {type(error).__name__}.",
            remedy='Make it JSON without comments: {"IsEncrypted": false, "Values": {"NAME": "value"}}.',
        ) from None
