"""The HTTP session that MSAL asks Microsoft Entra through: a deadline over all attempts, and a note of what is answered."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests

from keyless._identity.session import Exchange
from keyless._wire.body import read_body
from keyless._wire.error_answer import json_object
from keyless._wire.pauses import backoff, parse_retry_after
from keyless._wire.trusting import TrustingSession

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keyless._wire.deadline import Deadline
    from keyless._wire.trust import Trust

_CONNECT_SECONDS = 5.0
_READ_SECONDS = 20.0
_RETRIES = frozenset({429, 500, 502, 503, 504})
_ATTEMPTS = 3
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 16.0
_CONNECTIONS = 2


class AuthoritySession(TrustingSession):
    """A session for one authority.

    Args:
        pause: Waits that many seconds; returns whether the wait was cut short.
        trust: What its connections trust.
    """

    def __init__(self, *, pause: Callable[[float], bool], trust: Trust) -> None:
        super().__init__(connections=_CONNECTIONS, trust=trust)
        self._pause = pause
        self._current = threading.local()

    @contextmanager
    def until(self, deadline: Deadline, *, patient: bool) -> Iterator[Exchange]:
        """Bound what this thread asks for by a deadline, and note what is answered.

        Args:
            deadline: By when it must be done.
            patient: Whether to ask again where that may help.
        """
        exchange = self._current.exchange = Exchange(deadline, None, patient)
        try:
            with self.limit.until(deadline):
                yield exchange
        finally:
            del self._current.exchange

    def request(self, method: str | bytes, url: str | bytes, *arguments: Any, **options: Any) -> requests.Response:
        """Send a request, again where that may help."""
        exchange: Exchange = self._current.exchange
        assertion = (options.get("data") or {}).get("client_assertion")
        exchange.sent = (assertion,) if assertion else ()
        attempt = 0
        while True:
            attempt += 1
            response = self._send_once(method, url, *arguments, **options)
            exchange.status, exchange.body = response.status_code, response.content
            exchange.retry_after = parse_retry_after(response.headers.get("Retry-After"))
            if not exchange.patient or response.status_code not in _RETRIES or attempt >= _ATTEMPTS:
                break
            wait = backoff(attempt, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE, asked=exchange.retry_after)
            if wait >= exchange.deadline.remaining or self._pause(wait):
                break
        # MSAL would write what is not JSON into an error of its own.
        if not json_object(response.content):
            response._content = b"{}"  # noqa: SLF001 (requests has no other way to change what was answered)
        response.encoding = "utf-8"
        return response

    def _send_once(self, method: Any, url: Any, *arguments: Any, **options: Any) -> requests.Response:
        exchange: Exchange = self._current.exchange
        left = exchange.deadline.remaining
        if left <= 0:
            raise requests.Timeout
        options |= {
            "timeout": (min(_CONNECT_SECONDS, left), min(_READ_SECONDS, left)),
            "allow_redirects": False,
            "stream": True,
            # Were there none, requests would show a password that it finds in ~/.netrc.
            "auth": _as_it_is,
        }
        response = super().request(method, url, *arguments, **options)
        read_body(response, exchange.deadline)
        return response


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
