"""Serves the console under ``/_keyless/console/``: who is let in, what answers, and the headers that keep it to itself."""

from __future__ import annotations

import asyncio
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

from aiohttp import web

from keyless.errors import KeylessError
from keyless.local.wire.console.asked import Asked, Page
from keyless.local.wire.console.door import NO_SESSION, Door, refused_change, refused_from

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.wire.console.counsel import Counsel, RunningDrill
    from keyless.local.wire.console.door import Refusal, Session

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
    View = Callable[[Asked], Page]
    Action = Callable[[Asked], Page | str]

ROOT: Final = "/_keyless/console"
_ROOM: Final = __name__.rpartition(".")[0]
_STATIC: Final = Path(__file__).with_name("static")
_FILES: Final = MappingProxyType(
    {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}
)
# What shows each page and what each form does, loaded when it is first asked for: the start of a run pays nothing.
_VIEWS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "/": ("flow", "live"),
        "/calls/{number}": ("flow", "call"),
        "/vaults": ("holdings", "vaults"),
        "/vaults/{vault}/{kind}/{name}": ("holdings", "versions"),
        "/access": ("access", "access"),
        "/faults": ("happenings", "faults"),
        "/drills": ("happenings", "drills"),
        "/time": ("happenings", "time"),
        "/report": ("happenings", "report"),
    }
)
_ACTIONS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "/reveal": ("holdings", "reveal"),
        "/hide": ("holdings", "hide"),
        "/roles/grant": ("actions", "grant"),
        "/roles/revoke": ("actions", "revoke"),
        "/policies/add": ("actions", "add_policy"),
        "/identities/assign": ("actions", "assign"),
        "/networks/open": ("actions", "open_network"),
        "/faults/add": ("actions", "add_fault"),
        "/faults/remove": ("actions", "remove_fault"),
        "/faults/clear": ("actions", "clear_faults"),
        "/clock/advance": ("actions", "advance"),
        "/objects/rotate": ("actions", "rotate"),
        "/objects/delete": ("actions", "delete"),
        "/secrets/recover": ("actions", "recover"),
        "/secrets/enable": ("actions", "enable"),
        "/drills/begin": ("actions", "begin_drill"),
        "/drills/end": ("actions", "end_drill"),
        "/journal/clear": ("actions", "clear_journal"),
    }
)
_HEADERS: Final = MappingProxyType(
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
    """The console of one local Azure.

    Args:
        azure: The local Azure.
        counsel: What rooms above the wire know.
    """

    def __init__(self, azure: Azure, *, counsel: Counsel) -> None:
        self._azure = azure
        self._counsel = counsel
        self._door = Door()
        self._drills: list[RunningDrill] = []
        self._ending = asyncio.Event()

    def link(self, base: str) -> str:
        """Return a link that opens the console once, where it is served at ``base``."""
        return f"{base}{ROOT}/enter?token={self._door.new_token()}"

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, to be added before any that takes every path."""
        return [
            web.get(ROOT, self._guarded(_to_the_start)),
            web.get(f"{ROOT}/enter", self._guarded(self._enter), allow_head=False),
            web.get(f"{ROOT}/static/{{name}}", self._guarded(_static)),
            web.get(f"{ROOT}/stream", self._guarded(self._stream), allow_head=False),
            *(web.get(ROOT + path, self._guarded(self._showing(*found))) for path, found in _VIEWS.items()),
            *(web.post(ROOT + path, self._guarded(self._doing(*found))) for path, found in _ACTIONS.items()),
            web.route("*", f"{ROOT}/{{rest:.*}}", self._guarded(self._showing("flow", "missing"))),
        ]

    async def end(self, _: web.Application) -> None:
        """End the streams that browsers listen to, so that nothing waits for them, and the drill that goes on."""
        self._ending.set()
        for drill in self._drills:
            drill.end()

    def _guarded(self, handler: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            refused = refused_from(request)
            found = _told(refused) if refused is not None else await handler(request)
            if not found.prepared:
                found.headers.update(_HEADERS)
            return found

        return answer

    async def _enter(self, request: web.Request) -> web.StreamResponse:
        session = self._door.let_in(request.query.get("token", ""))
        if session is None:
            return _told(NO_SESSION) if self._session(request) is None else _see(f"{ROOT}/")
        answer = _see(f"{ROOT}/")
        answer.set_cookie(_cookie_name(request), session.cookie, path=ROOT, httponly=True, samesite="Strict")
        return answer

    def _session(self, request: web.Request) -> Session | None:
        return self._door.session_of(request.cookies.get(_cookie_name(request), ""))

    def _showing(self, room: str, name: str) -> Handler:
        async def show(request: web.Request) -> web.StreamResponse:
            session = self._session(request)
            if session is None:
                return _told(NO_SESSION)
            return await asyncio.to_thread(self._shown, room, name, self._asked(request, session), request)

        return show

    def _shown(self, room: str, name: str, asked: Asked, request: web.Request) -> web.Response:
        view = cast("View", getattr(import_module(f"{_ROOM}.{room}"), name))
        status = 200
        try:
            page = view(asked)
        except KeylessError as error:
            page, status = Page("failed", error.what, {"error": error}), 404
        return _page(page, asked, request, status=status)

    def _doing(self, room: str, name: str) -> Handler:
        async def do(request: web.Request) -> web.StreamResponse:
            session = self._session(request)
            if session is None:
                return _told(NO_SESSION)
            form = {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
            refused = refused_change(request, session, form.pop("csrf", ""))
            if refused is not None:
                return _told(refused)
            return await asyncio.to_thread(self._done, room, name, self._asked(request, session, form), request)

        return do

    def _done(self, room: str, name: str, asked: Asked, request: web.Request) -> web.Response:
        action = cast("Action", getattr(import_module(f"{_ROOM}.{room}"), name))
        try:
            found = action(asked)
        except KeylessError as error:
            found = f"{error.what} {error.cause} {error.remedy}"
        if isinstance(found, Page):
            return _page(found, asked, request)
        asked.session.notice = found
        back = asked.form.get("back", "")
        # Within the console alone, whatever a form says.
        return _see(f"{ROOT}/{back}" if ":" not in back and not back.startswith(("/", "\\")) else f"{ROOT}/")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if self._session(request) is None:
            return _told(NO_SESSION)
        stream = await asyncio.to_thread(import_module, f"{_ROOM}.stream")
        sent = await stream.stream(request, self._azure, self._ending, root=ROOT, headers=_HEADERS)
        return cast("web.StreamResponse", sent)

    def _asked(self, request: web.Request, session: Session, form: Mapping[str, str] | None = None) -> Asked:
        loop = asyncio.get_running_loop()

        def later(seconds: float, act: Callable[[], None]) -> None:
            loop.call_soon_threadsafe(loop.call_later, seconds, act)

        return Asked(
            azure=self._azure,
            session=session,
            counsel=self._counsel,
            path=dict(request.match_info),
            query=dict(request.query),
            later=later,
            drills=self._drills,
            form=form or {},
        )


async def _to_the_start(_: web.Request) -> web.Response:
    return _see(f"{ROOT}/")


async def _static(request: web.Request) -> web.Response:
    kind = _FILES.get(request.match_info["name"])
    if kind is None:
        return web.Response(status=404)
    text = (_STATIC / request.match_info["name"]).read_text(encoding="utf-8")
    return web.Response(text=text, content_type=kind, charset="utf-8")


def _page(page: Page, asked: Asked, request: web.Request, *, status: int = 200) -> web.Response:
    rendering = import_module(f"{_ROOM}.rendering")
    whole = "X-Fragment" not in request.headers
    text: str = rendering.render(page, asked, root=ROOT, here=request.path.removeprefix(ROOT), whole=whole)
    return web.Response(status=status, text=text, content_type="text/html", charset="utf-8")


def _told(refusal: Refusal) -> web.Response:
    text = f"{refusal.what}\n\nCause: {refusal.cause}\nRemedy: {refusal.remedy}\n"
    return web.Response(status=refusal.status, text=text)


def _see(path: str) -> web.Response:
    return web.Response(status=303, headers={"Location": path})


def _cookie_name(request: web.Request) -> str:
    # Cookies know no ports: another local Azure on this machine has another name for its own.
    port = request.transport.get_extra_info("sockname")[1] if request.transport is not None else 0
    return f"keyless-console-{port}"
