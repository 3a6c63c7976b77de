"""Serves the console under ``/_keyless/console/``: who is let in, and the headers that keep its answers to themselves."""

from __future__ import annotations

import asyncio
import threading
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aiohttp import web

from keyless.local.wire.console.door import NO_SESSION, Door, refused_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.azure.azure import Azure
    from keyless.local.wire.console.answering import Answering
    from keyless.local.wire.console.counsel import Counsel
    from keyless.local.wire.console.door import Refusal, Session

ROOT: Final = "/_keyless/console"
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
        return f"{base}{ROOT}/enter?token={self._door.new_token()}"

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, to be added before any that takes every path."""
        return [web.route("*", f"{ROOT}{{path:(/.*)?}}", self._answer)]

    async def end(self, _: web.Application) -> None:
        """End the streams that browsers listen to, so that nothing waits for them, and the drill that goes on."""
        self._ending.set()
        if self._answering is not None:
            self._answering.end()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        refused = refused_from(request)
        found = told(refused) if refused is not None else await self._let_in(request, request.match_info["path"])
        if not found.prepared:
            found.headers.update(HEADERS)
        return found

    async def _let_in(self, request: web.Request, path: str) -> web.StreamResponse:
        if not path:
            return see(f"{ROOT}/")
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

    def _enter(self, request: web.Request) -> web.StreamResponse:
        session: Session | None = self._door.let_in(request.query.get("token", ""))
        answer = see(f"{ROOT}/")
        if session is not None:
            answer.set_cookie(_cookie_name(request), session.cookie, path=ROOT, httponly=True, samesite="Strict")
        elif self._door.session_of(request.cookies.get(_cookie_name(request), "")) is None:
            return told(NO_SESSION)
        return answer


def told(refusal: Refusal) -> web.Response:
    """Return a refusal as text."""
    text = f"{refusal.what}\n\nCause: {refusal.cause}\nRemedy: {refusal.remedy}\n"
    return web.Response(status=refusal.status, text=text)


def see(path: str) -> web.Response:
    """Return an answer that leads to another page."""
    return web.Response(status=303, headers={"Location": path})


def _cookie_name(request: web.Request) -> str:
    # Cookies know no ports: another local Azure on this machine has another name for its own.
    port = request.transport.get_extra_info("sockname")[1] if request.transport is not None else 0
    return f"keyless-console-{port}"
