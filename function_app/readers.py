"""The readers of the function: one for each identity that is asked for."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from threading import Lock, Timer

import keyless

MOST_READERS = 32
# Seconds: to find the functions takes a few hundredths.
LOAD_AFTER = 0.3


class Readers:
    """One reader an identity, each with its token and cache; beyond a number, the one unused for longest is closed."""

    def __init__(self, *, timeout: float) -> None:
        self.last_read = "none"
        self._timeout = timeout
        self._readers: OrderedDict[tuple[object, ...], keyless.SecretReader] = OrderedDict()
        self._lock = Lock()

    def load_ahead(self, vault_url: str) -> None:
        """Load what the first read needs on a thread, while the host still starts: about a second in which it asks nothing.

        The host gets the list of functions first: this would slow it down.
        """
        loading = Timer(LOAD_AFTER, self._prepare, (vault_url,))
        loading.daemon = True
        loading.start()

    def invalidate(self, name: str) -> None:
        """Make every reader ask the vault again for a secret at its next read."""
        for reader in list(self._readers.values()):
            reader.invalidate(name)

    async def read(self, vault_url: str, name: str, identity: dict[str, str]) -> keyless.Secret:
        """Return a secret, read as that identity: no id, or one of MSAL's keyword arguments."""
        reader = self._reader(vault_url, identity)
        try:
            secret = await reader.aget(name)
        except keyless.KeylessError as error:
            # That a caller names an identity which is not assigned says nothing of the app's health.
            if not (identity and isinstance(error, keyless.IdentityRefusedError)):
                self.last_read = "failed"
            raise
        self.last_read = "succeeded"
        return secret

    def _prepare(self, vault_url: str) -> None:
        # What is wrong with the identity, the first call reports; where one has come already, it has loaded all this.
        with suppress(keyless.KeylessError):
            if not self._readers:
                self._reader(vault_url, {}).prepare()

    def _reader(self, vault_url: str, identity: dict[str, str]) -> keyless.SecretReader:
        key = (vault_url, *identity.items())
        # Two threads at the start only: the first call waits for the reader that is made ahead, rather than make another.
        with self._lock:
            if key not in self._readers:
                # A refusal is remembered for a second only: an operator who grants the role sees it at once.
                reader = keyless.SecretReader(
                    vault_url, identity=chosen(identity), negative_ttl=1, timeout=self._timeout
                )
                self._readers[key] = reader
            self._readers.move_to_end(key)
            if len(self._readers) > MOST_READERS:
                self._readers.popitem(last=False)[1].close()
            return self._readers[key]


def chosen(identity: dict[str, str]) -> keyless.UserAssignedManagedIdentity | keyless.WorkloadIdentity | None:
    """Return the identity that an id names; None for what the host offers: workload identity or the system-assigned one."""
    if not identity:
        return None
    if "client_id" in identity and keyless.WorkloadIdentity.is_offered():
        return keyless.WorkloadIdentity(client_id=identity["client_id"])
    return keyless.UserAssignedManagedIdentity(**identity)
