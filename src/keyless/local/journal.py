"""What was asked of the local Azure, by which identity, what was answered, and why: never a value, never a token."""

import itertools
import threading
from collections import deque
from dataclasses import dataclass
from typing import Literal

Service = Literal["identity", "vault"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request and its answer.

    Attributes:
        time: When it was answered, in Unix seconds by the clock of the local Azure.
        service: Which service was asked.
        operation: What was asked, such as ``getToken``, ``getSecret``, ``setSecret``, ``listSecrets``;
            ``probe`` where a client asked whether a source is there, ``getChallenge`` and ``discover`` before a token.
        source: Which source of managed identities was asked, such as ``imds``; None where none was.
        identity: The name of the identity that asked; None where it is not known.
        vault: The vault's name; None where no vault was asked.
        secret: The secret's name as it was sent; None where none was named.
        version: The secret's version as it was sent; None where none was named.
        status: The HTTP status of the answer.
        code: The service's literal error code; None on success.
        reason: Why it was answered so, in one sentence.
        client: The client's User-Agent; empty where it sent none.
        ms: How long the answer took to make, in milliseconds.
    """

    time: float
    service: Service
    operation: str
    status: int
    reason: str
    source: str | None = None
    identity: str | None = None
    vault: str | None = None
    secret: str | None = None
    version: str | None = None
    code: str | None = None
    client: str = ""
    ms: float = 0.0


class Journal:
    """The entries of a local Azure, oldest first; the oldest give way when there are too many."""

    def __init__(self, *, limit: int = 100_000) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=limit)
        self._recorded = 0

    def record(self, entry: Entry) -> None:
        """Keep an entry."""
        with self._lock:
            self._entries.append(entry)
            self._recorded += 1

    def page(self, start: int, *, size: int) -> tuple[int, tuple[Entry, ...]]:
        """Return up to ``size`` entries from the one numbered ``start`` on, for a reader that comes back for the rest.

        Entries are numbered from 0 as they are recorded, and keep their numbers when older ones are forgotten.

        Returns:
            The number of the first entry returned, and the entries.
        """
        with self._lock:
            oldest = self._recorded - len(self._entries)
            first = min(max(start, oldest), self._recorded)
            skipped = first - oldest
            return first, tuple(itertools.islice(self._entries, skipped, skipped + size))

    def entries(
        self,
        *,
        service: Service | None = None,
        operation: str | None = None,
        identity: str | None = None,
        vault: str | None = None,
        secret: str | None = None,
        status: int | None = None,
        code: str | None = None,
    ) -> tuple[Entry, ...]:
        """Return the entries that match all that is given, oldest first; names of vaults and secrets match in any case."""
        with self._lock:
            found = tuple(self._entries)
        return tuple(
            entry
            for entry in found
            if service in {None, entry.service}
            and operation in {None, entry.operation}
            and identity in {None, entry.identity}
            and (vault is None or vault.lower() == (entry.vault or "").lower())
            and (secret is None or secret.lower() == (entry.secret or "").lower())
            and status in {None, entry.status}
            and code in {None, entry.code}
        )

    def count(
        self,
        *,
        service: Service | None = None,
        operation: str | None = None,
        identity: str | None = None,
        vault: str | None = None,
        secret: str | None = None,
        status: int | None = None,
        code: str | None = None,
    ) -> int:
        """Return how many entries match all that is given."""
        return len(
            self.entries(
                service=service,
                operation=operation,
                identity=identity,
                vault=vault,
                secret=secret,
                status=status,
                code=code,
            )
        )

    def clear(self) -> None:
        """Forget every entry, so that a test counts only what comes next."""
        with self._lock:
            self._entries.clear()
