"""The function app that comes with Keyless."""

from __future__ import annotations

from pathlib import Path

from keyless.errors import LocalAzureError


def bundled_function_app() -> Path:
    """Return the folder of the function app that comes with Keyless.

    Raises:
        LocalAzureError: If it is not there, as in a copy of the package without its data.
    """
    here = Path(__file__).parents[1]
    # Installed, it lies beside this module; in a checkout, it is the repository's own folder.
    for folder in (here / "function_app", here.parents[2] / "function_app"):
        if (folder / "function_app.py").is_file():
            return folder
    raise LocalAzureError(
        "The function app that comes with Keyless is not there.",
        cause=f"Neither {here} nor the checkout around it holds a folder function_app.",
        remedy="Install Keyless again, or name the folder of a function app.",
    )
