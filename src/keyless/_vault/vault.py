"""One vault: one read is one request, and every answer becomes a Secret or an error."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from keyless._vault.challenge import Challenge
from keyless._vault.failures import another_answer, error_answer, not_a_vault, unreadable
from keyless._vault.unreachable import no_answer
from keyless._wire.body import read_body
from keyless._wire.deadline import too_late
from keyless._wire.error_answer import json_object
from keyless._wire.trust import Trust
from keyless._wire.trusting import TrustingSession
from keyless.errors import KeylessError
from keyless.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from keyless._wire.deadline import Deadline
    from keyless._wire.token import Token
    from keyless.secret_id import SecretId

# Every cloud's vaults know this version, and a read has been the same in every version since:
# https://learn.microsoft.com/en-us/rest/api/keyvault/secrets/get-secret/get-secret
_API_VERSION = "7.4"
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 20.0
_OK = 200
_UNAUTHORIZED = 401
_VERSION = r"[0-9A-Fa-f]{32}"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TokenRejected(Exception):  # noqa: N818 (no failure yet: a question that the reader answers with another token)
    """The vault answered 401: it wants another token.

    Attributes:
        challenge: What it wants.
        error: The error, should another token not help.
    """

    def __init__(self, challenge: Challenge, error: KeylessError) -> None:
        super().__init__()
        self.challenge = challenge
        self.error = error


class Vault:
    """One vault's secrets.

    Args:
        url: The vault's address, already checked.
        connections: How many connections are kept.
        now: Tells the time (UTC), for ``retrieved_on``.
        trust: What its connections trust; None reads it again.
    """

    def __init__(self, url: str, *, connections: int, now: Callable[[], datetime], trust: Trust | None = None) -> None:
        self._url = url
        self._host = urlsplit(url).hostname
        self._now = now
        self._session = TrustingSession(connections=connections, trust=trust or Trust())

    def read(self, secret: SecretId, token: Token | None, deadline: Deadline) -> Secret:
        """Ask the vault for a secret, once.

        Args:
            secret: Which secret, and which version of it.
            token: The token to show; None asks for the vault's challenge, which is raised.
            deadline: By when the answer must be there.

        Raises:
            TokenRejected: If the vault wants another token.
            VaultError: If the secret cannot be had; the subclass shows why.
            DeadlineExceededError: If the time runs out.
        """
        if deadline.remaining <= 0:
            raise too_late(f"{secret} could not be read")
        failure: Exception
        try:
            response = self._ask(secret, token, deadline)
        # OSError is the base of what requests raises, and is raised itself for a CA bundle that is not there.
        except (OSError, HTTPError, ValueError) as error:
            failure = no_answer(secret, error, deadline)
        else:
            # Whatever somebody answers, what comes of it is one of our errors.
            try:
                return self._understood(secret, token, response)
            except (KeylessError, TokenRejected) as error:
                failure = error
            except Exception as error:  # noqa: BLE001 (an answer can be anything)
                failure = unreadable(secret, error, status=response.status_code)
        # Raised outside the except block: an error in its context holds the request, and so the token.
        raise failure

    def open_ahead(self) -> None:
        """Connect, so that the first read finds a connection; what goes wrong, that read finds out, too."""
        # Anything: a program may change its environment while it is read here.
        with suppress(Exception):
            self._session.open_ahead(self._url, _CONNECT_SECONDS)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _ask(self, secret: SecretId, token: Token | None, deadline: Deadline) -> requests.Response:
        left = deadline.remaining
        with self._session.limit.until(deadline):
            response = self._session.get(
                str(secret),
                params={"api-version": _API_VERSION},
                headers={"Accept": "application/json"},
                auth=Bearer(token),
                timeout=(min(_CONNECT_SECONDS, left), min(_READ_SECONDS, left)),
                allow_redirects=False,
                stream=True,
            )
            read_body(response, deadline)
        return response

    def _understood(self, asked: SecretId, token: Token | None, response: requests.Response) -> Secret:
        if response.status_code == _OK:
            return self._secret(asked, response)
        failure = error_answer(asked, response, sent=() if token is None else (token.value,))
        if response.status_code == _UNAUTHORIZED:
            raise TokenRejected(Challenge.parse(response.headers.get("WWW-Authenticate")), failure)
        raise failure

    def _secret(self, asked: SecretId, response: requests.Response) -> Secret:
        body = json_object(response.content)
        value, named = body.get("value"), urlsplit(str(body.get("id")))
        segments = named.path.split("/")
        if not isinstance(value, str) or len(segments) != 4 or segments[1] != "secrets":  # noqa: PLR2004
            raise not_a_vault(asked, response)
        _, _, name, version = segments
        # Key Vault compares names without case.
        same = named.hostname == self._host and name.lower() == asked.name.lower() and re.fullmatch(_VERSION, version)
        if not same or asked.version not in {None, version.lower()}:
            self._session.hang_up()
            raise another_answer(asked)
        # What is not text could be written nowhere: half of a pair of surrogates.
        value.encode()
        return self._made(body, value, name, version)

    def _made(self, body: dict[str, Any], value: str, name: str, version: str) -> Secret:
        attributes, tags = body.get("attributes"), body.get("tags")
        attributes = attributes if isinstance(attributes, dict) else {}
        return Secret(
            value=value,
            name=name,
            version=version,
            vault_url=self._url,
            content_type=_text(body.get("contentType")),
            enabled=attributes.get("enabled") is not False,
            not_before=_time(attributes.get("nbf")),
            expires_on=_time(attributes.get("exp")),
            created_on=_time(attributes.get("created")),
            updated_on=_time(attributes.get("updated")),
            tags=MappingProxyType(dict(tags) if isinstance(tags, dict) else {}),
            managed=body.get("managed") is True,
            key_id=_text(body.get("kid")),
            retrieved_on=self._now(),
        )


class Bearer(AuthBase):
    """Shows the token. Were it a plain header, requests would replace it by a password that it finds in ~/.netrc."""

    def __init__(self, token: Token | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the token to a request that is about to be sent."""
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token.value}"
        return request


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _time(seconds: object) -> datetime | None:
    if not isinstance(seconds, int):
        return None
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
