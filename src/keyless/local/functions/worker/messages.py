"""A request and an answer, as the Functions host sees them between the socket and a function."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

Headers = tuple[tuple[str, str], ...]


class Asked(Record, frozen=True):
    """A request. It has no repr: its URL and its headers may hold a key.

    Attributes:
        method: Its method, as it was sent.
        path: Its path, decoded except for ``%2F``, and without dots that lead up or nowhere.
        query: What is behind the path, as it was sent, with its question mark; empty where there is none.
        headers: Its headers by their names in small letters; what is sent twice is joined with commas.
        body: Its body; None where that is larger than the host takes.
        chunked: Whether the body came in chunks, without its length.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None
    chunked: bool = False


class Answer(Record, frozen=True):
    """An answer.

    Attributes:
        status: Its status; the host sends any number.
        headers: Its headers, in order.
        body: Its body.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"body"})

    status: int
    headers: Headers = ()
    body: bytes = b""

    def with_default_headers(self, headers: Headers) -> Answer:
        """Return the answer with those of some headers that it does not have itself."""
        present = {name.lower() for name, _ in self.headers}
        return Answer(
            self.status, self.headers + tuple(one for one in headers if one[0].lower() not in present), self.body
        )


def text_answer(status: int, text: str, content_type: str = "text/plain; charset=utf-8") -> Answer:
    """Return an answer with a text."""
    return Answer(status, (("Content-Type", content_type),), text.encode())
