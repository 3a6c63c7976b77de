"""The right to see the console: one browser for each one-time token, asking by this machine's own name, from the page itself."""

from __future__ import annotations

import hmac
import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from keyless.local.record import Record

if TYPE_CHECKING:
    from keyless.local.wire.http.request import Request
_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
_MOST: Final = 16
"""How many tokens, and how many browsers, are known at a time; the oldest give way."""
_OWN_SITE: Final = frozenset({None, "same-origin", "none"})


class Refusal(Record, frozen=True, kw_only=True):
    """The reason why a request is not answered.

    Attributes:
        status: The HTTP status.
        what: What happened.
        cause: Why.
        remedy: What to do.
    """

    status: int
    what: str
    cause: str
    remedy: str


@dataclass(slots=True)
class Session:
    """One browser that was let in.

    Attributes:
        cookie: What it shows with each request.
        csrf: What a form of the page shows, and a form of another page cannot know.
        notice: What its next page is to say, once.
    """

    cookie: str = field(repr=False)
    csrf: str = field(repr=False)
    notice: str = ""

    def take_notice(self) -> str:
        """Return what is to be said, and forget it."""
        said, self.notice = self.notice, ""
        return said


class Door:
    """Lets browsers in by tokens that are good once, and knows them by a cookie from then on."""

    def __init__(self) -> None:
        self._tokens: deque[str] = deque(maxlen=_MOST)
        self._sessions: deque[Session] = deque(maxlen=_MOST)

    def new_token(self) -> str:
        """Return a token that lets one browser in, once."""
        token = secrets.token_urlsafe(32)
        self._tokens.append(token)
        return token

    def let_in(self, token: str) -> Session | None:
        """Take a token and return the session that it opens; None where it is not one, or was used before."""
        found = next((known for known in self._tokens if _same(known, token)), None)
        if found is None:
            return None
        self._tokens.remove(found)
        session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32))
        self._sessions.append(session)
        return session

    def session_of(self, cookie: str) -> Session | None:
        """Return the session of a cookie; None where it is of none."""
        return next((known for known in self._sessions if _same(known.cookie, cookie)), None)


def refused_from(request: Request) -> Refusal | None:
    """Return why a request's sender is refused; None where it is a browser here, or the page itself.

    A page that has its name resolved to this machine sends another Host. A page of another site sends its own Origin.
    """
    port = request.client.here[1] if request.client.here else 0
    host, origin = request.headers.get("Host", ""), request.headers.get("Origin")
    if host not in {f"{name}:{port}" for name in _NAMES} or request.remote not in {"127.0.0.1", "::1"}:
        return Refusal(
            status=403,
            what="The console does not answer to this name.",
            cause="It is for browsers on this machine: Host must be its loopback address.",
            remedy="Open it with `keyless console`.",
        )
    if (origin is not None and origin != f"http://{host}") or request.headers.get("Sec-Fetch-Site") not in _OWN_SITE:
        return Refusal(
            status=403,
            what="The console does not answer to another page.",
            cause="The request comes from a page that is not the console's.",
            remedy="Open it with `keyless console`.",
        )
    return None


def refused_change(request: Request, session: Session, csrf: str) -> Refusal | None:
    """Return why a change is refused; None where a form of the console asks for it."""
    if "Origin" in request.headers and _same(session.csrf, csrf):
        return None
    return Refusal(
        status=403,
        what="Nothing was changed.",
        cause="The request does not come from a form of this console: its Origin or its CSRF token is missing or wrong.",
        remedy="Load the page again, and use its buttons.",
    )


NO_SESSION: Final = Refusal(
    status=401,
    what="The console does not know this browser.",
    cause="The link was used before, or it is of another run. Each link opens the console once.",
    remedy="Get a new link: run `keyless console`.",
)


def _same(known: str, sent: str) -> bool:
    return hmac.compare_digest(known.encode(), sent.encode(errors="surrogateescape"))
