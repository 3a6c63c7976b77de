"""The behaviour of the program under test while a drill ran, as far as its requests show it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from keyless.local.record import Record
from keyless.local.testing.drills import find_drill

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyless.local.azure.azure import Azure
    from keyless.local.instruments.journal_entry import Entry

_FAILED = 400
_READ = 200


class DrillRun:
    """A drill on a local Azure, and its account. Times are seconds of the local Azure's clock.

    Args:
        azure: The local Azure. Its journal must not be cleared while the drill runs.
        name: The drill's name.

    Raises:
        LocalAzureError: If there is no drill of that name.
    """

    def __init__(self, azure: Azure, name: str) -> None:
        self.drill = find_drill(name)
        self._azure = azure
        self._started = azure.clock.now()
        self._latest: dict[str, str] = {}
        self._first = azure.journal.recorded
        self._began: float | None = None
        self._ended: float | None = None
        self._end: Callable[[], None] = lambda: None

    def begin(self) -> None:
        """Begin it."""
        self._latest = _latest_versions(self._azure)
        self._end = self.drill.begin(self._azure)
        self._began = self._azure.clock.now()

    def end(self) -> None:
        """End it; nothing is done where it is over already, or never began."""
        if self._began is not None and self._ended is None:
            self._end()
            self._ended = self._azure.clock.now()

    def account(self) -> DrillAccount:
        """Return what has been asked since this was made."""
        number = self._azure.journal.recorded - self._first
        entries = self._azure.journal.entries()[-number:] if number else ()
        rotated = _latest_versions(self._azure).items() - self._latest.items() if self._latest else set()
        return DrillAccount(
            name=self.drill.name,
            says=self.drill.says,
            entries=entries,
            started=self._started,
            began=self._began,
            ended=self._ended,
            rotated=tuple(sorted(name for name, _ in rotated)),
        )


class DrillAccount(Record, frozen=True, kw_only=True):
    """The requests while a drill ran, and their answers.

    Attributes:
        name: The drill's name.
        says: What happened.
        entries: Every request since it was prepared.
        started: When it was prepared, in Unix seconds.
        began: When it began; None where it did not.
        ended: When it was over; None where it was not.
        rotated: The secrets, as ``VAULT/SECRET``, that got a new version.
    """

    name: str
    says: str
    entries: tuple[Entry, ...]
    started: float
    began: float | None
    ended: float | None
    rotated: tuple[str, ...]

    @property
    def requests(self) -> int:
        """The number of requests, but for those that only ask for a vault's challenge."""
        return len(self._asked())

    @property
    def errors(self) -> Counter[str]:
        """The number of failed requests for each answer: a status, and the service's code where it has one."""
        return Counter(
            f"{entry.status} {entry.code or ''}".rstrip() for entry in self._asked() if entry.status >= _FAILED
        )

    @property
    def recovered_after(self) -> float | None:
        """Seconds from the end of the drill to the first secret that was read then; None where none was."""
        return None if self.ended is None else self._first_read(since=self.ended)

    @property
    def noticed_after(self) -> float | None:
        """Seconds from the rotation to the first read of a new version; until then the program had the old values."""
        if not self.rotated or self.began is None:
            return None
        return self._first_read(since=self.began, of=self.rotated)

    def _asked(self) -> Sequence[Entry]:
        return [entry for entry in self.entries if entry.operation != "getChallenge"]

    def _first_read(self, *, since: float, of: tuple[str, ...] = ()) -> float | None:
        for entry in self._asked():
            read = entry.operation == "getSecret" and entry.status == _READ and entry.time >= since
            if read and (not of or entry.names() & {name.lower() for name in of}):
                return entry.time - since
        return None

    def text(self) -> str:
        """Return the account for people."""
        lines = [f"The drill {self.name}: {self.says}", f"  {self._when()}"]
        lines.append(f"  requests: {self.requests or 'none: the program asked for nothing'}")
        for (operation, status), number in sorted(self._by_answer().items()):
            lines.append(f"    {number:5} x {operation}: {status}")
        if self.rotated:
            lines.append(f"  {_first('new version', self.noticed_after, 'the rotation')}")
        elif self.ended is not None:
            lines.append(f"  {_first('secret', self.recovered_after, 'the drill ended')}")
        return "\n".join(lines)

    def _when(self) -> str:
        if self.began is None:
            return "it did not begin: the program ended before, or read no secret"
        began = f"it began after {self.began - self.started:.1f} s"
        if self.rotated:
            return began
        return f"{began} and lasted " + ("to the end" if self.ended is None else f"for {self.ended - self.began:.1f} s")

    def _by_answer(self) -> Counter[tuple[str, str]]:
        return Counter((entry.operation, f"{entry.status} {entry.code or ''}".rstrip()) for entry in self._asked())


def _first(read: str, seconds: float | None, event: str) -> str:
    if seconds is None:
        return f"no {read} was read after {event}"
    return f"a {read} was first read {seconds:.1f} s after {event}"


def _latest_versions(azure: Azure) -> dict[str, str]:
    return {
        f"{vault.name}/{secret.name}": secret.version
        for vault in azure.vaults.values()
        for secret in vault.list_secrets()
    }
