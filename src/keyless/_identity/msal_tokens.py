"""One of MSAL's clients, made when it is first needed, and what a call of it brings: a token, or what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from keyless._wire import clock
from keyless._wire.token import Token
from keyless.errors import KeylessError

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

ClientT = TypeVar("ClientT")


class MsalTokens(Generic[ClientT]):
    """The tokens that one of MSAL's clients has or gets.

    Args:
        session: What the client talks through.
        make: Makes the client, given where it may remember answers.
    """

    def __init__(self, session: requests.Session, make: Callable[[dict[object, object]], ClientT]) -> None:
        self._session = session
        self._make = make
        self._answers: dict[object, object] = {}
        self._client: ClientT | None = None

    def ask(self, call: Callable[[ClientT], object]) -> tuple[Token | None, Exception | None]:
        """Return the token that a call brings, and what it raised. Neither means that MSAL returned an error.

        Raises:
            KeylessError: If the call raised one.
        """
        # MSAL would replay a failed answer from memory for a time of its own; how long to remember is its caller's.
        self._answers.clear()
        try:
            if self._client is None:
                self._client = self._make(self._answers)
            return _token_of(call(self._client)), None
        except KeylessError:
            raise
        except Exception as error:  # noqa: BLE001 (MSAL lets through whatever its parts raise)
            return None, error

    def forget(self) -> None:
        """Forget every token: MSAL has no way to drop one, so that another client is made for the next."""
        self._client = None

    def close(self) -> None:
        """Close the connections, and forget every token."""
        self._session.close()
        self._answers.clear()
        self.forget()


def _token_of(result: object) -> Token | None:
    """Return the token in what MSAL returned; None where that is an error."""
    if not isinstance(result, dict) or not isinstance(result.get("access_token"), str):
        return None
    expires_in, refresh_on = result.get("expires_in"), result.get("refresh_on")
    return Token(
        value=result["access_token"],
        # MSAL itself takes an hour where the endpoint does not say.
        expires_on=int(clock.unix_time()) + (int(expires_in) if expires_in is not None else 3600),
        refresh_on=int(refresh_on) if refresh_on is not None else None,
    )
