"""``keyless exec``: a program whose Key Vault references are resolved as App Service does, anywhere."""

from __future__ import annotations

import os
import sys

import click

from keyless.cli.command import blocked_signals, interruptible, run_command
from keyless.cli.examples import examples
from keyless.cli.resolve import find_references, keep_unresolved_option, reference_identity_option, resolve


@click.command(
    "exec",
    context_settings={"allow_interspersed_args": False},
    epilog=examples("keyless exec python app.py", "keyless exec --keep-unresolved -- node app.mjs --port 8080"),
)
@keep_unresolved_option
@reference_identity_option
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def execute(*, keep_unresolved: bool, reference_identity: str | None, command: tuple[str, ...]) -> None:
    """Run COMMAND with its Key Vault references resolved.

    The secrets come from the real vaults, read with the managed identity of this machine. Only the environment of COMMAND
    has them. Everything after COMMAND belongs to it. The exit code is that of COMMAND.
    """
    with blocked_signals() as before:
        found = interruptible(
            lambda: resolve(
                find_references(os.environ), vault_urls={}, identity=reference_identity, keep_unresolved=keep_unresolved
            )
        )
        code = run_command(command, {**os.environ, **found.values}, signal_mask=before)
    sys.exit(code)
