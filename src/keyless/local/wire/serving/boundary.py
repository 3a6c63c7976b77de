"""The boundary of a site: who is let in, and what becomes of whatever is raised behind it."""

from __future__ import annotations

import os
import sqlite3
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from keyless.errors import KeylessError
from keyless.local.wire.serving.fault_effects import CLIENT_GONE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from keyless.local.wire.serving.patience import Patience

    Address = tuple[str, int]
    _Answers = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_STRANGER: Final = (
    "This local Azure answers programs of the user who started it alone. Start it with `keyless up --any-user`, "
    "or LocalAzure(any_user=True), to let others in: they can then read every secret."
)


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that a site gives where none was meant.

    Attributes:
        status: The HTTP status.
        cause: Why, in one sentence without any text of the request.
    """

    status: int
    cause: str


@dataclass(frozen=True, slots=True)
class Boundary:
    """The boundary of one site.

    Attributes:
        form: Makes the answer to a failure, in the site's own form.
        tell: Takes each failure, for the journal.
        admits: Says of a client's address and this end's whether the client is let in; None lets everybody in.
    """

    form: Callable[[web.Request, Failure], web.Response]
    tell: Callable[[web.Request, Failure], None]
    admits: Callable[[Address, Address], bool] | None = None

    def around(self, handler: _Answers, patience: Patience) -> _Answers:
        """Return a server's handler with this around it."""

        async def bounded(request: web.BaseRequest) -> web.StreamResponse:
            assert isinstance(request, web.Request)  # noqa: S101 (for the type checker: an application makes these)
            try:
                if patience.begins(request) and not self._lets_in(request):
                    return self._fail(request, Failure(403, _STRANGER), closing=True)
                return await handler(request)
            except web.HTTPException:
                raise
            except ConnectionError:
                return web.Response(status=CLIENT_GONE)  # It goes nowhere.
            except web.RequestPayloadError:
                return self._fail(request, Failure(400, "The body is not encoded as its headers say."))
            except Exception as error:  # noqa: BLE001 (this is the boundary)
                return self._fail(request, Failure(500, cause_of(error)))
            finally:
                patience.ends(request)

        return bounded

    def _lets_in(self, request: web.Request) -> bool:
        if self.admits is None:
            return True
        transport = request.transport
        if transport is None:
            return False
        peer, here = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        return bool(peer and here) and self.admits((peer[0], peer[1]), (here[0], here[1]))

    def _fail(self, request: web.Request, failure: Failure, *, closing: bool = False) -> web.Response:
        self.tell(request, failure)
        answer = self.form(request, failure)
        if closing:
            answer.force_close()
        return answer


def cause_of(error: BaseException) -> str:
    """Return why something failed, in one sentence: never the text of an error of others, which may quote what came."""
    if isinstance(error, KeylessError):
        return f"{error.what} {error.cause}"
    if isinstance(error, OSError) and error.errno is not None:
        return f"The operating system refused: {os.strerror(error.errno)}."
    if isinstance(error, sqlite3.Error):
        return f"The store of secrets cannot be used ({getattr(error, 'sqlite_errorname', type(error).__name__)})."
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "keyless" in frame.filename]
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"Keyless met an error of its own ({type(error).__name__}{where})."
