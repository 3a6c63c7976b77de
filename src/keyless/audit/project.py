"""Reads a project's files and holds them against the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.audit.checks import check
from keyless.audit.checks.whole import Whole
from keyless.audit.files import content, files, reader_of
from keyless.audit.ignores import ignores
from keyless.audit.report import Report
from keyless.audit.source import Grammars, Problem, Source, decoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from keyless.audit.facts import Fact
    from keyless.audit.files import Reader
    from keyless.audit.finding import Finding
    from keyless.audit.ignores import Ignore

DAYS = 180
"""How far ahead the audit looks by default."""


def audit(paths: Sequence[Path], *, today: date, days: int = DAYS) -> Report:
    """Find out what in a project's files stops or changes, or shows a secret.

    Args:
        paths: The project's folders, or single files.
        today: The day to count from.
        days: What stops within so many days is due.

    Returns:
        The report. A file that cannot be read is in it, too: nothing is raised for one.

    Example::

        from datetime import date
    from pathlib import Path
        report = audit([Path("infra")], today=date.today())
        for finding in report.findings:
            print(finding.place.path, finding.place.line, finding.what)
    """
    reading = _Reading()
    for root in paths:
        for shown, path in files(root, reading.problems):
            reader = reader_of(shown)
            if reader is not None:
                reading.read(shown, path, reader)
            elif path == root:
                reading.problems.append(Problem(shown, 0, "The audit does not read files of this kind."))
    return reading.report(today, days)


class _Reading:
    """The files read so far."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._whole = Whole()
        self._findings: list[Finding] = []
        self._ignores: dict[str, list[Ignore]] = {}
        self._grammars = Grammars()
        self._count = 0

    def read(self, shown: str, path: Path, reader: Reader) -> None:
        """Read one file; what goes wrong with it is noted, and stops nothing else."""
        data = content(shown, path, self.problems)
        if data is None:
            return
        self._count += 1
        try:
            source = Source(shown, decoded(data), self._grammars, self.problems)
            facts = list(reader(source))
            found = [finding for fact in facts for finding in self._held_against_rules(fact)]
            # Where there is nothing to ignore, such a comment is none of ours.
            told, wrong = ignores(shown, source.data) if facts else ([], [])
        except ModuleNotFoundError:
            raise  # A parser is not installed: no file of its kind can be read.
        except Exception as error:  # noqa: BLE001 (whatever a file brings about that nobody thought of)
            self.problems.append(Problem(shown, 0, f"The file could not be read: {type(error).__name__}."))
            return
        self._findings += [*found, *wrong]
        if told:
            self._ignores[shown] = told

    def _held_against_rules(self, fact: Fact) -> Iterator[Finding]:
        self._whole.learn(fact)
        yield from check(fact)

    def report(self, today: date, days: int) -> Report:
        """Hold what was read against the rules."""
        found = [*self._findings, *self._whole.findings()]
        # Two ways to the same line, such as a nested template that is read twice, are one finding.
        unique = sorted(
            {finding for finding in found if finding.is_told(today, days)},
            key=lambda each: (each.place.path, each.place.line, each.rule.code, each.what),
        )
        told = {finding: self._reason(finding) for finding in unique}
        return Report(
            findings=tuple(finding for finding, reason in told.items() if reason is None),
            ignored=tuple((finding, reason) for finding, reason in told.items() if reason is not None),
            problems=tuple(dict.fromkeys(self.problems)),
            files=self._count,
            today=today,
            days=days,
        )

    def _reason(self, finding: Finding) -> str | None:
        """Return the reason of the comment that ignores a finding; None where none does."""
        told = self._ignores.get(finding.place.path, [])
        return next((ignore.reason for ignore in told if ignore.covers(finding)), None)
