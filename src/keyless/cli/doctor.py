"""``keyless doctor``: say why a secret cannot be read here, and what to do."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from keyless._remedies.paragraphs import parts_of
from keyless.cli.examples import examples
from keyless.cli.identity_options import chosen_identity, identity_options
from keyless.doctor import diagnose

if TYPE_CHECKING:
    from keyless.doctor import Finding, Report

_INDENT = " " * 7
_ENDING = 0.2
_INCOMPLETE = 2
_MARKS = {"ok": "[green]ok  [/]", "warn": "[yellow]warn[/]", "fail": "[red]FAIL[/]", "skipped": "[dim]-   [/]"}


@click.command(
    epilog=examples(
        "keyless doctor --vault-url URL --secret db-password",
        "keyless doctor --vault-url URL --secret db-password --strict",
    )
)
@click.option("--vault-url", envvar="KEY_VAULT_URL", help="The vault's address [env: KEY_VAULT_URL].")
@click.option("--secret", envvar="SECRET_NAME", help="The secret to read [env: SECRET_NAME]; its value is never shown.")
@identity_options
@click.option(
    "--timeout", type=click.FloatRange(min=0.5), default=5.0, show_default=True, help="Seconds that it may take in all."
)
@click.option("--strict", is_flag=True, help="Exit with 2 for a warning, or if something could not be checked.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON; docs/doctor.schema.json describes it.")
def doctor(
    *,
    vault_url: str | None,
    secret: str | None,
    client_id: str | None,
    resource_id: str | None,
    object_id: str | None,
    timeout: float,
    strict: bool,
    as_json: bool,
) -> None:
    """Find out why a secret cannot be read, and what to do.

    It checks the environment, the identity, the network, the vault and the secret. The exit code is 0 if nothing is wrong,
    1 if something fails, and 2 for a wrong option. With --strict it is also 2 for a warning, or if something
    could not be checked.
    """
    identity = chosen_identity(client_id=client_id, resource_id=resource_id, object_id=object_id)
    # What starting took and ending takes counts, too: whoever waits waits for all of it.
    left = max(timeout - time.process_time() - _ENDING, timeout / 2)
    report = diagnose(vault_url=vault_url, secret=secret, identity=identity, timeout=left)
    if as_json:
        click.echo(json.dumps(report.to_dict(), indent=2))
    else:
        _show(report)
    if not report.healthy:
        sys.exit(1)
    sys.exit(_INCOMPLETE if strict and (report.skipped or report.warned) else 0)


def _show(report: Report) -> None:
    console = Console(highlight=False)
    for stage, findings in report.stages():
        if findings:
            console.print(f"[bold]{stage}[/]")
        for finding in findings:
            _show_finding(console, finding)
    problem = report.problem
    if problem is None:
        warnings = [f"{found.stage}, {found.check} ({found.code})" for found in report.warned]
        if warnings:
            console.print(f"\n[bold yellow]Nothing fails, with {len(warnings)} to look at: {'; '.join(warnings)}.[/]")
        if report.skipped:
            console.print(f"\n[bold yellow]Nothing wrong so far, but not checked: {', '.join(report.skipped)}.[/]")
            _show_text(
                console, "Name what to check: --vault-url URL --secret NAME. --strict exits with 2 in this case."
            )
        elif not warnings:
            console.print("\n[bold green]Healthy.[/]")
        console.print(f"In {report.seconds:.1f} s.")
    else:
        console.print(
            f"\n[bold]Mend first[/]: {problem.stage}, {problem.check} ({problem.code}). In {report.seconds:.1f} s."
        )


def _show_finding(console: Console, finding: Finding) -> None:
    console.print(f"  {_MARKS[finding.status]} {finding.check}")
    for label, text in (("", finding.evidence), ("Cause: ", finding.cause)):
        if text:
            _show_text(console, f"{label}{text}")
    if finding.remedy:
        _show_remedy(console, finding.remedy)
    if finding.link:
        _show_text(console, finding.link)


def _show_remedy(console: Console, remedy: str) -> None:
    """Show each command on a line of its own, which the terminal alone breaks, so that it can be copied whole."""
    for part in parts_of(f"Remedy: {remedy}", longest_inside=0):
        if part.is_command:
            console.print(f"{_INDENT}  [bold]{escape(part.text)}[/]", soft_wrap=True)
        else:
            _show_text(console, part.text)


def _show_text(console: Console, text: str) -> None:
    for line in Text(text).wrap(console, console.width - len(_INDENT)):
        # Texts of services hold brackets, which are no markup of ours.
        console.print(f"{_INDENT}{line.plain.rstrip()}", markup=False, soft_wrap=True)
