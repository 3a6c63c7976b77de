"""``keyless drill``: a program, unchanged, while something goes wrong that goes wrong in Azure."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

import click

from keyless.cli.command import blocked_signals, run_command
from keyless.cli.config_file import choose_config, config_option
from keyless.cli.examples import examples
from keyless.cli.run import resolved_environment
from keyless.cli.source_option import source_option
from keyless.cli.waiting import Waiting
from keyless.local.testing.drill_account import DrillRun
from keyless.local.testing.drills import DRILLS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from keyless.local.instruments.journal import Journal

# Seconds: a program that has read a secret has read its others by then.
_AFTER = 2.0
_LOOKS = 0.02


class _DrillCommand(click.Command):
    """Takes options before and after NAME, hands everything after COMMAND to it, and lists the drills in its help."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] in DRILLS:
            after, command = _options_and_command(args[1:])
            args = [*after, "--", args[0], *command[command[:1] == ["--"] :]]
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Drills"):
            formatter.write_dl([(drill.name, drill.says) for drill in DRILLS.values()])
        super().format_epilog(ctx, formatter)


def _options_and_command(words: list[str]) -> tuple[list[str], list[str]]:
    """Split the words after NAME where COMMAND begins; each option but --help has a value."""
    at = 0
    while at < len(words) and words[at].startswith("-") and words[at] != "--":
        at += 1 if "=" in words[at] or words[at] in {"-h", "--help"} else 2
    return words[:at], words[at:]


@click.command(
    cls=_DrillCommand,
    context_settings={"allow_interspersed_args": False},
    epilog=examples(
        "keyless drill rotation python app.py", "keyless drill vault-outage --after 5 --for 30 -- python app.py"
    ),
)
@config_option
@source_option(None, told="that of the drill")
@click.option(
    "--after",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help=f"When it begins, counted from the first secret that COMMAND reads. [default: {_AFTER:g}; for the drills of a start, 0]",
)
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    default=10.0,
    show_default=True,
    help="How long it lasts.",
)
@click.argument("name", metavar="NAME", type=click.Choice(list(DRILLS)))
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def drill(
    *, config: Path | None, source: str | None, after: float | None, seconds: float, name: str, command: tuple[str, ...]
) -> None:
    """Run COMMAND while the drill NAME happens, and report what COMMAND did.

    Options of `keyless drill` come before COMMAND. The report goes to standard error. The exit code is that of COMMAND.
    """
    with Waiting("Starting the local Azure"):
        from keyless.local.server import LocalAzure  # noqa: PLC0415 (completion in a shell loads this module at each TAB)

    chosen = DRILLS[name]
    delay = after if after is not None else 0.0 if chosen.from_start else _AFTER
    with (
        blocked_signals() as before,
        LocalAzure(choose_config(config).config, source=source or chosen.source, at_once=True) as azure,
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
    """Begin a drill after a delay, and end it when its time or the block is over."""
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
