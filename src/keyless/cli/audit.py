"""``keyless audit``: find what in a project's files will stop or change, when, and what to write."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

import keyless as package
from keyless.cli.examples import examples
from keyless.cli.shown_error import show_parts
from keyless.cli.waiting import Waiting

if TYPE_CHECKING:
    from datetime import date

    from keyless.audit.finding import Finding
    from keyless.audit.report import Report

_MARKS = {
    "stopped": ("stopped", "bold red"),
    "stops": ("stops", "red"),
    "changes": ("changes", "yellow"),
    "exposes": ("secret", "yellow"),
    "advice": ("advice", "dim"),
}
_CALLED_WRONGLY = 2


@click.command(
    epilog=examples("keyless audit", "keyless audit infra --days 365", "keyless audit --sarif > audit.sarif")
)
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--days",
    type=click.IntRange(min=0),
    metavar="N",
    default=180,
    show_default=True,
    help="How many days to look ahead.",
)
@click.option(
    "--today", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="The day to count from. [default: today]"
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--sarif", "as_sarif", is_flag=True, help="Print the report as SARIF 2.1.0.")
def audit(*, paths: tuple[Path, ...], days: int, today: datetime | None, as_json: bool, as_sarif: bool) -> None:
    """Find what Azure retires or changes in a project's files, and secrets in clear text.

    It reads the templates, workflows, scripts and lock files in each of PATHS (default: this folder). It sends no
    requests. The exit code is 1 if something has been retired or will be within the days, 2 for a wrong option, else 0.
    """
    if as_json and as_sarif:
        raise click.UsageError("--json and --sarif exclude each other.")
    report = _audited(paths or (Path(),), today=(today or datetime.now(UTC)).date(), days=days)
    if as_sarif:
        from keyless.audit.sarif import sarif  # noqa: PLC0415 (only here)

        click.echo(json.dumps(sarif(report, version=package.__version__), indent=2))
    elif as_json:
        click.echo(json.dumps(report.to_dict(), indent=2))
    else:
        _show(report)
    sys.exit(1 if report.due else 0)


def _audited(paths: tuple[Path, ...], *, today: date, days: int) -> Report:
    """Run the audit; its parsers are loaded here, so that no other command needs them."""
    try:
        from keyless.audit.project import audit as run  # noqa: PLC0415

        with Waiting("Reading the files"):
            return run(paths, today=today, days=days)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "keyless":
            raise
        show_parts(
            f"keyless audit needs {error.name}.",
            cause="It is not installed in this environment.",
            remedy="Install it: `pip install 'keyless[audit]'`",
        )
        sys.exit(_CALLED_WRONGLY)


def _show(report: Report) -> None:
    console = Console(highlight=False)
    for finding in report.findings:
        _show_finding(console, finding, report)
    for problem in report.problems:
        where = f"{problem.path}:{problem.line}" if problem.line else problem.path
        console.print(Text(f"not read  {where}  {problem.why}", style="dim"), soft_wrap=True)
    read = f"{report.files} file{'' if report.files == 1 else 's'} read"
    ignored = f", {len(report.ignored)} ignored with a reason" if report.ignored else ""
    if not report.findings:
        console.print(f"[bold]Nothing found[/]{ignored}. {read}.")
        return
    due = f"{len(report.due)} due by {report.days} days from {report.today.isoformat()}"
    console.print(f"[bold]{len(report.findings)} found[/], {due}{ignored}. {read}.")


def _show_finding(console: Console, finding: Finding, report: Report) -> None:
    mark, style = _MARKS[finding.status(report.today)]
    on = f" {finding.on.isoformat()}" if finding.on is not None else ""
    # Names in files are as their authors wrote them, and are not markup of ours.
    head = Text(f"{finding.place.path}:{finding.place.line}  ")
    head.append(f"{mark}{on}", style=style)
    head.append(f"  {finding.rule.code} {finding.rule.name}")
    console.print(head, soft_wrap=True)
    console.print(Text(f"    {finding.what}."), soft_wrap=True)
    console.print(Text(f"    Write: {finding.write}."), soft_wrap=True)
