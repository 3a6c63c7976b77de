"""The routes of a vault: which operation a method and a path mean, and what answers it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from keyless.local.operations import VAULT_OPERATIONS, Operation
from keyless.local.wire.keyvault.certificates.handlers import CERTIFICATE_HANDLERS
from keyless.local.wire.keyvault.keys.handlers import KEY_HANDLERS
from keyless.local.wire.keyvault.protocol.errors import (
    RefusedError,
    method_not_allowed,
    operation_not_specified,
    unknown_path,
)
from keyless.local.wire.keyvault.secrets.handlers import SECRET_HANDLERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.wire.keyvault.protocol.answer import Answer
    from keyless.local.wire.keyvault.protocol.call import Call

_NAME, _VERSION = "{name}", "{version}"
# What answers each operation, by its name.
_HANDLERS: Final[Mapping[str, Callable[[Call], Answer]]] = MappingProxyType(
    {**SECRET_HANDLERS, **KEY_HANDLERS, **CERTIFICATE_HANDLERS}
)


class Route(NamedTuple):
    """An operation with the segments of its path, and what answers it."""

    operation: Operation
    segments: tuple[str, ...]
    answer: Callable[[Call], Answer]


_ROUTES: Final = tuple(
    Route(operation, tuple(operation.path.split("/")), _HANDLERS[operation.name]) for operation in VAULT_OPERATIONS
)


def _by_start(routes: tuple[Route, ...]) -> Mapping[tuple[str, int], tuple[Route, ...]]:
    """Return the routes by the first segment, which is never a name, and the number of segments."""
    found: dict[tuple[str, int], tuple[Route, ...]] = {}
    for route in routes:
        start = (route.segments[0], len(route.segments))
        found[start] = (*found.get(start, ()), route)
    return MappingProxyType(found)


_BY_START: Final = _by_start(_ROUTES)


class Match(NamedTuple):
    """An operation, what answers it, and what its path names."""

    operation: Operation
    answer: Callable[[Call], Answer]
    name: str
    version: str | None


def find_operation(method: str, raw_path: str) -> Match | RefusedError:
    """Return the operation that a request means, or the refusal that it earns once its token was checked.

    That is 404 if there is nothing at the path, and 405 if there is and it does not answer the method. A slash at the
    end, and a doubled one, mean nothing: official clients send both.
    """
    segments = tuple(unquote(segment) for segment in raw_path.split("/") if segment)
    near = _BY_START.get((segments[0].lower(), len(segments)), ()) if segments else ()
    fitting = [route for route in near if _fits(route.segments, segments)]
    if not fitting:
        return unknown_path(raw_path)
    for route in fitting:
        if route.operation.method == method:
            named = dict(zip(route.segments, segments, strict=True))
            return Match(route.operation, route.answer, named.get(_NAME, ""), named.get(_VERSION))
    # What a client means by a POST is behind the name, in the path of a key.
    is_post_to_key = method == "POST" and segments[0].lower() == "keys" and len(segments) > 1
    return operation_not_specified() if is_post_to_key else method_not_allowed(method)


def _fits(pattern: tuple[str, ...], segments: tuple[str, ...]) -> bool:
    return all(
        part in {_NAME, _VERSION} or part == segment.lower() for part, segment in zip(pattern, segments, strict=True)
    )
