"""The limit of files and connections that this process may have open."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Final

_ENOUGH: Final = 16_384
_UNKNOWN: Final = 1_024


def limit() -> int:
    """Return how many there may be."""
    if sys.platform == "win32":
        return _UNKNOWN
    import resource  # noqa: PLC0415 (Windows has none)

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _ENOUGH if soft == resource.RLIM_INFINITY else min(soft, _ENOUGH)


def raise_limit() -> None:
    """Raise the limit, as far as the system lets this process decide."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 (Windows has none)

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
