"""An application, which answers the requests to one site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler

MIB: Final = 1024 * 1024


def one_mib(_: Request) -> int:
    """Return the most bytes that a body may have where nobody needs more."""
    return MIB


def _nothing() -> None:
    pass


class App(Record, frozen=True):
    """An application.

    Attributes:
        answer: Answers a request.
        largest_body: Returns the most bytes that the body of a request may have.
        close: Ends what it has begun.
    """

    answer: Handler
    largest_body: Callable[[Request], int] = one_mib
    close: Callable[[], None] = _nothing
