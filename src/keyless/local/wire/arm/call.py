"""One request to the management plane, read, and its answer."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from msgspec import field

from keyless.local.azure.management.refusals import invalid_content
from keyless.local.lenient_json import lenient_loads
from keyless.local.record import Record
from keyless.local.wire.http.whole_text import check_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.azure.identities.tokens import Claims


PAUSE: Final[Mapping[str, str]] = MappingProxyType({"Retry-After": "1"})
"""When a client may ask again; azure-core takes 0 for no answer, and waits for half a minute."""


class ArmAnswer(Record, frozen=True):
    """An answer.

    Attributes:
        status: The HTTP status.
        body: The JSON body; text is sent as XML; None sends none.
        headers: Headers of this answer alone.
    """

    status: int = 200
    body: dict[str, Any] | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class ArmCall(Record, frozen=True):
    """A request.

    Attributes:
        azure: The local Azure.
        claims: Who asks.
        named: What the path names, by the name of its placeholder, as the client spells it.
        query: The query, by names in lower case.
        api_version: The version of the API.
        base: The address that the client asked, without a path.
        correlation_id: What the operations of this request have in common.
        content: The body, which no representation shows.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"content"})

    azure: Azure
    claims: Claims
    named: Mapping[str, str]
    query: Mapping[str, str]
    api_version: str
    base: str
    correlation_id: str
    content: bytes

    @property
    def group(self) -> str:
        """The resource group that the path names."""
        return self.named["group"]

    @property
    def name(self) -> str:
        """The name of what the path is about."""
        return self.named["name"]

    @property
    def child(self) -> str:
        """The name of what is below that."""
        return self.named["child"]

    def body(self) -> dict[str, Any]:
        """Return the body.

        Raises:
            ArmError: If it is not a JSON object.
        """
        try:
            found = _read(self.content) if self.content.strip() else {}
            check_whole(found, self.content)
        except (ValueError, RecursionError):
            raise invalid_content("It is not JSON.") from None
        if not isinstance(found, dict):
            raise invalid_content("It is not an object.")
        return found


def _read(content: bytes) -> Any:
    """Return what a body holds.

    Raises:
        ValueError: If it is not JSON, with comments and names without quotes as Azure takes them: ``az deployment`` sends such.
    """
    try:
        return json.loads(content)
    except ValueError:
        return lenient_loads(content.decode())


def made(is_new: bool, body: dict[str, Any]) -> ArmAnswer:  # noqa: FBT001 (what the state returns, as a pair)
    """Return the answer to a PUT: 201 for what is new."""
    return ArmAnswer(201 if is_new else 200, body)


def listed(found: list[dict[str, Any]]) -> ArmAnswer:
    """Return a list in one page."""
    return ArmAnswer(200, {"value": found})


def deleted(was_there: bool) -> ArmAnswer:  # noqa: FBT001 (as above)
    """Return the answer to a DELETE: 204 for what was not there."""
    return ArmAnswer(200 if was_there else 204)
