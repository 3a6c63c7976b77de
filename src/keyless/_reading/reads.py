"""The methods of a SecretReader: each checks its arguments, asks, and waits within a deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keyless._identity.choice import choose
from keyless._reading.flight import Ticket
from keyless._reading.options import check_names, check_timeout
from keyless._reading.refresher import PendingRead, Refresher
from keyless._wire.deadline import Deadline
from keyless.errors import ConfigurationError, KeylessError, ReadErrors
from keyless.secret import Secret
from keyless.secret_id import check_vault_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from keyless._reading.options import ReaderOptions

# A reader that holds an old value which is due waits this long for the vault, then takes the old one, marked stale. One that
# holds none says so in the log, and waits on.
_PATIENCE = 3.0
# Threads and event loops cannot wait for ever; about a year is as good.
_LONGEST_TIMEOUT = 3.0e7


class Reads:
    """The reads of one reader; the arguments of its methods are those of SecretReader.

    Args:
        vault_url: The vault's address.
        options: The reader's options.
        identity: Who reads, in MSAL's own classes or a WorkloadIdentity.
        credential: A credential of the Azure SDK in its place.

    Attributes:
        vault_url: The vault's address, checked.
        refresher: What serves and remembers.
    """

    def __init__(self, vault_url: str, options: ReaderOptions, *, identity: Any, credential: Any) -> None:
        self._options = options
        self.vault_url = check_vault_url(vault_url)
        self.refresher = Refresher(self.vault_url, choose(identity, credential), self._options)

    def check_timeout(self, timeout: object) -> None:
        """Check how many seconds a read may take, where there is nothing to wait for."""
        check_timeout(timeout)

    def get(self, name: str, version: str | None, timeout: float | None) -> Secret:
        """Return a secret that is not to be served from memory at once."""
        deadlines = self._deadlines(timeout)
        return self._wait(self.refresher.ask(name, version, Ticket), *deadlines)

    async def aget(self, name: str, version: str | None, timeout: float | None) -> Secret:  # noqa: ASYNC109 (as there)
        """Return a secret as ``get`` does, without blocking the event loop."""
        deadlines = self._deadlines(timeout)
        return await self._await(self.refresher.ask(name, version, Ticket.in_loop), *deadlines)

    def get_many(self, names: Iterable[str], timeout: float | None) -> dict[str, Secret]:
        """Return several secrets."""
        deadlines, asked, errors = self._deadlines(timeout), *self._ask_many(names, Ticket)
        secrets = {}
        for name, outcome in asked.items():
            try:
                secrets[name] = self._wait(outcome, *deadlines)
            except KeylessError as error:
                errors[name] = error
        return _all_or_errors(secrets, errors)

    async def aget_many(self, names: Iterable[str], timeout: float | None) -> dict[str, Secret]:  # noqa: ASYNC109 (as there)
        """Return several secrets, without blocking the event loop."""
        deadlines, asked, errors = self._deadlines(timeout), *self._ask_many(names, Ticket.in_loop)
        secrets = {}
        for name, outcome in asked.items():
            try:
                secrets[name] = await self._await(outcome, *deadlines)
            except KeylessError as error:
                errors[name] = error
        return _all_or_errors(secrets, errors)

    def invalidate(self, secret: Secret | str, version: str | None) -> None:
        """Make the next read ask the vault."""
        if isinstance(secret, Secret):
            if secret.vault_url != self.vault_url:
                raise ConfigurationError(
                    f"The secret {secret.name!r} was not read from the vault {self.vault_url}.",
                    cause=f"It is a secret of {secret.vault_url}, and this reader reads another vault.",
                    remedy="Pass it to the reader that it came from.",
                )
            self.refresher.invalidate(secret.name, version, rejected=secret.version)
        else:
            self.refresher.invalidate(secret, version, rejected=None)

    def _deadlines(self, timeout: float | None) -> tuple[Deadline, Deadline]:
        """Return by when a secret must be there, and until when to wait for one in silence, or with its old value in hand."""
        if timeout is not None:
            check_timeout(timeout)
        seconds = min(self._options.timeout if timeout is None else timeout, _LONGEST_TIMEOUT)
        until = Deadline.after(seconds, self._options.clock)
        return until, Deadline.after(min(seconds, _PATIENCE), self._options.clock)

    def _ask_many(
        self, names: Iterable[str], ticket: Callable[[], Ticket[Secret]]
    ) -> tuple[dict[str, Secret | PendingRead], dict[str, KeylessError]]:
        asked: dict[str, Secret | PendingRead] = {}
        errors: dict[str, KeylessError] = {}
        for name in dict.fromkeys(check_names(names)):
            try:
                asked[name] = self.refresher.ask(name, None, ticket)
            except KeylessError as error:
                errors[name] = error
        return asked, errors

    def _waits_on(self, outcome: PendingRead, until: Deadline) -> bool:
        """Return whether to wait on for what is not there by now, and send an event about it."""
        if outcome.fallback is not None or not until.remaining:
            return False
        self.refresher.tell_waiting(outcome.secret, _PATIENCE, until.remaining)
        return True

    def _wait(self, outcome: Secret | PendingRead, until: Deadline, patience: Deadline) -> Secret:
        if isinstance(outcome, Secret):
            return outcome
        if outcome.unattended and outcome.fallback is None:
            return self.refresher.read_alone(outcome.secret, until)
        if not outcome.unattended and not outcome.ticket.wait(patience.remaining) and self._waits_on(outcome, until):
            outcome.ticket.wait(until.remaining)
        return self.refresher.result_or_fallback(outcome)

    async def _await(self, outcome: Secret | PendingRead, until: Deadline, patience: Deadline) -> Secret:
        if isinstance(outcome, Secret):
            return outcome
        if (
            not outcome.unattended
            and not await outcome.ticket.awaited(patience.remaining)
            and self._waits_on(outcome, until)
        ):
            await outcome.ticket.awaited(until.remaining)
        return self.refresher.result_or_fallback(outcome)


def _all_or_errors(secrets: dict[str, Secret], errors: dict[str, KeylessError]) -> dict[str, Secret]:
    if errors:
        raise ReadErrors(errors, secrets)
    return secrets
