"""Starts a function app again when its files change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from keyless.errors import KeylessError

if TYPE_CHECKING:
    import threading
    from pathlib import Path

    from keyless.local.functions.host import FunctionHost

# Seconds between two looks at the files: short for a person, and long for a disk.
_PAUSE = 0.5


def reload_until(stop: threading.Event, host: FunctionHost, folder: Path) -> None:
    """Restart the host at each change of a Python or JSON file below its folder, until told to stop.

    An app that cannot be loaded, or settings that cannot be read, are reported on standard error; the next change tries again.
    """
    seen = _changed(folder)
    while not stop.wait(_PAUSE):
        now = _changed(folder)
        if now == seen:
            continue
        seen = now
        try:
            host.restart()
        except KeylessError as error:
            click.echo(str(error), err=True)
        else:
            names = ", ".join([*host.functions, *host.event_functions])
            click.echo(f"A file changed. The function app is loaded again: {names}.", err=True)


def _changed(folder: Path) -> dict[Path, int]:
    """Return when each file was last changed, in nanoseconds."""
    found = {}
    for path in (*folder.rglob("*.py"), *folder.glob("*.json")):
        inside = path.relative_to(folder).parts
        if any(part.startswith(".") for part in inside):
            continue
        try:
            found[path] = path.stat().st_mtime_ns
        except FileNotFoundError:  # It went between the list and the look.
            continue
    return found
