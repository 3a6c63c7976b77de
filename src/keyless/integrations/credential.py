"""The reader's tokens as credentials of the Azure SDK for Python, so that one process has one token source.

Needs ``azure-core``, which every client of the Azure SDK brings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

try:
    from azure.core.credentials import AccessToken, AccessTokenInfo
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError("A credential for the Azure SDK needs azure-core: pip install azure-core.") from missing

from keyless.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from azure.core.credentials import TokenRequestOptions

    from keyless._wire.token import Token

    # Each is given the resource, and claims or None.
    Acquire = Callable[[str, str | None], Token]
    AsyncAcquire = Callable[[str, str | None], Awaitable[Token]]


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

    def __init__(self, acquire: Acquire) -> None:
        self._acquire = acquire

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
        token = self._acquire(_resource(scopes), claims)
        return _QuietToken(token.value, token.expires_on)

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token for one scope with what is known of it; raises as ``get_token`` does."""
        token = self._acquire(_resource(scopes), (options or {}).get("claims"))
        return _QuietTokenInfo(token.value, token.expires_on, refresh_on=token.refresh_on)

    def close(self) -> None:
        """Do nothing: the reader owns the connections."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncCredential:
    """An ``azure.core.credentials_async.AsyncTokenCredential`` that also gives token info.

    Get it from ``SecretReader.async_credential``. Closing it does nothing: the reader owns the connections.
    """

    def __init__(self, acquire: AsyncAcquire) -> None:
        self._acquire = acquire

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,  # noqa: ARG002 (as for Credential)
        enable_cae: bool = False,  # noqa: ARG002 (as for Credential)
        **_: Any,
    ) -> AccessToken:
        """Return a token for one scope; raises as ``Credential.get_token`` does."""
        token = await self._acquire(_resource(scopes), claims)
        return _QuietToken(token.value, token.expires_on)

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Return a token for one scope with what is known of it; raises as ``Credential.get_token`` does."""
        token = await self._acquire(_resource(scopes), (options or {}).get("claims"))
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


def _resource(scopes: tuple[str, ...]) -> str:
    if len(scopes) != 1 or not scopes[0]:
        raise ConfigurationError(
            f"A managed identity gives a token for one scope at a time, not for {len(scopes)}.",
            cause="A managed identity's token is for one resource.",
            remedy='Ask for one scope, such as "https://vault.azure.net/.default".',
        )
    return scopes[0].removesuffix("/.default")
