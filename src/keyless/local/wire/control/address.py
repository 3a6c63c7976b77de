"""The address of the control API, below the address of the identity endpoints."""

from __future__ import annotations

from typing import Final

ROOT: Final = "/_keyless"
