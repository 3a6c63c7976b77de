"""The boundary of a site: who is let in, and what becomes of whatever is raised behind it."""

from __future__ import annotations

import os
import sqlite3
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keyless.errors import KeylessError
from keyless.local.record import Record
from keyless.local.wire.http.request import BodyTooLargeError
from keyless.local.wire.http.response import HttpError, Response
from keyless.local.wire.serving.fault_effects import CLIENT_GONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.wire.http.request import Address, Request
    from keyless.local.wire.http.response import Handler

_STRANGER: Final = (
    "This local Azure answers programs of the user who started it alone. Start it with `keyless up --any-user`, "
    "or LocalAzure(any_user=True), to let others in: they can then read every secret."
)


class Failure(Record, frozen=True):
    """An answer that a site gives where none was meant.

    Attributes:
        status: The HTTP status.
        cause: Why, in one sentence without any text of the request.
    """

    status: int
    cause: str


class Boundary(Record, frozen=True):
    """The boundary of one site.

    Attributes:
        form: Makes the answer to a failure, in the site's own form.
        tell: Takes each failure, for the journal.
        admits: Says of a client's address and this end's whether the client is let in; None lets everybody in.
    """

    form: Callable[[Request, Failure], Response]
    tell: Callable[[Request, Failure], None]
    admits: Callable[[Address, Address], bool] | None = None

    def refusal(self, request: Request) -> Response | None:
        """Return the answer to a client that is not let in; None where it is."""
        peer, here = request.client.peer, request.client.here
        if self.admits is None or (peer and here and self.admits(peer, here)):
            return None
        return self._fail(request, Failure(403, _STRANGER))

    def around(self, handler: Handler) -> Handler:
        """Return a handler with this around it: it raises nothing."""

        async def bounded(request: Request) -> Response:
            try:
                return await handler(request)
            except HttpError as error:
                return error.response
            except ConnectionError:
                return Response(CLIENT_GONE)  # It goes nowhere.
            except BodyTooLargeError:
                return self._fail(request, Failure(413, "The body is too large."))
            except Exception as error:  # noqa: BLE001 (this is the boundary)
                return self._fail(request, Failure(500, cause_of(error)))

        return bounded

    def _fail(self, request: Request, failure: Failure) -> Response:
        self.tell(request, failure)
        return self.form(request, failure)


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
