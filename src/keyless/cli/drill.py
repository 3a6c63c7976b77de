"""``keyless drill``: a program, unchanged, while something goes wrong that goes wrong in Azure."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import click

from keyless.cli.command import blocked_signals, run_command
from keyless.cli.run import resolved_environment
from keyless.local.sources import SOURCES
from keyless.local.testing.drill_account import DrillRun
from keyless.local.testing.drills import DRILLS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.local.instruments.journal import Journal

# Seconds: a program that has read a secret has read its others by then.
_AFTER = 2.0
_LOOKS = 0.02


@click.command(
    epilog="\b\nThe drills:\n" + "\n".join(f"  {drill.name:20} {drill.says}" for drill in DRILLS.values()),
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="What there is: vaults, secrets, identities, roles. [default: ./keyless.toml, else a small example]",
)
@click.option("--source", type=click.Choice(SOURCES), help="On which kind of host. [default: the drill's]")
@click.option(
    "--after",
    type=click.FloatRange(min=0),
    help="Seconds until it begins: from the first secret that COMMAND reads, or from the start where it must come before. "
    f"[default: {_AFTER:g}, or 0 from the start]",
)
@click.option(
    "--for", "seconds", type=click.FloatRange(min=0), default=10.0, show_default=True, help="Seconds that it lasts."
)
@click.argument("name", metavar="NAME", type=click.Choice(list(DRILLS)))
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def drill(
    *, config: Path | None, source: str | None, after: float | None, seconds: float, name: str, command: tuple[str, ...]
) -> None:
    """Run COMMAND with the local Azure, let the drill NAME happen, and say at the end what COMMAND did.

    keyless drill vault-outage --after 5 --for 30 -- python app.py. The account goes to stderr; the exit code is COMMAND's.
    """
    from keyless.cli.chosen_config import choose_config  # noqa: PLC0415 (completion in a shell loads this module at each TAB)
    from keyless.local.server import LocalAzure  # noqa: PLC0415 (as above)

    chosen = DRILLS[name]
    delay = after if after is not None else 0.0 if chosen.from_start else _AFTER
    with (
        blocked_signals() as before,
        LocalAzure(choose_config(config), source=source or chosen.source, at_once=True) as azure,
    ):
        environment = resolved_environment(azure)
        run = DrillRun(azure.azure, name)
        with _conducted(run, azure.journal, delay, seconds):
            code = run_command(command, environment, signal_mask=before)
        account = run.account()
    sys.stderr.write(f"\n{account.text()}\n  the command ended with {code}\n")
    sys.exit(code)


@contextmanager
def _conducted(run: DrillRun, journal: Journal, delay: float, seconds: float) -> Iterator[None]:
    """Let a drill begin after a delay, and end when its time or the block is over."""
    over = Event()
    begins_now = run.drill.from_start and not delay
    if begins_now:
        run.begin()

    def conduct() -> None:
        # Languages differ by seconds in when they get to their first read, and a drill before it would show nothing.
        while not run.drill.from_start and not journal.count(service="vault", status=200):
            if over.wait(_LOOKS):
                return
        if not begins_now:
            if over.wait(delay):
                return
            run.begin()
        over.wait(seconds)
        run.end()

    conductor = Thread(target=conduct, daemon=True)
    conductor.start()
    try:
        yield
    finally:
        over.set()
        conductor.join()
        run.end()
