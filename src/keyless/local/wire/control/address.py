"""Where the control API is, below the address at which identities are served."""

from __future__ import annotations

from typing import Final

ROOT: Final = "/_keyless"
