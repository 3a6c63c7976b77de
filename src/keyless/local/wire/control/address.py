"""The addresses of the control API and the console, below the address of the identity endpoints."""

from __future__ import annotations

from typing import Final

ROOT: Final = "/_keyless"
CONSOLE: Final = f"{ROOT}/console"
"""A POST to it asks the control API for a link to the console."""
