"""The journal: each request to the local Azure, by which identity, its answer, and why. Never a value, never a token."""

from __future__ import annotations

import itertools
import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from keyless.local.instruments import journal_failures
from keyless.local.instruments.journal_filters import check_code, check_operation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from keyless.local.instruments.journal_entry import Entry
    from keyless.local.operations.names import Service

    Body = Mapping[str, object] | str | None

_OK: Final = 200
_ANSWERS: Final = 1000
_HIDDEN: Final = frozenset({"value", "access_token"})


class Journal:
    """The entries of a local Azure, oldest first; the oldest give way when there are too many."""

    def __init__(self, *, limit: int = 100_000) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=limit)
        self._recorded = 0
        self._unseen: deque[Entry] = deque(maxlen=limit)
        self._answers: deque[tuple[int, Body]] = deque(maxlen=_ANSWERS)

    def record(self, entry: Entry, answer: Body = None) -> None:
        """Keep an entry, and for the latest ones the body of the answer: a value or a token in it is left out."""
        with self._lock:
            if answer is not None:
                self._answers.append((self._recorded, _without_value(answer)))
            self._entries.append(entry)
            self._recorded += 1
            if entry.is_denial:
                self._unseen.append(entry)

    @property
    def recorded(self) -> int:
        """The number of entries that there have been, those that were forgotten or cleared among them."""
        with self._lock:
            return self._recorded

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

    def answer(self, number: int) -> Body:
        """Return the body of the answer of an entry, without a value or a token; None where it is not kept."""
        with self._lock:
            return next((body for found, body in self._answers if found == number), None)

    def entries(
        self,
        *,
        service: Service | None = None,
        operation: str | None = None,
        identity: str | None = None,
        vault: str | None = None,
        secret: str | None = None,
        key: str | None = None,
        certificate: str | None = None,
        status: int | None = None,
        code: str | None = None,
    ) -> tuple[Entry, ...]:
        """Return the entries that match all that is given, oldest first; names of vaults and objects match in any case.

        Raises:
            LocalAzureError: If there is no such service, operation or code, so that nothing could ever match.
        """
        check_operation(service, operation)
        check_code(code)
        named = (("secret", secret), ("key", key), ("certificate", certificate))
        objects = [(kind, name.lower()) for kind, name in named if name is not None]
        return self._seen(
            entry
            for entry in self._all()
            if service in {None, entry.service}
            and operation in {None, entry.operation}
            and identity in {None, entry.identity}
            and (vault is None or vault.lower() == (entry.vault or "").lower())
            and all((entry.kind, (entry.name or "").lower()) == each for each in objects)
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
        key: str | None = None,
        certificate: str | None = None,
        status: int | None = None,
        code: str | None = None,
    ) -> int:
        """Return how many entries match all that is given, as ``entries`` does."""
        return len(
            self.entries(
                service=service,
                operation=operation,
                identity=identity,
                vault=vault,
                secret=secret,
                key=key,
                certificate=certificate,
                status=status,
                code=code,
            )
        )

    def assert_read(
        self, secret: str, *, by: str | None = None, vault: str | None = None, times: int | None = None
    ) -> None:
        """Assert that a secret was read, with success.

        Args:
            secret: Its name.
            by: The name of the identity that must have read it; None means any.
            vault: The name of its vault; None means any.
            times: How often it must have been read; None means at least once.

        Raises:
            AssertionError: If it was not; the text shows what was asked instead, and what would fix it.
        """
        __tracebackhide__ = True
        asked = self.entries(service="vault", operation="getSecret", secret=secret, vault=vault)
        read = [entry for entry in asked if entry.status == _OK and by in {None, entry.identity}]
        if len(read) != times if times is not None else not read:
            raise AssertionError(journal_failures.not_read(secret, by, times, read=read, asked=asked, all_=self._all()))

    def assert_denied(self, secret: str | None = None, *, by: str | None = None, code: str | None = None) -> None:
        """Assert that an identity was refused.

        Args:
            secret: The name of the secret that it wanted; None means anything, a token among them.
            by: The identity's name; None means any.
            code: The service's literal code, such as ``ForbiddenByRbac``; None means any.

        Raises:
            LocalAzureError: If there is no such code.
            AssertionError: If none was; the text shows what was asked, and how it was answered.
        """
        __tracebackhide__ = True
        found = self.entries(secret=secret, identity=by, code=code)
        if not any(entry.is_denial for entry in found):
            raise AssertionError(journal_failures.not_denied(secret, by, code, all_=self._all()))

    def assert_no_denials(self) -> None:
        """Assert that no identity was refused a token, nor anything that it wanted of a vault.

        Raises:
            AssertionError: If one was; the text shows what it wanted, why it was refused, and what would fix it.
        """
        __tracebackhide__ = True
        denied = self._seen(entry for entry in self._all() if entry.is_denial)
        if denied:
            raise AssertionError(journal_failures.denied(denied))

    def assert_only(self, identity: str, *, reads: Collection[str]) -> None:
        """Assert that an identity asked the vaults for nothing but reads of certain secrets.

        Args:
            identity: The identity's name.
            reads: The names of the secrets, each alone or as ``VAULT/SECRET``. One that was not read is not a failure.

        Raises:
            AssertionError: If it asked for more; the text shows what.
        """
        __tracebackhide__ = True
        allowed = {name.lower() for name in ([reads] if isinstance(reads, str) else reads)}
        asked = self.entries(service="vault", identity=identity)
        more = [entry for entry in asked if entry.operation != "getSecret" or not entry.names() & allowed]
        if more:
            raise AssertionError(journal_failures.more_than(identity, sorted(allowed), more))

    def unseen_denials(self) -> tuple[Entry, ...]:
        """Return the denials that nobody has looked at by ``entries``, ``count`` or an assertion."""
        with self._lock:
            return tuple(self._unseen)

    def clear(self) -> None:
        """Forget every entry, so that a test counts only what comes next."""
        with self._lock:
            self._entries.clear()
            self._answers.clear()
            self._unseen.clear()

    def _all(self) -> tuple[Entry, ...]:
        with self._lock:
            return tuple(self._entries)

    def _seen(self, entries: Iterable[Entry]) -> tuple[Entry, ...]:
        found = tuple(entries)
        with self._lock:
            if self._unseen:
                seen = {id(entry) for entry in found}
                kept = [entry for entry in self._unseen if id(entry) not in seen]
                self._unseen.clear()
                self._unseen.extend(kept)
        return found


def _without_value(answer: Body) -> Body:
    """Return an answer with its value left out; a list, whose items hold none, has the same name."""
    if not isinstance(answer, dict) or not _HIDDEN & answer.keys():
        return answer
    hidden = (name for name in _HIDDEN if isinstance(answer.get(name), str))
    return {**answer, **dict.fromkeys(hidden, "(hidden)")}
