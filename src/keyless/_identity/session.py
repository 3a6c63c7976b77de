"""The HTTP session that MSAL asks the identity endpoint through: no proxy, timeouts, and the platform's own retries."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msal
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, ProtocolError, ResponseError
from urllib3.util import Retry

from keyless._wire.body import read_body
from keyless._wire.connections import BoundedAdapter, Limit
from keyless._wire.error_answer import json_object
from keyless._wire.pauses import backoff, parse_retry_after

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from urllib3.connectionpool import ConnectionPool
    from urllib3.response import BaseHTTPResponse

    from keyless._wire.deadline import Deadline

_CONNECT_SECONDS = 2.0
_READ_SECONDS = 15.0
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 16.0
# IMDS answers 404 and 410 while it is being updated, and is back within 70 seconds:
# https://learn.microsoft.com/en-us/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling
_GONE = 410
_GONE_SECONDS = 75.0
_IMDS_RETRIES = frozenset({404, 410, 429, 500, 501, 502, 503, 504})
_OTHER_RETRIES = frozenset({429, 500, 502, 503, 504})
_IMDS_ATTEMPTS = 5
_OTHER_ATTEMPTS = 3
_OK = 200
# What proves that a request comes from this machine or process, in the various sources.
_SECRET_HEADERS = ("X-IDENTITY-HEADER", "Secret", "Authorization")


@dataclass(slots=True, eq=False)
class Exchange:
    """The traffic of one acquisition on the wire, which MSAL does not pass on.

    Attributes:
        deadline: By when it must be done.
        source: MSAL's constant for the platform's identity source.
        patient: Whether to ask again where the platform's advice says so.
        status: The last answer's HTTP status; None where there was none.
        body: The last answer's body. It may hold a token: never put it into an error as it is.
        sent: What was sent and nobody may see.
        retry_after: The seconds that the last answer asked to wait.
    """

    deadline: Deadline
    source: object
    patient: bool
    status: int | None = None
    body: bytes = field(default=b"", repr=False)
    sent: tuple[str, ...] = field(default=(), repr=False)
    retry_after: float | None = None


class IdentitySession(requests.Session):
    """A session for identity endpoints.

    These are link-local or loopback: a proxy must not see them, so the environment's proxy settings are ignored.

    Args:
        pause: Waits that many seconds; returns whether the wait was cut short.
        clock: Tells the time in seconds.
    """

    def __init__(self, *, pause: Callable[[float], bool], clock: Callable[[], float]) -> None:
        super().__init__()
        self.trust_env = False
        self.limit = Limit()
        self._current = threading.local()
        self.hooks["response"].append(self._note)
        self.mount("http://", _PacedAdapter(self, pause=pause, clock=clock))
        # Only Service Fabric's endpoint is https. MSAL copies these settings, and not the class, to a session of its own
        # that pins the endpoint's certificate.
        retries = _PacedRetry(total=_OTHER_ATTEMPTS, connect=0, status_forcelist=_OTHER_RETRIES, raise_on_status=False)
        retries.session, retries.pause = self, pause
        self.mount("https://", HTTPAdapter(max_retries=retries))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow no redirect: it would carry the endpoint's secret header to another host."""

    @contextmanager
    def until(self, deadline: Deadline, *, patient: bool) -> Iterator[Exchange]:
        """Bound what this thread asks for by a deadline, and note what is answered.

        Args:
            deadline: By when it must be done.
            patient: Whether to ask again where the platform's advice says so.
        """
        source = msal.managed_identity.get_managed_identity_source()
        exchange = self._current.exchange = Exchange(deadline, source, patient)
        try:
            with self.limit.until(deadline):
                yield exchange
        finally:
            del self._current.exchange

    @property
    def exchange(self) -> Exchange:
        """The acquisition that this thread is doing."""
        found = self._current.exchange
        assert isinstance(found, Exchange)  # noqa: S101 (for the type checker: until() set it)
        return found

    def _note(self, response: requests.Response, *_: object, **__: object) -> None:
        exchange = self.exchange
        exchange.status, exchange.body = response.status_code, response.content
        exchange.retry_after = parse_retry_after(response.headers.get("Retry-After"))
        headers = response.request.headers
        exchange.sent = tuple(str(headers[name]) for name in _SECRET_HEADERS if headers.get(name))
        # Only an answer of 200 holds a token; MSAL would take one from any, and write what is not JSON to its log.
        if response.status_code != _OK or "access_token" not in json_object(response.content):
            response._content = b"{}"  # noqa: SLF001 (requests has no other way to change what was answered)
        response.encoding = "utf-8"


