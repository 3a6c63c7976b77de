"""A finding of the audit in one place."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import date

    from keyless.audit.facts import Place
    from keyless.audit.rules.rule import Rule

Status = Literal["stopped", "stops", "changes", "exposes", "advice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A finding of the audit. It holds no value of a secret.

    Attributes:
        rule: The rule.
        place: Where.
        what: What is there, and its consequence.
        write: What to write instead.
        source: Where that is announced or documented.
        on: When it takes effect; None where there is no day.
    """

    rule: Rule
    place: Place
    what: str
    write: str
    source: str
    on: date | None = None

    def status(self, today: date) -> Status:
        """Return what it means on a day."""
        if self.rule.effect == "stops":
            return "stopped" if self.on is not None and self.on <= today else "stops"
        return self.rule.effect

    def is_told(self, today: date, days: int) -> bool:
        """Return whether it is near enough to be reported."""
        ahead = self.rule.ahead
        return ahead is None or self.on is None or self.on <= today + timedelta(days=max(ahead, days))

    def is_due(self, today: date, days: int) -> bool:
        """Return whether something has stopped, or stops within so many days."""
        return self.rule.effect == "stops" and self.on is not None and self.on <= today + timedelta(days=days)


def found(rule: Rule, place: Place, what: str, write: str, *, source: str = "", on: date | None = None) -> Finding:
    """Return a finding of a rule, with the rule's own source and day unless others are given."""
    return Finding(rule=rule, place=place, what=what, write=write, source=source or rule.source, on=on or rule.on)
