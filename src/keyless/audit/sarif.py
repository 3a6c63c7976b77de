"""The report in SARIF 2.1.0, which code hosts show beside the lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from keyless.audit.rules.rule import CATALOG

if TYPE_CHECKING:
    from keyless.audit.finding import Finding
    from keyless.audit.report import Report
    from keyless.audit.source import Problem

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_PAGE: Final = "https://github.com/keyless-azure/keyless/blob/main/docs/audit.md"
_INDEX: Final = {rule.code: position for position, rule in enumerate(CATALOG)}


def sarif(report: Report, *, version: str) -> dict[str, Any]:
    """Return the report as a SARIF log.

    Args:
        report: The report.
        version: The version of this program.
    """
    results = [_result(finding, report) for finding in report.findings]
    for finding, reason in report.ignored:
        suppression = {"kind": "inSource", "justification": reason}
        results.append(_result(finding, report) | {"suppressions": [suppression]})
    driver = {
        "name": "keyless audit",
        "semanticVersion": version,
        "informationUri": _PAGE,
        "rules": [
            {
                "id": rule.code,
                "name": rule.name,
                "shortDescription": {"text": rule.title},
                "helpUri": rule.source,
                "properties": {"effect": rule.effect, "seen": rule.seen.isoformat()},
            }
            for rule in CATALOG
        ],
    }
    invocation = {
        "executionSuccessful": True,
        "toolExecutionNotifications": [_notification(problem) for problem in report.problems],
    }
    run = {"tool": {"driver": driver}, "invocations": [invocation], "results": results, "columnKind": "utf16CodeUnits"}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: Finding, report: Report) -> dict[str, Any]:
    on = f" ({finding.on.isoformat()})" if finding.on is not None else ""
    return {
        "ruleId": finding.rule.code,
        "ruleIndex": _INDEX[finding.rule.code],
        "level": _level(finding, report),
        "message": {"text": f"{finding.what}{on}. Write {finding.write}."},
        "locations": [_location(finding.place.path, finding.place.line)],
    }


def _level(finding: Finding, report: Report) -> str:
    if finding.is_due(report.today, report.days):
        return "error"
    return "note" if finding.rule.effect == "advice" else "warning"


def _notification(problem: Problem) -> dict[str, Any]:
    return {
        "level": "warning",
        "message": {"text": problem.why},
        "locations": [_location(problem.path, problem.line)],
    }


def _location(path: str, line: int) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": quote(path)}}
    return {"physicalLocation": place | ({"region": {"startLine": line}} if line else {})}