class _PacedAdapter(BoundedAdapter):
    """Sends a request as often as the platform's advice and the deadline allow."""

    def __init__(self, session: IdentitySession, *, pause: Callable[[float], bool], clock: Callable[[], float]) -> None:
        super().__init__(session.limit)
        self._session = session
        self._pause = pause
        self._clock = clock

    def send(  # noqa: PLR0917 (the overridden signature)
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 (the overridden signature)
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,  # noqa: ARG002 (as above)
        verify: bool | str = True,  # noqa: FBT001, FBT002 (as above)
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        exchange, started, attempt = self._session.exchange, self._clock(), 0
        while True:
            attempt += 1
            left = exchange.deadline.remaining
            if left <= 0:
                raise requests.Timeout
            limits = (min(_CONNECT_SECONDS, left), min(_READ_SECONDS, left))
            try:
                response = super().send(request, stream, limits, verify, cert, proxies)
                read_body(response, exchange.deadline)
            except (requests.ReadTimeout, requests.ConnectionError) as error:
                wait = self._wait_after_silence(error, attempt)
                if wait is None or wait >= exchange.deadline.remaining or self._pause(wait):
                    raise
                continue
            wait = self._wait(response, exchange, attempt, self._clock() - started)
            if wait is None or wait >= exchange.deadline.remaining:
                return response
            if self._pause(wait):
                return response

    def _wait_after_silence(self, error: requests.RequestException, attempt: int) -> float | None:
        """Return the seconds to wait after no answer came, or None where there is nobody to wait for.

        An endpoint that took the request and fell silent or hung up is there, perhaps starting; one that cannot be
        connected to is not there at all.
        """
        hung_up = isinstance(error, requests.ReadTimeout) or (error.args and isinstance(error.args[0], ProtocolError))
        if attempt > _OTHER_ATTEMPTS or not hung_up or not self._session.exchange.patient:
            return None
        return backoff(attempt, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE)

    def _wait(self, response: requests.Response, exchange: Exchange, attempt: int, elapsed: float) -> float | None:
        """Return the seconds to wait before asking again, or None where the answer stands."""
        imds = exchange.source is msal.managed_identity.DEFAULT_TO_VM
        if not exchange.patient or response.status_code not in (_IMDS_RETRIES if imds else _OTHER_RETRIES):
            return None
        attempts = _IMDS_ATTEMPTS if imds else _OTHER_ATTEMPTS
        patient = response.status_code == _GONE and elapsed < _GONE_SECONDS
        if attempt > attempts and not patient:
            return None
        asked = parse_retry_after(response.headers.get("Retry-After"))
        return backoff(attempt, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE, asked=asked)


class _PacedRetry(Retry):
    """Retries of urllib3, which would sleep past the deadline and as long as the endpoint asks.

    Attributes:
        session: Knows the deadline of the exchange that this thread is in the midst of.
        pause: Waits that many seconds; returns whether the wait was cut short.
        wait: The seconds to wait before the next attempt.
    """

    session: IdentitySession
    pause: Callable[[float], bool]
    wait = 0.0

    def __deepcopy__(self, memo: dict[int, object]) -> _PacedRetry:
        """Return itself: MSAL copies it, and it never changes."""
        return self

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> _PacedRetry:
        """Return what is left after one more attempt; raise MaxRetryError where there must be no further one."""
        exchange, attempt = self.session.exchange, len(self.history) + 1
        asked = parse_retry_after(response.headers.get("Retry-After")) if response else None
        wait = backoff(attempt, first=_FIRST_PAUSE, longest=_LONGEST_PAUSE, asked=asked)
        if _pool is not None and (not exchange.patient or wait >= exchange.deadline.remaining):
            raise MaxRetryError(_pool, url or "", error or ResponseError("too many error responses"))
        following = super().increment(method, url, response, error, _pool, _stacktrace)
        following.session, following.pause, following.wait = self.session, self.pause, wait
        return following

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:  # noqa: ARG002 (the overridden signature)
        """Wait before the next attempt."""
        self.pause(self.wait)
