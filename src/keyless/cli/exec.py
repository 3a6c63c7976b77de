"""``keyless exec``: a program whose Key Vault references are resolved as App Service does, anywhere."""

from __future__ import annotations

import os
import sys

import click

from keyless.cli.command import blocked_signals, interruptible, run_command
from keyless.cli.resolve import find_references, keep_unresolved_option, reference_identity_option, resolve


@click.command("exec")
@keep_unresolved_option
@reference_identity_option
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(*, keep_unresolved: bool, reference_identity: str | None, command: tuple[str, ...]) -> None:
    """Run COMMAND with its Key Vault references resolved: keyless exec -- python app.py.

    They are read from the real vaults with this machine's own managed identity, and stand in COMMAND's environment alone.
    The exit code is COMMAND's.
    """
    with blocked_signals() as before:
        found = interruptible(
            lambda: resolve(
                find_references(os.environ), vault_urls={}, identity=reference_identity, keep_unresolved=keep_unresolved
            )
        )
        code = run_command(command, {**os.environ, **found.values}, signal_mask=before)
    sys.exit(code)
