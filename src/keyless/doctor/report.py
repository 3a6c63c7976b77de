"""The report: every finding in order, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keyless.doctor.finding import STAGES

if TYPE_CHECKING:
    from keyless.doctor.finding import Finding


@dataclass(frozen=True, slots=True)
class Report:
    """The doctor's report. It holds no value and no token.

    Attributes:
        findings: The findings, in the order of the stages.
        seconds: How long it took.
    """

    findings: tuple[Finding, ...]
    seconds: float

    @property
    def healthy(self) -> bool:
        """Whether nothing failed. Warnings do not make it ill."""
        return not any(finding.status == "fail" for finding in self.findings)

    @property
    def problem(self) -> Finding | None:
        """The first finding that failed: what to fix first."""
        return next((finding for finding in self.findings if finding.status == "fail"), None)

    @property
    def warned(self) -> tuple[Finding, ...]:
        """The findings that stop nothing here and deserve a look."""
        return tuple(finding for finding in self.findings if finding.status == "warn")

    @property
    def skipped(self) -> tuple[str, ...]:
        """The stages of which something was not looked at."""
        return tuple(dict.fromkeys(finding.stage for finding in self.findings if finding.status == "skipped"))

    def to_dict(self) -> dict[str, object]:
        """Return the report as JSON shows it; its schema is docs/doctor.schema.json."""
        return {
            "healthy": self.healthy,
            "seconds": round(self.seconds, 3),
            "findings": [
                {
                    "stage": finding.stage,
                    "check": finding.check,
                    "status": finding.status,
                    "evidence": finding.evidence,
                    "code": finding.code or None,
                    "cause": finding.cause or None,
                    "remedy": finding.remedy or None,
                    "link": finding.link or None,
                }
                for finding in self.findings
            ],
        }

    def stages(self) -> list[tuple[str, list[Finding]]]:
        """Return the findings by stage."""
        return [(stage, [found for found in self.findings if found.stage == stage]) for stage in STAGES]
