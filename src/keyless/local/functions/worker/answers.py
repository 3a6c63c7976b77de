"""Make an answer of what a function returned: the worker's part by the SDK's own code, then the host's."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any

import azure.functions as func
from azure.functions.http import HttpResponseConverter

from keyless.local.functions.worker.cookies import CookieError, lost, written_cookies
from keyless.local.functions.worker.messages import Answer
from keyless.local.functions.worker.returned_text import answer_of_text, changes_text
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    Warn = Callable[[str], None]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# What Kestrel lets into a header: a tab, and what can be seen of ASCII.
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_INT32 = range(-(1 << 31), 1 << 31)


class UnsendableError(ValueError):
    """An answer that the host refuses to send: the caller gets 500."""


class Returned(Record, frozen=True):
    """The result of a function's call, as the worker hands it to the host.

    Attributes:
        status: The status, as the text that the worker makes of it.
        headers: The headers, each name once.
        cookies: What the worker read of the headers ``Set-Cookie``.
        body: The body.
    """

    status: str
    headers: dict[str, str]
    cookies: list[SimpleCookie]
    body: bytes


def answer_of(returned: Any, *, warn: Warn) -> Answer:
    """Return the answer that a caller in Azure gets for what a function returned.

    Args:
        returned: What the function returned.
        warn: Takes what a person would be surprised by, as the end of a sentence that begins with the function.

    Raises:
        TypeError: If it is neither ``str`` nor ``azure.functions.HttpResponse``.
        UnsendableError: If the host refuses to send it.
    """
    if isinstance(returned, str):
        answer = answer_of_text(returned)
        if changes_text(returned, answer):
            warn(
                "returned a str that is JSON, which Azure reads and writes again in another form: return "
                'azure.functions.HttpResponse(text, mimetype="application/json") to have it sent as it is'
            )
        return answer
    if not isinstance(returned, func.HttpResponse):
        # The type alone: the value could hold a secret.
        raise TypeError(f"A function returns azure.functions.HttpResponse or str, and not {type(returned).__name__}.")
    _warn_of_losses(returned, warn)
    # The worker's own code, which takes the cookies out of the object that the function returned, too.
    value = HttpResponseConverter.encode(returned, expected_type=None).value
    headers = {name: one.value for name, one in value["headers"].items()}
    return sent(Returned(value["status_code"].value, headers, value["cookies"] or [], value["body"].value), warn=warn)


def sent(returned: Returned, *, warn: Warn) -> Answer:
    """Return the answer that the host makes of what the worker hands it.

    Raises:
        UnsendableError: If the host refuses to send it.
    """
    once: dict[str, tuple[str, str]] = {}
    for name, value in returned.headers.items():
        once[name.lower()] = _checked(name, value)
    if not once.get("content-type", ("", "-"))[1]:
        del once["content-type"]
    try:
        cookies = tuple(("Set-Cookie", cookie) for cookie in written_cookies(returned.cookies))
    except CookieError as error:
        raise UnsendableError(str(error)) from None
    status = int(returned.status) if re.fullmatch(r"\s*[+-]?[0-9]+\s*", returned.status) else 200
    if status not in _INT32:
        status = 200
    _check_length(once, returned.body)
    if "transfer-encoding" in once:
        warn("sets Transfer-Encoding itself: Azure then sends the body without the frame that a client expects")
    return Answer(status, (*once.values(), *cookies), returned.body)


def _checked(name: str, value: str) -> tuple[str, str]:
    value = value.strip(" ")
    if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
        raise UnsendableError(
            "A header's name or value holds what the host does not send: more than ASCII, or a control."
        )
    # The SDK writes this one in small letters, and Kestrel as here.
    return "Content-Type" if name.lower() == "content-type" else name, value


def _check_length(headers: dict[str, tuple[str, str]], body: bytes) -> None:
    length = headers.get("content-length", ("", ""))[1]
    if length and (not re.fullmatch(r"\s*[0-9]+\s*", length) or int(length) < len(body)):
        raise UnsendableError("Its Content-Length is not a number, or less than its body has.")


def _warn_of_losses(returned: func.HttpResponse, warn: Warn) -> None:
    for header in returned.headers.getlist("Set-Cookie"):
        try:
            what = lost(header, SimpleCookie(header))
        except CookieError:
            continue
        if what:
            warn(f"set a cookie that {what}")
    names = [name.lower() for name, _ in returned.headers.items() if name.lower() != "set-cookie"]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        warn(f"set the header {', '.join(twice)} twice, of which Azure sends one")
