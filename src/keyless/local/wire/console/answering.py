"""The answers to each path of the console: its pages, what its forms do, the stream of calls and the files beside them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from keyless.errors import KeylessError
from keyless.local.wire.console import access, actions, flow, happenings, holdings
from keyless.local.wire.console.asked import Asked, Page
from keyless.local.wire.console.door import NO_SESSION, refused_change
from keyless.local.wire.console.rendering import render
from keyless.local.wire.console.site import HEADERS, see, told
from keyless.local.wire.console.stream import calls_of
from keyless.local.wire.control.address import CONSOLE
from keyless.local.wire.http.response import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.wire.console.counsel import Counsel, RunningDrill
    from keyless.local.wire.console.door import Session
    from keyless.local.wire.http.request import Request

    View = Callable[[Asked], Page]
    Action = Callable[[Asked], Page | str]

_STATIC: Final = Path(__file__).with_name("static")
_FILES: Final = MappingProxyType(
    {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}
)
_VIEWS: Final[Mapping[str, View]] = MappingProxyType(
    {
        "/": flow.live,
        "/vaults": holdings.vaults,
        "/access": access.access,
        "/faults": happenings.faults,
        "/drills": happenings.drills,
        "/time": happenings.time,
        "/report": happenings.report,
    }
)
# Pages of one thing each: the first part of the path, and what the others are called.
_VIEWS_OF_ONE: Final[Mapping[tuple[str, int], tuple[View, tuple[str, ...]]]] = MappingProxyType(
    {
        ("calls", 2): (flow.call, ("number",)),
        ("vaults", 4): (holdings.versions, ("vault", "kind", "name")),
    }
)
_ACTIONS: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "/reveal": holdings.reveal,
        "/hide": holdings.hide,
        "/roles/grant": actions.grant,
        "/roles/revoke": actions.revoke,
        "/policies/add": actions.add_policy,
        "/identities/assign": actions.assign,
        "/networks/open": actions.open_network,
        "/faults/add": actions.add_fault,
        "/faults/remove": actions.remove_fault,
        "/faults/clear": actions.clear_faults,
        "/clock/advance": actions.advance,
        "/objects/rotate": actions.rotate,
        "/objects/delete": actions.delete,
        "/secrets/recover": actions.recover,
        "/secrets/enable": actions.enable,
        "/drills/begin": actions.begin_drill,
        "/drills/end": actions.end_drill,
        "/journal/clear": actions.clear_journal,
    }
)


class Answering:
    """Answers browsers that were let in.

    Args:
        azure: The local Azure.
        counsel: What rooms above the wire know.
        ending: Is set when the run ends.
    """

    def __init__(self, azure: Azure, counsel: Counsel, ending: asyncio.Event) -> None:
        self._azure = azure
        self._counsel = counsel
        self._ending = ending
        self._drills: list[RunningDrill] = []

    def end(self) -> None:
        """End the drill that goes on."""
        for drill in self._drills:
            drill.end()

    async def answer(self, request: Request, path: str, session: Session | None) -> Response:
        """Answer a request; without a session it gets files alone, which hold nothing of this run."""
        if path.startswith("/static/"):
            return _static(path.removeprefix("/static/"))
        if session is None:
            return told(NO_SESSION)
        if request.method == "POST":
            return await self._do(request, path, session)
        if path == "/stream":
            return calls_of(request, self._azure, self._ending, root=CONSOLE, headers=HEADERS)
        view, names = _view_of(path)
        asked = self._asked(request, session, path=names)
        return await asyncio.to_thread(_shown, view, asked, request, path)

    async def _do(self, request: Request, path: str, session: Session) -> Response:
        form = dict(request.form)
        refused = refused_change(request, session, form.pop("csrf", ""))
        if refused is not None:
            return told(refused)
        action = _ACTIONS.get(path, flow.missing)
        return await asyncio.to_thread(_done, action, self._asked(request, session, form=form), request, path)

    def _asked(
        self,
        request: Request,
        session: Session,
        *,
        path: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Asked:
        loop = asyncio.get_running_loop()

        def later(seconds: float, act: Callable[[], None]) -> None:
            loop.call_soon_threadsafe(loop.call_later, seconds, act)

        return Asked(
            azure=self._azure,
            session=session,
            counsel=self._counsel,
            path=path or {},
            query=dict(request.query),
            later=later,
            drills=self._drills,
            form=form or {},
        )


def _view_of(path: str) -> tuple[View, dict[str, str]]:
    """Return what shows a path, and the parts of the path that have a name."""
    if path in _VIEWS:
        return _VIEWS[path], {}
    first, *rest = path.strip("/").split("/")
    view, names = _VIEWS_OF_ONE.get((first, len(rest) + 1), (flow.missing, ()))
    return view, dict(zip(names, rest, strict=False)) or {"rest": path}


def _shown(view: View, asked: Asked, request: Request, path: str) -> Response:
    try:
        page, status = view(asked), 200
    except KeylessError as error:
        page, status = Page("failed", error.what, {"error": error}), 404
    return _page(page, asked, request, path, status=status)


def _done(action: Action, asked: Asked, request: Request, path: str) -> Response:
    try:
        found = action(asked)
    except KeylessError as error:
        found = f"{error.what} {error.cause} {error.remedy}"
    if isinstance(found, Page):
        return _page(found, asked, request, path)
    asked.session.notice = found
    back = asked.form.get("back", "")
    # Within the console alone, whatever a form says.
    return see(f"{CONSOLE}/{back}" if ":" not in back and not back.startswith(("/", "\\")) else f"{CONSOLE}/")


def _page(page: Page, asked: Asked, request: Request, path: str, *, status: int = 200) -> Response:
    text = render(page, asked, root=CONSOLE, here=path, whole="X-Fragment" not in request.headers)
    return Response(status=status, text=text, content_type="text/html")


def _static(name: str) -> Response:
    kind = _FILES.get(name)
    if kind is None:
        return Response(status=404)
    return Response(text=(_STATIC / name).read_text(encoding="utf-8"), content_type=kind)
