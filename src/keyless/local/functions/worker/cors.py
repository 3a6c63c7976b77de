"""``Host.CORS`` of ``local.settings.json``: which pages of other origins may call the functions here.

Source: https://learn.microsoft.com/en-us/azure/azure-functions/functions-develop-local#local-settings-file. In Azure the
platform answers for this, by the app's own setting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.functions.worker.messages import Answer
from keyless.local.record import Record

if TYPE_CHECKING:
    from keyless.local.functions.worker.messages import Asked, Headers


class Cors(Record, frozen=True):
    """The rights of pages from other origins.

    Attributes:
        origins: The origins; ``*`` means every one.
        credentials: Whether they may send cookies.
    """

    origins: frozenset[str] = frozenset()
    credentials: bool = False

    def preflight(self, asked: Asked) -> Answer | None:
        """Return the answer to a question that a browser asks before a request; None where it is none."""
        if not self.headers(asked) or asked.method.upper() != "OPTIONS":
            return None
        method, names = (asked.headers.get(f"access-control-request-{what}") for what in ("method", "headers"))
        if method is None:
            return None
        allowed = (("Access-Control-Allow-Methods", method), ("Access-Control-Allow-Headers", names or ""))
        return Answer(204, tuple(one for one in allowed if one[1]))

    def headers(self, asked: Asked) -> Headers:
        """Return what lets a page of the request's origin read the answer."""
        origin = asked.headers.get("origin")
        if origin is None or not (origin in self.origins or "*" in self.origins):
            return ()
        shared = (("Access-Control-Allow-Origin", origin),)
        return (*shared, ("Access-Control-Allow-Credentials", "true")) if self.credentials else shared
