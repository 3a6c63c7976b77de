"""What ``keyless doctor`` shows a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from keyless._remedies.paragraphs import parts_of

if TYPE_CHECKING:
    from keyless.doctor import Finding, Report

_INDENT = " " * 7
_MARKS = {"ok": "[green]ok  [/]", "warn": "[yellow]warn[/]", "fail": "[red]FAIL[/]", "skipped": "[dim]-   [/]"}


def show(report: Report) -> None:
    """Print the findings by stage, and what to fix first."""
    console = Console(highlight=False)
    for stage, findings in report.stages():
        if findings:
            console.print(f"[bold]{stage}[/]")
        for finding in findings:
            _show_finding(console, finding)
    problem = report.problem
    if problem is None:
        _show_nothing_failed(console, report)
    else:
        console.print(
            f"\n[bold]Fix first[/]: {problem.stage}, {problem.check} ({problem.code}). In {report.seconds:.1f} s."
        )


def _show_nothing_failed(console: Console, report: Report) -> None:
    warnings = [f"{found.stage}, {found.check} ({found.code})" for found in report.warned]
    if warnings:
        console.print(f"\n[bold yellow]Nothing fails, with {len(warnings)} to look at: {'; '.join(warnings)}.[/]")
    if report.skipped:
        console.print(f"\n[bold yellow]Nothing wrong so far, but not checked: {', '.join(report.skipped)}.[/]")
        _show_text(console, "Name what to check: --vault-url URL --secret NAME. --strict exits with 2 in this case.")
    elif not warnings:
        console.print("\n[bold green]Healthy.[/]")
    console.print(f"In {report.seconds:.1f} s.")


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
