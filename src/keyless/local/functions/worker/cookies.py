"""Cookies of an answer, as they come through Azure's Python worker and the Functions host: written again, some of them lost.

The worker reads them with ``http.cookies.SimpleCookie``, which drops what it cannot read; the host writes them as ASP.NET
Core does, with ``domain=`` and ``path=`` in each.
"""

from __future__ import annotations

import math
import re
import sys
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable
    from http.cookies import Morsel, SimpleCookie

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# From Python 3.13 on another worker runs in Azure, which takes one form of dates alone, and reads it as local time.
_STRICT_DATES = sys.version_info >= (3, 13)
_STRICT = re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")
_STRICT_FORM = "%a, %d %b %Y %H:%M:%S GMT"


class CookieError(ValueError):
    """A cookie that makes the worker or the host fail: the answer is 500."""


def written_cookies(read: Iterable[SimpleCookie]) -> list[str]:
    """Return the cookies as the host sends them, each the value of a header ``Set-Cookie``.

    Args:
        read: What the worker read of each header that the function set; what it could not read is empty.

    Raises:
        CookieError: If a cookie makes the answer 500.
    """
    return [_written(name, morsel) for cookie in read for name, morsel in cookie.items()]


def lost(header: str, read: SimpleCookie) -> str | None:
    """Return what of a header ``Set-Cookie`` a caller in Azure does not get as it was set; None where all of it arrives."""
    if not header.strip():
        return None
    if not read:
        return "is dropped: SimpleCookie cannot read it"
    name = next(iter(read))
    if len(read) > 1:
        others = ", ".join(other for other in read if other != name)
        return f"is sent as several cookies, since SimpleCookie reads {others} as a name"
    if name.startswith("__Host-"):
        return "is sent with domain=, so that a browser refuses its prefix __Host-"
    if read[name]["expires"] and not _STRICT.fullmatch(read[name]["expires"]):
        return "has an Expires that the worker of Python 3.13 and newer cannot read, so that its caller gets 500"
    written = _written(name, read[name])
    sent = written.partition(";")[0].partition("=")[2]
    if sent != header.partition(";")[0].partition("=")[2].strip().strip('"'):
        return "is sent with its value percent-encoded"
    return None


def _written(name: str, cookie: Morsel[str]) -> str:
    if not _NAME.fullmatch(name):
        raise CookieError(f"The cookie's name {name!r} is not valid.")
    expires, age = _expires(cookie["expires"]), _age(cookie["max-age"])
    same = cookie["samesite"].lower()
    attributes = [
        f"{name}={quote(cookie.value, safe='')}",
        *([] if expires is None else [f"expires={expires}"]),
        *([] if age is None else [f"max-age={age}"]),
        f"domain={cookie['domain']}",
        f"path={cookie['path']}",
        *(["secure"] if cookie["secure"] else []),
        *([f"samesite={same}"] if same in {"lax", "strict", "none"} else []),
        *(["httponly"] if cookie["httponly"] else []),
    ]
    return "; ".join(attributes)


def _age(text: str) -> int | None:
    if not text:
        return None
    try:
        return math.trunc(float(text))
    except (ValueError, OverflowError):
        raise CookieError("A cookie's Max-Age is not a number.") from None


def _expires(text: str) -> str | None:
    if not text:
        return None
    try:
        moment = _strict_date(text) if _STRICT_DATES else _lenient_date(text)
    except ValueError:
        raise CookieError("A cookie's Expires is not a date that the worker can read.") from None
    try:
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):  # In its last hours, the year 9999 has no local time.
        moment = moment.replace(tzinfo=UTC)
    return format_datetime(moment, usegmt=True)


def _strict_date(text: str) -> datetime:
    # Without a zone, since the worker gives none: so the process's own counts.
    return datetime.strptime(text, _STRICT_FORM)  # noqa: DTZ007 (as above)


def _lenient_date(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parsedate_to_datetime(text)
