"""One HTTP request, its body included."""

from __future__ import annotations

import re
from codecs import lookup
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import unquote, urlsplit

from keyless.local.wire.http.fields import Fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.wire.http.fields import Headers

    Address = tuple[str, int]


_CHARSET = re.compile(r"charset=\"?(?P<name>[\w.:-]+)", re.IGNORECASE)
# Of all that Python knows, some take time that grows with the square of the length, and some give what is not text.
_CHARSETS: Final = frozenset({"utf-8", "ascii", "iso8859-1", "cp1252"})
_HOST = re.compile(r"[\w.:\[\]-]+")


class Client(Protocol):
    """The connection that a request came over, as those who answer may use it."""

    @property
    def peer(self) -> Address | None:
        """The address of the client; None where it has gone."""

    @property
    def here(self) -> Address | None:
        """The address that it has connected to."""

    @property
    def is_gone(self) -> bool:
        """Whether nobody receives an answer any more."""

    def abort(self) -> None:
        """Break the connection off without an answer."""


class BodyTooLargeError(Exception):
    """A body has more bytes than the site takes."""


class Request:
    """A request.

    Attributes:
        method: Its method.
        target: What it asks for, as it was sent: a path with a query, or a whole URL.
        raw_path: The path, percent-encoded as it was sent.
        query_string: The query, as it was sent.
        headers: Its headers.
        client: The connection that it came over.
        path_parameters: The parts of the path that a route names.
    """

    def __init__(self, method: str, target: str, headers: Headers, client: Client) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.client = client
        self.path_parameters: Mapping[str, str] = {}
        self._body: bytes | None = b""
        at = target if target.startswith("/") else _without_authority(target)
        self.raw_path, _, self.query_string = at.partition("#")[0].partition("?")

    def receive(self, body: bytes | None) -> None:
        """Take the body, which comes after the head; None where it is too large."""
        self._body = body

    @property
    def body(self) -> bytes:
        """The body.

        Raises:
            BodyTooLargeError: If it has more bytes than the site takes. They were not read.
        """
        if self._body is None:
            raise BodyTooLargeError
        return self._body

    @cached_property
    def path(self) -> str:
        """The path, decoded."""
        return unquote(self.raw_path)

    @cached_property
    def query(self) -> Fields:
        """The query."""
        return Fields.of(self.query_string)

    @property
    def host(self) -> str:
        """The header Host; empty where there is none."""
        return self.headers.get("host", "")

    @property
    def host_name(self) -> str:
        """The header Host without its port; empty where it names no host."""
        try:
            return (urlsplit(f"//{self.host}").hostname or "") if _HOST.fullmatch(self.host) else ""
        except ValueError:  # Brackets without an address.
            return ""

    @property
    def remote(self) -> str | None:
        """The address of the client; None where it has gone."""
        return self.client.peer[0] if self.client.peer else None

    @cached_property
    def cookies(self) -> Mapping[str, str]:
        """The cookies, by name."""
        pairs = (each.strip().partition("=") for each in self.headers.get("cookie", "").split(";"))
        return {name: value for name, mark, value in pairs if mark}

    @cached_property
    def form(self) -> Fields:
        """The fields of a form; none where the body is not ``application/x-www-form-urlencoded``, all that Entra takes.

        Raises:
            BodyTooLargeError: If it has more bytes than the site takes.
        """
        kind = self.headers.get("content-type", "")
        if kind.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
            return Fields()
        charset = _CHARSET.search(kind)
        try:
            known = lookup(charset["name"] if charset else "utf-8").name
            return Fields.of(self.body.decode(known)) if known in _CHARSETS else Fields()
        except (UnicodeDecodeError, LookupError):
            return Fields()

    def __repr__(self) -> str:
        return f"<{self.method} request>"  # The path may name a secret, and the query hold one.


def _without_authority(target: str) -> str:
    """Return the path and the query of a whole URL, as a proxy is asked."""
    _, mark, rest = target.partition("://")
    cut = next((at for at, letter in enumerate(rest) if letter in "/?#"), len(rest))
    return rest[cut:] if mark else target
