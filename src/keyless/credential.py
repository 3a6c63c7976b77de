"""The reader's tokens as credentials of the Azure SDK for Python, so that one process has one token source.

Needs ``azure-core``, which every client of the Azure SDK brings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

try:
    from azure.core.credentials import AccessToken, AccessTokenInfo
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError("A credential for the Azure SDK needs azure-core: pip install azure-core.") from missing

from keyless.errors import ConfigurationError, DeadlineExceededError
from keyless.flight import arrival, landed

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from types import TracebackType

    from azure.core.credentials import TokenRequestOptions

    from keyless.identity import Token

    Acquire = Callable[[str, str | None], Future[Token]]


class _QuietToken(AccessToken):
    """An AccessToken that does not print itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"AccessToken(expires_on={self.expires_on})"


class _QuietTokenInfo(AccessTokenInfo):
    """An AccessTokenInfo that does not print itself."""

    def __repr__(self) -> str:
        return f"AccessTokenInfo(expires_on={self.expires_on})"


class Credential:
    """An ``azure.core.credentials.TokenCredential`` that also gives token info.

    Get it from ``SecretReader.credential``. Closing it does nothing: the reader owns the connections.
    """

    def __init__(self, acquire: Acquire, timeout: float) -> None:
        self._acquire = acquire
        self._timeout = timeout

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,  # noqa: ARG002 (a managed identity has tokens of its own tenant alone)
        enable_cae: bool = False,  # noqa: ARG002 (the platform decides)
        **_: Any,  # The protocol of azure-core demands it.
    ) -> AccessToken:
        """Return a token for one scope, such as ``https://vault.azure.net/.default``.

        Raises:
            ConfigurationError: If there is not exactly one scope.
            IdentityError: If no token can be had.
            DeadlineExceededError: If the reader's timeout runs out.
        """
        token = self._token(scopes, claims)
        return _QuietToken(token.value, token.expires_on)

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token for one scope with what is known of it; raises as ``get_token`` does."""
        token = self._token(scopes, (options or {}).get("claims"))
        return _QuietTokenInfo(token.value, token.expires_on, refresh_on=token.refresh_on)

    def close(self) -> None:
        """Do nothing: the reader owns the connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _token(self, scopes: tuple[str, ...], claims: str | None) -> Token:
        flight = self._acquire(_resource(scopes), claims)
        try:
            flight.exception(self._timeout)
        except TimeoutError:
            raise _too_late() from None
        return landed(flight)


class AsyncCredential:
    """An ``azure.core.credentials_async.AsyncTokenCredential`` that also gives token info.

    Get it from ``SecretReader.async_credential``. Closing it does nothing: the reader owns the connections.
    """

    def __init__(self, acquire: Acquire, timeout: float) -> None:
        self._acquire = acquire
        self._timeout = timeout

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,  # noqa: ARG002 (as for Credential)
        enable_cae: bool = False,  # noqa: ARG002 (as for Credential)
        **_: Any,
    ) -> AccessToken:
        """Return a token for one scope; raises as ``Credential.get_token`` does."""
        token = await self._token(scopes, claims)
        return _QuietToken(token.value, token.expires_on)

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token for one scope with what is known of it; raises as ``Credential.get_token`` does."""
        token = await self._token(scopes, (options or {}).get("claims"))
        return _QuietTokenInfo(token.value, token.expires_on, refresh_on=token.refresh_on)

    async def close(self) -> None:
        """Do nothing: the reader owns the connections."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()

    async def _token(self, scopes: tuple[str, ...], claims: str | None) -> Token:
        flight = self._acquire(_resource(scopes), claims)
        if not await arrival(flight, self._timeout):
            raise _too_late()
        return landed(flight)


def _resource(scopes: tuple[str, ...]) -> str:
    if len(scopes) != 1 or not scopes[0]:
        raise ConfigurationError(
            f"A managed identity gives a token for one scope at a time, not for {len(scopes)}.",
            cause="A managed identity's token is for one resource.",
            remedy='Ask for one scope, such as "https://vault.azure.net/.default".',
        )
    return scopes[0].removesuffix("/.default")


def _too_late() -> DeadlineExceededError:
    return DeadlineExceededError(
        "No token came before the deadline.",
        cause="The identity endpoint is slow, silent or being updated.",
        remedy="Try again; if it lasts, give the SecretReader a longer timeout.",
    )
