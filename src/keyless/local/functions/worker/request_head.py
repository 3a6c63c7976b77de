"""Check the head of a request as Kestrel, the server in the Functions host, does; h11 reads what passes.

The limits: https://learn.microsoft.com/en-us/aspnet/core/fundamentals/servers/kestrel/options
"""

from __future__ import annotations

import re
from http import HTTPStatus

LONGEST_LINE = 8192
_LARGEST_HEADERS = 32768
_MOST_HEADERS = 100
_LINE = re.compile(rb"[^ ]+ [^ ]+ HTTP/[0-9.]+\r?\n?")
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=%-]+(:[0-9]*)?|\[[0-9A-Fa-f:.]+\](:[0-9]*)?")
_VERSIONS = (b"1.0", b"1.1")


class HeadError(Exception):
    """A head that the server refuses, with an empty body.

    Attributes:
        status: The status of the refusal.
        headers: What goes with it.
    """

    def __init__(self, status: HTTPStatus, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers


def end_of_head(received: bytearray) -> int | None:
    """Return where the head ends that begins a buffer; None where more must come.

    Empty lines before it are taken out of the buffer.

    Raises:
        HeadError: If the server would not wait for more.
    """
    while received.startswith((b"\r\n", b"\n")):
        del received[: 2 if received[:2] == b"\r\n" else 1]
    line_end = received.find(b"\n") + 1
    if (line_end or len(received)) > LONGEST_LINE:
        raise HeadError(HTTPStatus.REQUEST_URI_TOO_LONG)
    if not line_end:
        return None
    _check_line(bytes(received[:line_end]))
    found = re.search(rb"\n\r?\n", received[line_end - 1 :])
    headers = (line_end - 1 + found.start() + 1 if found else len(received)) - line_end
    if headers > _LARGEST_HEADERS:
        raise HeadError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    if found is None:
        return None
    _check_headers(bytes(received[line_end : line_end + headers]))
    return line_end - 1 + found.end()


def _check_line(line: bytes) -> None:
    if not _LINE.fullmatch(line):
        raise HeadError(HTTPStatus.BAD_REQUEST)
    method, target, version = line.split()
    if version.removeprefix(b"HTTP/") not in _VERSIONS:
        raise HeadError(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
    if target == b"*" and method != b"OPTIONS":
        raise HeadError(HTTPStatus.METHOD_NOT_ALLOWED, (("Allow", "OPTIONS"),))
    absolute = re.match(rb"https?://", target, re.IGNORECASE)
    if not (target == b"*" or target.startswith(b"/") or absolute or method == b"CONNECT"):
        raise HeadError(HTTPStatus.BAD_REQUEST)


def _check_headers(lines: bytes) -> None:
    names = [line.partition(b":")[0].lower() for line in lines.splitlines()]
    if len(names) > _MOST_HEADERS:
        raise HeadError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    # A header that goes on in the next line, and a length that is there twice.
    if any(line[:1] in {b" ", b"\t"} for line in lines.splitlines()) or names.count(b"content-length") > 1:
        raise HeadError(HTTPStatus.BAD_REQUEST)


def check_host(host: str, target: str) -> None:
    """Refuse a host that is not a host, or another than the target names.

    Raises:
        HeadError: If the server refuses it.
    """
    if host and not _HOST.fullmatch(host):
        raise HeadError(HTTPStatus.BAD_REQUEST)
    absolute = re.match(r"https?://([^/?]*)", target, re.IGNORECASE)
    if absolute and absolute[1].lower() != host.lower():
        raise HeadError(HTTPStatus.BAD_REQUEST)
