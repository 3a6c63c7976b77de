"""Tells a hook, and OpenTelemetry where a program has loaded it, what happens; on the reader's own threads alone."""

from __future__ import annotations

import logging
import sys
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from keyless.errors import ConfigurationError

if TYPE_CHECKING:
    from keyless._reading.cache import Entry
    from keyless._reading.refresher import Refresher
    from keyless.errors import KeylessError
    from keyless.events import Event, Hook
    from keyless.secret import Secret
    from keyless.secret_id import SecretId


class Herald:
    """The events that are sent, and their words.

    Args:
        hook: What is given each event; None writes it to the log.
        source: Whose events they are.
    """

    def __init__(self, hook: Hook | None, source: Refresher) -> None:
        self._hook = hook
        # A reader that is dropped without close() must not be kept by its threads.
        self._source = weakref.ref(source)
        self._here = threading.local()

    @property
    def is_telling(self) -> bool:
        """Whether this thread is in a hook now."""
        return getattr(self._here, "telling", False)

    def refuse_if_telling(self) -> None:
        """Refuse what a hook must not wait for: it may be what the hook keeps from coming.

        Raises:
            ConfigurationError: If this thread is in a hook.
        """
        if self.is_telling:
            raise ConfigurationError(
                "The event hook reads through the reader that it is called by.",
                cause="That read may wait for the very token or thread that waits for the hook to end.",
                remedy="Note the event in the hook, and read after it has returned; or read with another SecretReader.",
            )

    def prepare(self) -> None:
        """Import what will be needed, so that no fork finds a thread in the midst of an import."""
        import encodings.idna  # noqa: PLC0415, F401 (a connection needs it)

        import keyless._remedies.host  # noqa: PLC0415 (as below)
        from keyless import events  # noqa: PLC0415 (importing keyless need not pay for it)

        self._hook = self._hook or events.log_event
        if _has_telemetry():
            # One that does not work is reported with the first event.
            with suppress(Exception):
                import keyless.integrations.telemetry  # noqa: PLC0415, F401 (as above)

    def tell(self, event: Event) -> None:
        """Tell of an event; nothing that a hook raises goes further than the log."""
        before, self._here.telling = self.is_telling, True
        for hook in (self._hook, self._tell_telemetry):
            try:
                if hook is not None:
                    hook(event)
            except BaseException:
                logging.getLogger("keyless").exception("the event hook failed")
        self._here.telling = before

    def tell_success(
        self, wanted: SecretId, fetched: Secret, before: Entry | None, *, now: float, seconds: float
    ) -> None:
        """Tell of a secret that the vault gave.

        Args:
            wanted: Which one.
            fetched: What was given.
            before: What was remembered before.
            now: The time, in the reader's clock's seconds.
            seconds: How long it took.
        """
        from keyless.events import SecretRetrieved, StaleEnded  # noqa: PLC0415 (as above)

        if before is not None and before.stale is not None:
            self.tell(StaleEnded(vault_url=wanted.vault_url, name=wanted.name, age=now - before.stored_at))
        self.tell(
            SecretRetrieved(
                vault_url=wanted.vault_url,
                name=fetched.name,
                version=fetched.version,
                seconds=seconds,
                previous_version=before.secret.version if before else None,
            )
        )

    def tell_failure(
        self, wanted: SecretId, error: KeylessError, entry: Entry | None, *, now: float, seconds: float
    ) -> None:
        """Tell of a secret that could not be read, and whether an old value is served in its place.

        Args:
            wanted: Which one.
            error: Why.
            entry: What is remembered of it.
            now: The time, in the reader's clock's seconds.
            seconds: How long it took.
        """
        from keyless.events import ReadFailed, RefreshFailed, StaleStarted  # noqa: PLC0415 (as above)

        url, name, code, what = wanted.vault_url, wanted.name, error.kl_code, error.what
        if entry is None or entry.stale is None:
            self.tell(ReadFailed(vault_url=url, name=name, kl_code=code, what=what, seconds=seconds))
            return
        kind, age = StaleStarted if entry.failures == 1 else RefreshFailed, now - entry.stored_at
        self.tell(kind(vault_url=url, name=name, kl_code=code, what=what, age=age, seconds=seconds))

    def tell_waiting(self, wanted: SecretId, seconds: float, left: float) -> None:
        """Tell of a caller that has waited for some seconds, and how many more it will."""
        from keyless.events import ReadWaiting  # noqa: PLC0415 (as above)

        self.tell(ReadWaiting(vault_url=wanted.vault_url, name=wanted.name, seconds=seconds, left=left))

    def tell_invalidated(self, vault_url: str, name: str) -> None:
        """Tell of a value that a caller found to be wrong."""
        from keyless.events import SecretInvalidated, log_event  # noqa: PLC0415 (as above)

        self._hook = self._hook or log_event
        self.tell(SecretInvalidated(vault_url=vault_url, name=name))

    def _tell_telemetry(self, event: Event) -> None:
        source = self._source()
        if source is not None and _has_telemetry():
            from keyless.integrations.telemetry import process_telemetry  # noqa: PLC0415 (as above)

            process_telemetry().emit(source, event)


def _has_telemetry() -> bool:
    """Return whether there is anybody to receive anything: not in a program that has imported neither."""
    return not sys.modules.keys().isdisjoint({"opentelemetry.trace", "opentelemetry.metrics"})
