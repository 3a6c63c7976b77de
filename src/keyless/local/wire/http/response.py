"""The answers to HTTP requests."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping
    from typing import Any

    from keyless.local.wire.http.request import Request

    Send = Callable[[bytes], Awaitable[None]]
    Handler = Callable[[Request], Coroutine[Any, Any, "Response"]]


class Response:
    """An answer.

    Args:
        status: The HTTP status.
        text: The body as text, sent as UTF-8.
        body: The body, where it is not a text.
        content_type: The type of the body.
        headers: Further headers.

    Attributes:
        status: The HTTP status.
        headers: The headers, but for those that say how the body is sent.
        body: The body.
        stream: Sends the body piece by piece, and raises ConnectionError once nobody receives it; None sends ``body``.
    """

    def __init__(
        self,
        status: int = 200,
        *,
        text: str | None = None,
        body: bytes = b"",
        content_type: str = "text/plain",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.headers = dict(headers or {})
        self.stream: Callable[[Send], Awaitable[None]] | None = None
        if text is None:
            self.body = body
            if body:
                self.headers.setdefault("Content-Type", content_type)
        else:
            self.body = text.encode()
            self.headers.setdefault("Content-Type", f"{content_type}; charset=utf-8")

    def __repr__(self) -> str:
        return f"<response {self.status}>"  # The body may be a secret.


class HttpError(Exception):
    """Ends a request with a text.

    Args:
        status: The HTTP status.
        text: What is wrong; by default the status in words.
    """

    def __init__(self, status: int, text: str = "") -> None:
        super().__init__(status)
        self.response = Response(status, text=text or f"{status}: {HTTPStatus(status).phrase}")


def json_response(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer in JSON."""
    return Response(status, text=json.dumps(body), content_type="application/json", headers=headers)


def streamed(headers: Mapping[str, str], stream: Callable[[Send], Awaitable[None]]) -> Response:
    """Return an answer whose body ``stream`` sends piece by piece.

    Args:
        headers: Its headers. With a Content-Length, the connection is broken off where fewer bytes were sent.
        stream: Sends it.
    """
    answer = Response(headers=headers)
    answer.stream = stream
    return answer
