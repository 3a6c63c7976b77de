"""The right to use the control API: a program on this machine that has its token.

Whoever has the token can do everything, so the API answers to that token alone, under the names of this machine alone, and
to no web page: browsers send Origin, and pages that renamed themselves to this machine send another Host.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from keyless.local.wire.control.address import ROOT
from keyless.local.wire.http.app import MIB, one_mib
from keyless.local.wire.http.response import json_response
from keyless.local.wire.serving.hosts import LOOPBACK_NAMES

if TYPE_CHECKING:
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler, Response

_LARGEST: Final = 256 * MIB
"""A whole Azure may be imported."""


class Door:
    """Lets requests in.

    Args:
        token: What a request must show.
    """

    def __init__(self, token: str) -> None:
        self._token = token

    def guarding(self, handler: Handler) -> Handler:
        """Return a handler that answers those alone that are let in."""

        async def guarded(request: Request) -> Response:
            return self._refusal(request) or await handler(request)

        return guarded

    def largest_body(self, request: Request) -> int:
        """Return the most bytes that the body of a request may have: those of strangers are not kept."""
        return one_mib(request) if self._refusal(request) else _LARGEST

    def _refusal(self, request: Request) -> Response | None:
        is_here = request.host_name in LOOPBACK_NAMES
        if not request.target.startswith(ROOT) or not is_here or "Origin" in request.headers:
            return refused(
                "The control API does not answer this request.",
                cause="It is for programs on this machine: Host must be a name of it, and there must be no Origin.",
                remedy="Ask at the address that `keyless up --json` gives, and from no web page.",
                status=403,
            )
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(
            token.strip().encode(errors="surrogateescape"), self._token.encode()
        ):
            return refused(
                "The control API does not know the token of this request.",
                cause="There is none, or it is of another run.",
                remedy="Send `Authorization: Bearer TOKEN` with the token that `keyless up --json` gives.",
                status=401,
            )
        return None


def refused(what: str, *, cause: str, remedy: str, status: int, kl_code: str = "KL-500") -> Response:
    """Return a refusal in the API's own form."""
    return answered({"error": {"kl_code": kl_code, "what": what, "cause": cause, "remedy": remedy}}, status=status)


def answered(body: object, *, status: int = 200) -> Response:
    """Return an answer, which nobody keeps."""
    return json_response(body, status=status, headers={"Cache-Control": "no-store"})
