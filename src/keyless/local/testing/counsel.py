"""Advice that the console shows beside the state: the smallest roles, and drills with their accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.record import Record
from keyless.local.testing import least_privilege
from keyless.local.testing.drill_account import DrillRun
from keyless.local.testing.drills import DRILLS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from keyless.local.azure.azure import Azure
    from keyless.local.instruments.journal_entry import Entry


class SmallestRole(Record, frozen=True):
    """A role assignment that suffices for one call.

    Attributes:
        role: The role's name.
        on: Where it is to hold.
        command: The ``az`` command that makes it.
    """

    role: str
    on: str
    command: str


class Counsel(Record, frozen=True):
    """The counsel of one local Azure.

    Attributes:
        azure: The local Azure.
        opened: Returns the sources of managed identities that are served.
    """

    azure: Azure
    opened: Callable[[], Sequence[str]]

    def smallest(self, entry: Entry) -> SmallestRole | None:
        """Return the smallest role that lets a request through; None where no role does."""
        for need in least_privilege.needs(least_privilege.uses([entry])):
            on = f"{need.vault}/{need.item}" if need.item else need.vault
            return SmallestRole(need.role.name, on, least_privilege.az_line(need))
        return None

    def report(self, entries: Iterable[Entry]) -> tuple[str, str]:
        """Return what each identity did and needs, and the Bicep that gives it that."""
        found = least_privilege.uses(entries)
        text = least_privilege.report(found)
        return text.partition("\nWith az")[0].rstrip(), "\n".join(least_privilege.bicep(least_privilege.needs(found)))

    def drills(self) -> Mapping[str, str]:
        """Return the drills that mean something for a program that runs already, and what happens in each."""
        return {drill.name: drill.says for drill in DRILLS.values()}

    def drill(self, name: str) -> DrillRun:
        """Return a drill, to be begun.

        Raises:
            LocalAzureError: If there is none of that name.
        """
        return DrillRun(self.azure, name)

    def sources(self) -> Sequence[str]:
        """Return the sources of managed identities that are served."""
        return self.opened()
