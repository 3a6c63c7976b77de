"""Serves the console under ``/_keyless/console/``: who is let in, and the headers that keep its answers to themselves."""

from __future__ import annotations

import asyncio
import threading
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from keyless.local.wire.console.door import NO_SESSION, Door, refused_from
from keyless.local.wire.control.address import CONSOLE
from keyless.local.wire.http.response import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.azure.azure import Azure
    from keyless.local.wire.console.answering import Answering
    from keyless.local.wire.console.counsel import Counsel
    from keyless.local.wire.console.door import Refusal, Session
    from keyless.local.wire.http.request import Request

HEADERS: Final = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        # Not "no-referrer": forms would then be sent with the Origin null.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
)


class Console:
    """The console of one local Azure. What it shows is loaded when it is first asked for: the start pays for its door alone.

    Args:
        azure: The local Azure.
        counsel: Returns what rooms above the wire know.
    """

    def __init__(self, azure: Azure, *, counsel: Callable[[], Counsel]) -> None:
        self._azure = azure
        self._counsel = counsel
        self._door = Door()
        self._ending = asyncio.Event()
        self._loading = threading.Lock()
        self._answering: Answering | None = None

    def link(self, base: str) -> str:
        """Return a link that opens the console once, where it is served at ``base``."""
        return f"{base}{CONSOLE}/enter?token={self._door.new_token()}"

    def end(self) -> None:
        """End the streams that browsers listen to, so that nothing waits for them, and the drill that goes on."""
        self._ending.set()
        if self._answering is not None:
            self._answering.end()

    async def answer(self, request: Request) -> Response:
        """Answer a request to a path below ``CONSOLE``."""
        refused = refused_from(request)
        found = (
            told(refused) if refused is not None else await self._let_in(request, request.path.removeprefix(CONSOLE))
        )
        found.headers.update(HEADERS)
        return found

    async def _let_in(self, request: Request, path: str) -> Response:
        if not path:
            return see(f"{CONSOLE}/")
        if path == "/enter" and request.method == "GET":
            return self._enter(request)
        session = self._door.session_of(request.cookies.get(_cookie_name(request), ""))
        if session is None and not path.startswith("/static/"):
            return told(NO_SESSION)
        # Beside the loop: it takes longer than a vault's answer.
        answering = await asyncio.to_thread(self._load)
        return await answering.answer(request, path, session)

    def _load(self) -> Answering:
        with self._loading:
            if self._answering is None:
                module = import_module("keyless.local.wire.console.answering")
                self._answering = module.Answering(self._azure, self._counsel(), self._ending)
            return self._answering

    def _enter(self, request: Request) -> Response:
        session: Session | None = self._door.let_in(request.query.get("token", ""))
        answer = see(f"{CONSOLE}/")
        if session is not None:
            cookie = f"{_cookie_name(request)}={session.cookie}; HttpOnly; Path={CONSOLE}; SameSite=Strict"
            answer.headers["Set-Cookie"] = cookie
        elif self._door.session_of(request.cookies.get(_cookie_name(request), "")) is None:
            return told(NO_SESSION)
        return answer


def told(refusal: Refusal) -> Response:
    """Return a refusal as text."""
    text = f"{refusal.what}\n\nCause: {refusal.cause}\nRemedy: {refusal.remedy}\n"
    return Response(status=refusal.status, text=text)


def see(path: str) -> Response:
    """Return an answer that leads to another page."""
    return Response(status=303, headers={"Location": path})


def _cookie_name(request: Request) -> str:
    # Cookies know no ports: another local Azure on this machine has another name for its own.
    port = request.client.here[1] if request.client.here else 0
    return f"keyless-console-{port}"
