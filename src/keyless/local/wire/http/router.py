"""Routes: which handler a method and a path mean."""

from __future__ import annotations

import re
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from keyless.local.wire.http.response import HttpError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler, Response

_PARAMETER = re.compile(r"\{(?P<name>[a-z]+)(?::(?P<pattern>[^{}]+))?\}")


class Route(NamedTuple):
    """A route.

    Attributes:
        method: The method; ``*`` for any. GET answers HEAD, too.
        path: The path. ``{name}`` is one segment of it, and ``{name:pattern}`` whatever the regular expression matches.
        handler: What answers.
    """

    method: str
    path: str
    handler: Handler


class Router:
    """Leads requests to the first route that fits them.

    Args:
        routes: The routes.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = tuple(routes)

    async def answer(self, request: Request) -> Response:
        """Answer a request.

        Raises:
            HttpError: 404 where there is nothing at its path, and 405 where nothing there answers its method.
        """
        method = "GET" if request.method == "HEAD" else request.method
        allowed = []
        for pattern, route in self._patterns:
            found = pattern.fullmatch(request.path)
            if found is None:
                continue
            if route.method in {"*", method}:
                request.path_parameters = found.groupdict()
                return await route.handler(request)
            allowed.append(route.method)
        if not allowed:
            raise HttpError(HTTPStatus.NOT_FOUND)
        refused = HttpError(HTTPStatus.METHOD_NOT_ALLOWED)
        refused.response.headers["Allow"] = ", ".join(dict.fromkeys(allowed))
        raise refused

    @cached_property
    def _patterns(self) -> tuple[tuple[re.Pattern[str], Route], ...]:
        return tuple((re.compile(_regular(route.path), re.DOTALL), route) for route in self._routes)


def _regular(path: str) -> str:
    """Return the regular expression of a path."""
    made, end = "", 0
    for found in _PARAMETER.finditer(path):
        made += re.escape(path[end : found.start()])
        made += f"(?P<{found['name']}>{found['pattern'] or '[^/]+'})"
        end = found.end()
    return made + re.escape(path[end:])
