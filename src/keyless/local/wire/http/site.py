"""The part that the connections of one listener share."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.utils import formatdate
from time import time
from typing import TYPE_CHECKING

from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.wire.http.connection import Connection
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler, Response


class Patience(Record, frozen=True):
    """The seconds that a client may take.

    Attributes:
        head: For the first byte of a connection, and from the first byte of a request to the end of its head.
        body: For a body.
        idle: For the next request.
    """

    head: float = 10.0
    body: float = 10.0
    idle: float = 75.0


@dataclass(slots=True)
class Site:
    """The part that the connections of one listener share.

    Attributes:
        answer: Answers a request, and raises nothing.
        say: Takes a line for the person who started this.
        refuse: Answers the first head of a connection at once, before any body; None where it may go on.
        largest_body: Returns the most bytes that the body of a request may have.
        patience: How long clients are waited for.
        connections: Those that are open.
    """

    answer: Handler
    say: Callable[[str], None]
    refuse: Callable[[Request], Response | None]
    largest_body: Callable[[Request], int]
    patience: Patience = field(default_factory=Patience)
    connections: set[Connection] = field(default_factory=set)
    _date: tuple[int, str] = (0, "")

    def date(self) -> str:
        """Return the header Date of now."""
        now = int(time())
        if now != self._date[0]:
            self._date = now, formatdate(now, usegmt=True)
        return self._date[1]
