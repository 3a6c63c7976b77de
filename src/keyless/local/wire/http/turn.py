"""The turns of one connection's requests, which are answered in the order in which they came."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Response


class Turn(NamedTuple):
    """A request whose turn comes.

    Attributes:
        request: The request.
        keeps: Whether the connection goes on after it.
        is_old: Whether the client speaks HTTP/1.0.
        response: Its answer, where that is there already.
    """

    request: Request
    keeps: bool
    is_old: bool = False
    response: Response | None = None
