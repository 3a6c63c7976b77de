"""``keyless report``: what each identity did in a running local Azure, and the least that it needs."""

from __future__ import annotations

import click

from keyless.cli.control_client import connect, reaching_control
from keyless.cli.examples import examples
from keyless.local.instruments.journal_entry import Entry
from keyless.local.testing.least_privilege import report as report_text
from keyless.local.testing.least_privilege import uses


@click.command(epilog=examples("keyless report"))
@reaching_control
def report(*, url: str | None, token: str | None) -> None:
    """Print what each identity asked of the vaults, and the smallest roles that suffice, with az and Bicep lines."""
    client, start, found = connect(url, token), 0, uses(())
    while True:
        page = client.ask("GET", "journal", query={"start": str(start)})
        if not page["entries"]:
            break
        found.update(uses(Entry(**entry) for entry in page["entries"]))
        start = page["next"]
    click.echo(report_text(found))
