"""Pages of a list: how many items are asked for, where they begin, and the link to those that follow."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Protocol, TypeVar

from keyless.local.wire.keyvault.protocol.answer import Answer
from keyless.local.wire.keyvault.protocol.errors import invalid_property

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keyless.local.wire.keyvault.protocol.call import Call

_MOST = 25
_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


class _Source(Protocol[_T_co]):
    """Gives up to ``size`` items from ``start`` on, and the one after them where there is one."""

    def __call__(self, *, start: str, size: int) -> Sequence[_T_co]: ...


def page_of(
    call: Call, source: _Source[_T], *, item: Callable[[Call, _T], dict[str, object]], key: Callable[[_T], str]
) -> Answer:
    """Answer with the page that a client asks for.

    Args:
        call: The request.
        source: Where the items come from.
        item: Makes an item's JSON.
        key: Says what a page that begins with an item is found by: ``NAME`` or ``NAME/VERSION``.

    Raises:
        RefusedError: If the request asks for a page that cannot be.
    """
    size = page_size(call)
    found = source(start=page_start(call), size=size)
    following = next_link(call, key=key(found[size]), size=size) if len(found) > size else None
    return Answer(200, {"value": [item(call, each) for each in found[:size]], "nextLink": following})


def page_size(call: Call) -> int:
    """Return how many items a client wants on a page: 1 to 25.

    Raises:
        RefusedError: If ``maxresults`` is anything else.
    """
    asked = call.query.get("maxresults")
    if asked is None:
        return _MOST
    size = int(asked) if re.fullmatch(r"[0-9]{1,2}", asked) else 0
    if not 1 <= size <= _MOST:
        raise invalid_property(f"maxresults is {asked[:20]!r}, not 1 to {_MOST}.")
    return size


def page_start(call: Call) -> str:
    """Return the name or version that the page begins with; empty for the first page.

    Raises:
        RefusedError: If the ``$skiptoken`` is none that a vault made.
    """
    token = call.query.get("$skiptoken")
    if token is None:
        return ""
    try:
        marker = json.loads(_decoded(token))["NextMarker"]
        key = _decoded(marker.split("!")[2].replace("-", "=")).split("!")[1]
        return key.rpartition("/")[2]
    except (
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
    ):  # Of base64 and JSON, and their shapes.
        raise invalid_property("The $skiptoken is none that this vault made.") from None


def next_link(call: Call, *, key: str, size: int) -> str:
    """Return the address of the page that begins with a key: ``NAME`` or ``NAME/VERSION``.

    The port is written out even where it is 443, and the token is what Azure's tables call a continuation. Clients
    take it as it is.
    """
    row = f"{call.kind}/{key.upper()}"
    marker = base64.b64encode(f"{len(row):06}!{row}!000028!9999-12-31T23:59:59.9999999Z!".encode()).decode()
    inner = {"NextMarker": f"2!{len(marker)}!{marker.replace('=', '-')}", "TargetLocation": 0}
    # Without + and /, which a client may not escape when it sends the token back.
    token = base64.urlsafe_b64encode(json.dumps(inner, separators=(",", ":")).encode()).decode().rstrip("=")
    authority = call.base if call.has_port else f"{call.base}:443"
    return f"{authority}{call.path}?api-version={call.api_version}&$skiptoken={token}&maxresults={size}"


def _decoded(text: str) -> str:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode("ascii")
