"""One request to Microsoft Graph, as those that answer it see it, and how it is refused."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import field

from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.operations.codes import GraphCode

    Answers = Callable[["Call"], "Answer"]


class Call(Record, frozen=True, kw_only=True):
    """A request that shows a good token.

    Attributes:
        azure: The local Azure.
        root: The address and the version, such as ``https://graph.microsoft.com/v1.0``.
        parts: What the path names.
        filter: What ``$filter`` says; empty for everything.
        body: The JSON object that came; empty for none.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"body"})

    azure: Azure
    root: str
    parts: Mapping[str, str]
    filter: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return a text of the body; empty where it is none."""
        found = self.body.get(name)
        return found if isinstance(found, str) else ""


class Answer(Record, frozen=True):
    """An answer.

    Attributes:
        status: The HTTP status.
        body: What is sent as JSON, which may hold a secret; None sends no body.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"body"})

    status: int = 200
    body: Mapping[str, Any] | None = None


class RefusedError(Exception):
    """Ends a request with an error in Microsoft Graph's form.

    Args:
        status: The HTTP status.
        code: Graph's code.
        message: What is wrong.
    """

    def __init__(self, status: int, code: GraphCode, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code: GraphCode = code
        self.message = message

    def body(self, now: float, client_request_id: str) -> dict[str, Any]:
        """Return it as it is sent.

        https://learn.microsoft.com/en-us/graph/errors#json-representation
        """
        request_id = str(uuid.uuid4())
        inner = {
            "date": f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%S}",
            "request-id": request_id,
            "client-request-id": client_request_id or request_id,
        }
        return {"error": {"code": self.code, "message": self.message, "innerError": inner}}


def no_object(object_id: str) -> RefusedError:
    """Return the refusal of an id that nothing has."""
    said = (
        f"Resource '{object_id[:80]}' does not exist or one of its queried reference-property objects are not present."
    )
    return RefusedError(404, "Request_ResourceNotFound", said)
