"""Comments about why a rule does not apply: ``# keyless: ignore KA-101 the reason``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyless.audit.facts import Place
from keyless.audit.finding import found
from keyless.audit.rules.rule import CATALOG, rule

if TYPE_CHECKING:
    from keyless.audit.finding import Finding

_MARK: Final = b"keyless: ignore"
_COMMENT: Final = re.compile(
    r"""(?P<mark>\#|//|/\*|<!--|"comments?"\s*:\s*")\s*keyless:\s*ignore\b[ \t]*(?P<code>[A-Z]+-\d+)?[ \t:]*(?P<reason>[^\n]*)"""
)


@dataclass(frozen=True, slots=True)
class Ignore:
    """One such comment.

    Attributes:
        code: The rule's code.
        reason: Why.
        line: Its line.
        alone: Whether nothing else is on its line, so that it is for the line below.
    """

    code: str
    reason: str
    line: int
    alone: bool

    def covers(self, finding: Finding) -> bool:
        """Return whether it is for a finding: on its line, or above it, or above or at the start of what it is a part of."""
        place = finding.place
        lines = {place.line, place.block} - {0}
        # A template in JSON has its comment as the first member.
        below = {line - 1 for line in lines} if self.alone else set()
        inside = {place.block + 1} if place.block else set()
        return self.code == finding.rule.code and self.line in lines | below | inside


def ignores(path: str, data: bytes) -> tuple[list[Ignore], list[Finding]]:
    """Return the comments of a file that ignore a rule, and those among them that say too little."""
    told: list[Ignore] = []
    wrong: list[Finding] = []
    if _MARK not in data and b"keyless:ignore" not in data:
        return told, wrong
    for number, line in enumerate(data.decode(errors="replace").splitlines(), start=1):
        for comment in _COMMENT.finditer(line):
            code, reason = comment["code"] or "", re.sub(r"""(\*/|-->|",?)\s*$""", "", comment["reason"]).strip()
            problem = _problem(code, reason)
            if problem:
                write = "`keyless: ignore KA-101 why it does not apply here`"
                wrong.append(found(rule("KA-001"), Place(path, number), problem, write))
            else:
                told.append(Ignore(code, reason, number, alone=not line[: comment.start()].strip()))
    return told, wrong


def _problem(code: str, reason: str) -> str:
    if code not in {each.code for each in CATALOG}:
        return f"The comment names no rule that exists: {code or 'none'}"
    return "" if re.search(r"\w{2}", reason) else f"The comment that ignores {code} gives no reason"
