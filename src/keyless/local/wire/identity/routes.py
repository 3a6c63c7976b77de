"""The routes of the sources, and what keeps others out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohttp import web

from keyless.local.wire.identity import imds

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from aiohttp.typedefs import Handler as AnyHandler
    from aiohttp.typedefs import Middleware

    from keyless.local.sources import SourceName
    from keyless.local.wire.identity.endpoint import Handler
    from keyless.local.wire.identity.site import IdentitySources

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def http_routes(sources: IdentitySources) -> list[web.RouteDef]:
    """Return the routes of the sources that are asked over HTTP."""
    found: dict[str, Handler] = {}
    for name, endpoints in sources.asked_over_http().items():
        found |= _when_open(sources, name, endpoints)
    return routes(found)


def service_fabric_routes(sources: IdentitySources) -> list[web.RouteDef]:
    """Return the routes of Service Fabric."""
    return routes(_when_open(sources, "service-fabric", sources.of_service_fabric()))


def _when_open(sources: IdentitySources, name: SourceName, endpoints: Mapping[str, Handler]) -> dict[str, Handler]:
    """Return what answers for a source once it is open."""

    def gated(handler: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            if not sources.is_open(name):
                raise web.HTTPNotFound(
                    text=f"The source {name} was not chosen: use --source {name}, or ask `keyless env --source {name}`."
                )
            return await handler(request)

        return answer

    return {path: gated(handler) for path, handler in endpoints.items()}


def routes(endpoints: Mapping[str, Handler]) -> list[web.RouteDef]:
    """Return one route for every path, since clients write the same path in several ways.

    Slashes come doubled and at the end: MSAL for Node.js adds one to the path of the metadata service, and others join a
    host that ends in a slash to a path that starts with one.

    Args:
        endpoints: What answers, by path. What is below a path goes to it, unless it is a path itself.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        path = re.sub("/+", "/", request.path).rstrip("/")
        while path:
            if path in endpoints:
                return await endpoints[path](request)
            path = path.rpartition("/")[0] if path.startswith(imds.METADATA_PATH) else ""
        raise web.HTTPNotFound

    return [web.route("*", "/{path:.*}", answer)]


def guard(*, host: str, names: Collection[str] = LOOPBACK) -> Middleware:
    """Return what keeps a listener from being a proxy, and from answering web pages that renamed themselves to it.

    Args:
        host: The address that is listened at. Away from loopback, a machine may have any name.
        names: The names that it answers to there.
    """

    @web.middleware
    async def guarded(request: web.Request, handler: AnyHandler) -> web.StreamResponse:
        if not request.raw_path.startswith("/"):
            raise web.HTTPForbidden(text="This is not a proxy: set HTTP_PROXY and HTTPS_PROXY as Keyless gives them.")
        name = _name(request.host)
        if name == imds.HOST:
            # The proxy leads here what clients ask of the metadata service's own address.
            if not re.match(rf"/*{imds.METADATA_PATH.lstrip('/')}(/|$)", request.path):
                raise web.HTTPNotFound
        elif host in LOOPBACK and name not in names:
            raise web.HTTPForbidden(text="The local Azure answers to the names of this machine alone.")
        return await handler(request)

    return guarded


def _name(host: str) -> str:
    """Return the host of a header Host; nothing where it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "") if re.fullmatch(r"[\w.:\[\]-]+", host) else ""
    except ValueError:  # Brackets without an address.
        return ""
