"""From nothing to a secret: a token, the vault, and what to do when either says no for now."""

from __future__ import annotations

import random
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from keyless._reading.flight import closed
from keyless._reading.tokens import TokenSource
from keyless._vault.failures import open_to_all, wrong_challenge
from keyless._vault.vault import TokenRejected, Vault
from keyless._wire.ahead import started
from keyless._wire.pauses import backoff
from keyless._wire.trust import Trust
from keyless.clouds import cloud_of
from keyless.errors import VaultError, VaultThrottledError

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless._identity.choice import Choice
    from keyless._reading.options import ReaderOptions
    from keyless._wire.deadline import Deadline
    from keyless.events import Hook
    from keyless.secret import Secret
    from keyless.secret_id import SecretId

_ATTEMPTS = 4
# A vault that turns requests away is alive, and lets in 400 a second: waiting one's turn is better than an error.
_ATTEMPTS_THROTTLED = 8
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 8.0


class Fetcher:
    """Reads secrets of one vault as one identity: two requests for the first, one for each after it.

    The official client sends three for the first, because it asks the vault for its challenge. Here the vault's host shows
    which cloud it is in, and so which token it wants; only a host under no known suffix is asked.

    Args:
        vault_url: The vault's address, already checked.
        choice: Who reads.
        options: The reader's options.
        emit: What is given each event.
        pause: Waits that many seconds and says whether the wait was cut short; None waits until close() at most.
        trust: What its connections trust; None reads it again.
    """

    def __init__(
        self,
        vault_url: str,
        choice: Choice,
        options: ReaderOptions,
        *,
        emit: Hook,
        pause: Callable[[float], bool] | None = None,
        trust: Trust | None = None,
    ) -> None:
        self._closing = threading.Event()
        self._pause = pause or self._closing.wait
        trust = trust or Trust()
        self._host = vault_url.removeprefix("https://").partition(":")[0]
        self._vault = Vault(vault_url, connections=options.parallel, now=_now, trust=trust)
        self._ahead: threading.Thread | None = None
        self._was_opened = False
        self.tokens = TokenSource(choice.make(self._pause, options.clock, trust), choice, options, emit=emit)
        cloud = cloud_of(self._host)
        self._resource = cloud.resource if cloud else None

    def open_ahead(self) -> None:
        """Connect to the vault while the first token is on its way; once, for later connections are kept."""
        if not self._was_opened:
            self._was_opened = True
            self._ahead = started(self._vault.open_ahead)

    def fetch(self, secret: SecretId, deadline: Deadline, *, patient: bool) -> Secret:
        """Read a secret.

        Args:
            secret: Which one.
            deadline: By when.
            patient: Whether to try again where that may help; with an old value in hand there is no need.

        Raises:
            IdentityError: If there is no token.
            VaultError: If the vault cannot be asked, or refuses.
            DeadlineExceededError: If the time runs out.
            ReaderClosedError: If close() came first.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._read(secret, deadline)
            except VaultError as error:
                wait = pause_after(error, attempt, patient=patient)
                if wait is None or wait >= deadline.remaining:
                    raise
            if self._pause(wait):
                raise closed()

    @property
    def lacks_token(self) -> bool:
        """Whether a read must wait for a token first; any thread may ask."""
        return self._resource is not None and not self.tokens.has(self._resource)

    def close(self) -> None:
        """Cut short every pause and close the connections."""
        self._closing.set()
        self._vault.close()
        self.tokens.close()

    def _read(self, secret: SecretId, deadline: Deadline) -> Secret:
        if self._resource is None:
            self._resource = self._ask_for_resource(secret, deadline)
        token = self.tokens.token(self._resource, deadline)
        if self._ahead is not None:
            # A second connection would be there no sooner.
            self._ahead.join(deadline.remaining)
            self._ahead = None
        try:
            return self._vault.read(secret, token, deadline)
        except TokenRejected as refused:
            claims = refused.challenge.claims
        # Once more with another token: this one may have been revoked, or its signing key rolled over.
        self.tokens.forget(self._resource, token)
        token = self.tokens.token(self._resource, deadline, claims=claims)
        try:
            return self._vault.read(secret, token, deadline)
        except TokenRejected as refused:
            failure = refused.error
        raise failure

    def _ask_for_resource(self, secret: SecretId, deadline: Deadline) -> str:
        try:
            self._vault.read(secret, None, deadline)
        except TokenRejected as refused:
            challenge = refused.challenge
        else:
            raise open_to_all(secret)
        if challenge.resource is None or not challenge.vouches_for(self._host):
            raise wrong_challenge(secret, challenge)
        return challenge.resource


def pause_after(
    error: VaultError, attempt: int, *, patient: bool, chance: Callable[[], float] = random.random
) -> float | None:
    """Return how many seconds to pause before the vault is asked again, or None where that will not do.

    Args:
        error: What came of the attempt.
        attempt: Which one it was, from 1.
        patient: As for ``fetch``.
        chance: A number from 0 to 1, a new one at each call.
    """
    most = _ATTEMPTS_THROTTLED if isinstance(error, VaultThrottledError) else _ATTEMPTS
    if not (patient and error.retryable) or attempt >= most:
        return None
    return backoff(attempt, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE, asked=error.retry_after, chance=chance)


def _now() -> datetime:
    return datetime.now(UTC)
