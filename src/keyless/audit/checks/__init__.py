"""The findings of each rule, from what the readers found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.audit.checks import access, releases, secrets
from keyless.audit.facts import Package, Parameter, Resource, Runtime, Setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyless.audit.facts import Fact
    from keyless.audit.finding import Finding


def check(fact: Fact) -> Iterator[Finding]:
    """Yield what is wrong with one thing that was found. What takes the whole project is in ``checks.whole``."""
    match fact:
        case Resource():
            yield from releases.check_resource(fact)
            yield from access.check(fact)
            yield from secrets.check_resource(fact)
        case Package() if fact.ecosystem != "terraform":
            yield from releases.check_package(fact)
        case Runtime():
            yield from releases.check_runtime(fact)
        case Parameter():
            yield from secrets.check_parameter(fact)
        case Setting():
            yield from secrets.check_setting(fact)
