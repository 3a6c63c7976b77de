"""Advice from rooms above the wire that the console shows: the smallest roles, drills, sources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from keyless.local.instruments.journal_entry import Entry


class SmallestRole(Protocol):
    """A role assignment that suffices for what was asked."""

    @property
    def role(self) -> str:
        """The role's name."""

    @property
    def on(self) -> str:
        """The scope of the role."""

    @property
    def command(self) -> str:
        """The ``az`` command that makes it."""


class DrillAccount(Protocol):
    """The program's behaviour while a drill ran."""

    @property
    def name(self) -> str:
        """The drill's name."""

    @property
    def entries(self) -> Sequence[Entry]:
        """Its requests."""

    @property
    def began(self) -> float | None:
        """The time when the drill began."""

    @property
    def ended(self) -> float | None:
        """The time when it ended; None where it goes on."""

    def text(self) -> str:
        """Return the account for people."""


class RunningDrill(Protocol):
    """A drill of this local Azure."""

    def begin(self) -> None:
        """Begin it."""

    def end(self) -> None:
        """End it."""

    def account(self) -> DrillAccount:
        """Return what was asked since it was made."""


class Counsel(Protocol):
    """Advice from rooms above the wire."""

    def smallest(self, entry: Entry) -> SmallestRole | None:
        """Return the smallest role that lets a request through; None where no role does."""

    def report(self, entries: Iterable[Entry]) -> tuple[str, str]:
        """Return what each identity did and needs, and the Bicep that gives it that."""

    def drills(self) -> Mapping[str, str]:
        """Return the drills, and what happens in each."""

    def drill(self, name: str) -> RunningDrill:
        """Return a drill, to be begun."""

    def sources(self) -> Sequence[str]:
        """Return the sources of managed identities that are served."""
