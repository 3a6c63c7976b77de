"""The routes of a vault: which operation a method and a path mean, and what answers it."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from keyless.local.operations import VAULT_OPERATIONS, Operation
from keyless.local.wire.keyvault.protocol.errors import (
    RefusedError,
    method_not_allowed,
    operation_not_specified,
    unknown_path,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keyless.local.operations import Kind
    from keyless.local.wire.keyvault.protocol.answer import Answer
    from keyless.local.wire.keyvault.protocol.call import Call

_NAME, _VERSION = "{name}", "{version}"


class Route(NamedTuple):
    """An operation with the segments of its path.

    Attributes:
        operation: The operation.
        segments: The segments of its path.
        fixed: Those of them that do not stand for a name, with their places; the first is one of them.
    """

    operation: Operation
    segments: tuple[str, ...]
    fixed: tuple[tuple[int, str], ...]


def _route(operation: Operation) -> Route:
    segments = tuple(operation.path.split("/"))
    fixed = tuple((at, part) for at, part in enumerate(segments) if part not in {_NAME, _VERSION})
    return Route(operation, segments, fixed)


def _by_start(routes: tuple[Route, ...]) -> Mapping[tuple[str, int], tuple[Route, ...]]:
    """Return the routes by the first segment, which is never a name, and the number of segments."""
    found: dict[tuple[str, int], tuple[Route, ...]] = {}
    for route in routes:
        start = (route.segments[0], len(route.segments))
        found[start] = (*found.get(start, ()), route)
    return MappingProxyType(found)


_BY_START: Final = _by_start(tuple(map(_route, VAULT_OPERATIONS)))


@cache
def _handlers(kind: Kind) -> Mapping[str, Callable[[Call], Answer]]:
    """Return what answers the operations on one kind of object, which is loaded when the first of them is asked for."""
    found: Mapping[str, Callable[[Call], Answer]] = import_module(
        f"keyless.local.wire.keyvault.{kind}s.handlers"
    ).HANDLERS
    return found


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
    try:
        return _match(method, raw_path)
    except RefusedError as refused:
        return refused


@lru_cache(maxsize=128)
def _match(method: str, raw_path: str) -> Match:
    """Return the operation that a request means; a client mostly asks for the same few.

    Raises:
        RefusedError: If it means none.
    """
    segments = [unquote(segment) for segment in raw_path.split("/") if segment]
    lowered = [segment.lower() for segment in segments]
    near = _BY_START.get((lowered[0], len(segments)), ()) if segments else ()
    fitting = [route for route in near if all(lowered[at] == part for at, part in route.fixed)]
    if not fitting:
        raise unknown_path(raw_path)
    for route in fitting:
        operation = route.operation
        if operation.method == method:
            named = dict(zip(route.segments, segments, strict=True))
            answer = _handlers(operation.kind)[operation.name]
            return Match(operation, answer, named.get(_NAME, ""), named.get(_VERSION))
    # What a client means by a POST is behind the name, in the path of a key.
    is_post_to_key = method == "POST" and segments[0].lower() == "keys" and len(segments) > 1
    raise operation_not_specified() if is_post_to_key else method_not_allowed(method)
