"""The target of a request, as Kestrel and ASP.NET Core read it: path, query, and the URL that a function is given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

_ESCAPED = re.compile(rb"(?:%[0-9A-Fa-f]{2})+")
# What a path may hold as it is; a percent sign only where two digits follow.
_SAFE = "!$&'()*+,;=:@/-._~"


class TargetError(ValueError):
    """A target that the server refuses."""


def decoded_path(path: bytes) -> str:
    """Return a path decoded, except for ``%2F`` and what is not UTF-8, and without dots that lead up or nowhere.

    Raises:
        TargetError: If the path holds a zero byte.
    """
    text = _ESCAPED.sub(lambda found: _decoded(found[0], keep_slash=True), path).decode()
    if "\0" in text:
        raise TargetError
    return _without_dots(text) if "/." in text else text


def query_values(query: str) -> Iterator[tuple[str, str]]:
    """Yield the names and the values in a query, decoded, in the order in which they are there."""
    for pair in query.removeprefix("?").split("&"):
        if pair:
            name, _, value = pair.partition("=")
            yield _unquoted(name), _unquoted(value)


def joined_query(query: str) -> dict[str, str]:
    """Return what a function gets: each name once, whatever its case, its values joined; none that has no value."""
    spelled: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in query_values(query):
        spelled[name.lower()] = name
        values.setdefault(name.lower(), []).append(value)
    joined = {spelled[key]: ",".join(value for value in found if value) for key, found in values.items()}
    return {name: value for name, value in joined.items() if value}


def first_query_value(query: str, wanted: str) -> str | None:
    """Return the first value of a name, whatever its case; None where the query lacks it."""
    return next((value for name, value in query_values(query) if name.lower() == wanted), None)


def shown_url(host: str, path: str, query: str) -> str:
    """Return the URL that a function is given: its path is encoded again, so that ``%2B`` has become ``+``."""
    shown = re.sub(
        r"%[0-9A-Fa-f]{2}|.",
        lambda found: found[0] if len(found[0]) > 1 else quote(found[0], safe=_SAFE),
        path,
        flags=re.DOTALL,
    )
    return f"http://{host}{shown}{query}"


def _unquoted(text: str) -> str:
    encoded = text.replace("+", " ").encode()
    return _ESCAPED.sub(lambda found: _decoded(found[0], keep_slash=False), encoded).decode()


def _decoded(escaped: bytes, *, keep_slash: bool) -> bytes:
    """Decode a run of escaped bytes; what is not a character of UTF-8 stays as it is."""
    raw = bytes.fromhex(escaped.replace(b"%", b"").decode())
    decoded = bytearray()
    at = 0
    while at < len(raw):
        size = _size_of_character(raw, at)
        if not size or (keep_slash and raw[at] == ord("/")):
            decoded += escaped[at * 3 : at * 3 + 3]
            size = 1
        else:
            decoded += raw[at : at + size]
        at += size
    return bytes(decoded)


def _size_of_character(raw: bytes, at: int) -> int:
    """Return how many bytes a character of UTF-8 takes; 0 where there is none."""
    for size in range(1, 5):
        try:
            raw[at : at + size].decode()
        except UnicodeDecodeError:
            continue
        return size
    return 0


def _without_dots(path: str) -> str:
    kept: list[str] = []
    segments = path.removeprefix("/").split("/")
    for index, segment in enumerate(segments):
        last = index == len(segments) - 1
        if segment == "..":
            del kept[-1:]
        if segment not in {".", ".."}:
            kept.append(segment)
        elif last:
            kept.append("")
    return "/" + "/".join(kept)
