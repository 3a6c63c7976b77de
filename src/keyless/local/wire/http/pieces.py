"""The body of an answer that is sent piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyless.local.wire.http.response import Response


class Pieces:
    """The pieces of one body: as many bytes as were promised, or chunks.

    Args:
        response: The answer; where the body comes in chunks, its headers say so from then on.
        is_old: Whether the client speaks HTTP/1.0, which has no chunks.
    """

    def __init__(self, response: Response, *, is_old: bool) -> None:
        promised = response.headers.get("Content-Length")
        self._left = None if promised is None else int(promised)
        self._in_chunks = promised is None and not is_old
        if self._in_chunks:
            response.headers["Transfer-Encoding"] = "chunked"

    @property
    def end_is_seen(self) -> bool:
        """Whether the client sees where the body ends, without the end of the connection."""
        return self._in_chunks or self._left is not None

    def framed(self, piece: bytes) -> bytes:
        """Return a piece as it is sent."""
        if self._left is not None:
            self._left -= len(piece)
        if not self._in_chunks:
            return piece
        return b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""  # An empty chunk would be the last.

    def last(self) -> bytes | None:
        """Return what is sent after the last piece; None where fewer bytes were sent than promised."""
        if self._left is not None and self._left > 0:
            return None
        return b"0\r\n\r\n" if self._in_chunks else b""
