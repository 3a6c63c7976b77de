"""The audit's report on a project, for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from keyless.audit.finding import Finding
    from keyless.audit.source import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The report of the audit. It holds no value of a secret.

    Attributes:
        findings: What it found, by file and line.
        ignored: What a comment in the file ignores, and the reason that it gives.
        problems: What could not be read.
        files: How many files were read.
        today: The day that was counted from.
        days: What stops within so many days is due.
    """

    findings: tuple[Finding, ...]
    ignored: tuple[tuple[Finding, str], ...]
    problems: tuple[Problem, ...]
    files: int
    today: date
    days: int

    @property
    def due(self) -> tuple[Finding, ...]:
        """The findings that have stopped, or stop within the days."""
        return tuple(finding for finding in self.findings if finding.is_due(self.today, self.days))

    def to_dict(self) -> dict[str, object]:
        """Return the report as JSON shows it."""
        return {
            "today": self.today.isoformat(),
            "days": self.days,
            "files": self.files,
            "due": len(self.due),
            "findings": [self._told(finding) for finding in self.findings],
            "ignored": [self._told(finding) | {"reason": reason} for finding, reason in self.ignored],
            "unread": [{"path": each.path, "line": each.line or None, "why": each.why} for each in self.problems],
        }

    def _told(self, finding: Finding) -> dict[str, object]:
        return {
            "rule": finding.rule.code,
            "name": finding.rule.name,
            "path": finding.place.path,
            "line": finding.place.line,
            "status": finding.status(self.today),
            "on": finding.on.isoformat() if finding.on is not None else None,
            "due": finding.is_due(self.today, self.days),
            "what": finding.what,
            "write": finding.write,
            "source": finding.source,
        }
