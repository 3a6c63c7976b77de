"""SecretReader: a token, a vault and a cache become one call that gives a secret.

The rest is loaded when one is made, so that a program which imports this module pays little for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from keyless._wire.clock import monotonic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    import msal
    from azure.core.credentials import SupportsTokenInfo, TokenCredential
    from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential

    from keyless.events import Hook
    from keyless.integrations.credential import AsyncCredential, Credential
    from keyless.secret import Secret
    from keyless.stats import ReaderStats
    from keyless.workload_identity import WorkloadIdentity

    SdkCredential = TokenCredential | SupportsTokenInfo | AsyncTokenCredential | AsyncSupportsTokenInfo


class SecretReader:
    """Reads the secrets of one vault as one identity, and remembers them.

    One reader serves a whole process: threads and tasks share its token, its connections and its cache, and however many
    ask at once, one request goes out. It is safe to use from any thread and any event loop, in a signal's handler, and
    after a fork. An interrupt ends the call that it falls into, and nothing else.

    Example:
        >>> from keyless import SecretReader
        >>> reader = SecretReader("https://contoso-kv.vault.azure.net")
        >>> reader
        SecretReader('https://contoso-kv.vault.azure.net', identity='system-assigned')
        >>> reader.close()

    Args:
        vault_url: The vault's address.
        identity: ``UserAssignedManagedIdentity(...)``, ``SystemAssignedManagedIdentity()`` or ``WorkloadIdentity()``. None
            takes what the host offers: workload identity in a pod that has its variables, and the system-assigned identity
            elsewhere.
        credential: Any credential of the Azure SDK for Python in its place, such as ``DefaultAzureCredential()``. One of
            ``azure.identity.aio`` is asked in the event loop that calls ``aget``. You close
            it yourself; where no loop ran, the reader does.
        ttl: Seconds for which a value is served without asking the vault, give or take a fifth; 0 asks at every read.
        max_stale: Seconds after its reading for which a value may be served while the vault or the identity endpoint
            cannot be asked. Never after a refusal: 403, 404 and a disabled secret are revocations.
        negative_ttl: Seconds for which a refusal is remembered.
        timeout: Seconds that a read may take in all: token, retries and pauses included. The default, 90, leaves room for the
            75 seconds that the endpoint of a virtual machine may be away while it is updated. Where nothing answers, a first
            read blocks for as long. After 3 s one line in the log reports it. Give 10 or less where a start must not hang.
        parallel: How many requests may be under way at once; 1 to 1000.
        on_event: Is given each event, on a thread of the reader; None logs it to ``keyless``. It must not read through
            the same reader. A program that has loaded OpenTelemetry gets spans and metrics in either case.
        clock: Tells the time in seconds; only differences matter.

    Raises:
        ConfigurationError: If an argument is wrong. Nothing is sent before the first read.
    """

    def __init__(
        self,
        vault_url: str,
        *,
        identity: msal.SystemAssignedManagedIdentity
        | msal.UserAssignedManagedIdentity
        | WorkloadIdentity
        | None = None,
        credential: SdkCredential | None = None,
        ttl: float = 300.0,
        max_stale: float = 86_400.0,
        negative_ttl: float = 5.0,
        timeout: float = 90.0,
        parallel: int = 8,
        on_event: Hook | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        from keyless._reading.options import ReaderOptions  # noqa: PLC0415 (see above)
        from keyless._reading.reads import Reads  # noqa: PLC0415 (as above)

        options = ReaderOptions(
            ttl=ttl,
            max_stale=max_stale,
            negative_ttl=negative_ttl,
            timeout=timeout,
            parallel=parallel,
            on_event=on_event,
            clock=clock,
        )
        self._reads = Reads(vault_url, options, identity=identity, credential=credential)
        self.vault_url = self._reads.vault_url
        self._refresher = self._reads.refresher

    def prepare(self) -> None:
        """Load what the first read needs: MSAL, requests and the root certificates. The first read is then faster.

        It returns at once, since a thread of the reader does it, and sends nothing. Call it while a program starts, where the
        first read comes later. A server that forks workers calls it in each worker.

        Raises:
            ReaderClosedError: If the reader is closed.
        """
        self._refresher.prepare()

    def get(self, name: str, version: str | None = None, *, timeout: float | None = None) -> Secret:
        """Return a secret, from memory or from the vault.

        Args:
            name: Its name; ``name/version`` and a whole identifier of this vault will do, too.
            version: Which version; None means the latest.
            timeout: Seconds to wait at most; None means the reader's own timeout.

        Raises:
            ConfigurationError: If the name or version cannot be one, or is another vault's.
            IdentityError: If no token can be had; the subclass shows why.
            VaultError: If the vault cannot be asked, or refuses; the subclass shows why.
            DeadlineExceededError: If the time runs out.
            ReaderClosedError: If the reader is closed.
        """
        secret = self._refresher.fresh(name) if version is None else None
        if secret is not None:
            if timeout is not None:
                self._reads.check_timeout(timeout)
            return secret
        return self._reads.get(name, version, timeout)

    async def aget(self, name: str, version: str | None = None, *, timeout: float | None = None) -> Secret:  # noqa: ASYNC109
        """Return a secret as ``get`` does, from the same cache, without ever blocking the event loop.

        A task that is cancelled leaves the request under way: others may wait for it, and its answer is remembered.
        """
        secret = self._refresher.fresh(name) if version is None else None
        if secret is not None:
            if timeout is not None:
                self._reads.check_timeout(timeout)
            return secret
        return await self._reads.aget(name, version, timeout)

    def get_many(self, names: Iterable[str], *, timeout: float | None = None) -> dict[str, Secret]:
        """Return several secrets, asked for in parallel.

        Args:
            names: Their names, in any form that ``get`` takes.
            timeout: Seconds to wait at most for all of them.

        Returns:
            The secrets, by the names that were asked for.

        Raises:
            ReadErrors: If at least one failed; it holds every failure, and the secrets that could be read.
        """
        return self._reads.get_many(names, timeout)

    async def aget_many(self, names: Iterable[str], *, timeout: float | None = None) -> dict[str, Secret]:  # noqa: ASYNC109
        """Return several secrets as ``get_many`` does, without ever blocking the event loop."""
        return await self._reads.aget_many(names, timeout)

    def invalidate(self, secret: Secret | str, version: str | None = None) -> None:
        """Make the next read ask the vault: "my database says that this password is wrong".

        The old value is kept until the new one is in hand, and is served, marked stale, should the vault be away.

        Args:
            secret: The secret that does not work, or its name. Many threads that find the same secret wrong should pass
                the secret: then only the first causes a request, none throws away a newer version, and a version that
                is still the latest is asked for again after ``negative_ttl`` at the earliest.
            version: Which version, if a pinned one was asked for by name.

        Raises:
            ConfigurationError: If the name or version cannot be one.
        """
        self._reads.invalidate(secret, version)

    @property
    def credential(self) -> Credential:
        """The same tokens, as a credential for any client of the Azure SDK for Python.

        Example: ``SecretClient(vault_url, credential=reader.credential)``.
        """
        from keyless.integrations.credential import Credential  # noqa: PLC0415 (needs azure-core, which only its users have)

        return Credential(self._refresher.token)

    @property
    def async_credential(self) -> AsyncCredential:
        """The same tokens, as a credential for any asynchronous client of the Azure SDK for Python."""
        from keyless.integrations.credential import AsyncCredential  # noqa: PLC0415 (as above)

        return AsyncCredential(self._refresher.atoken)

    def stats(self) -> ReaderStats:
        """Return what this reader has done so far, and what it holds: for a metric, a health check or a test."""
        return self._refresher.stats()

    def close(self) -> None:
        """Forget every value and token, and end connections and threads. Whoever still waits gets ReaderClosedError."""
        self._refresher.close()

    async def aclose(self) -> None:
        """Close as ``close`` does; nothing in it waits."""
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if not hasattr(self, "_refresher"):
            return "SecretReader(not made)"  # A crash report shows what __init__ refused to make.
        return f"SecretReader({self.vault_url!r}, identity={self._refresher.identity_name!r})"
