"""The routes of the sources, and what keeps others out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keyless.local.wire.http.response import HttpError
from keyless.local.wire.identity import imds
from keyless.local.wire.serving.hosts import LOOPBACK_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from keyless.local.sources import SourceName
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler, Response
    from keyless.local.wire.identity.site import IdentitySources


def over_http(sources: IdentitySources) -> Handler:
    """Return what answers for the sources that are asked over HTTP."""
    found: dict[str, Handler] = {}
    for name, endpoints in sources.asked_over_http().items():
        found |= _when_open(sources, name, endpoints)
    return by_path(found)


def over_tls(sources: IdentitySources) -> Handler:
    """Return what answers for Service Fabric."""
    return by_path(_when_open(sources, "service-fabric", sources.of_service_fabric()))


def _when_open(sources: IdentitySources, name: SourceName, endpoints: Mapping[str, Handler]) -> dict[str, Handler]:
    """Return what answers for a source once it is open."""

    def gated(handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            if not sources.is_open(name):
                raise HttpError(
                    404, f"The source {name} was not chosen: use --source {name}, or ask `keyless env --source {name}`."
                )
            return await handler(request)

        return answer

    return {path: gated(handler) for path, handler in endpoints.items()}


def by_path(endpoints: Mapping[str, Handler]) -> Handler:
    """Return what answers at every path, since clients write the same path in several ways.

    Slashes come doubled and at the end: MSAL for Node.js adds one to the path of the metadata service, and others join a
    host that ends in a slash to a path that starts with one.

    Args:
        endpoints: What answers, by path. What is below a path goes to it, unless it is a path itself.
    """

    async def answer(request: Request) -> Response:
        path = re.sub("/+", "/", request.path).rstrip("/")
        while path:
            if path in endpoints:
                return await endpoints[path](request)
            path = path.rpartition("/")[0] if path.startswith(imds.METADATA_PATH) else ""
        raise HttpError(404)

    return answer


def guard(*, host: str, names: Collection[str] = LOOPBACK_NAMES) -> Callable[[Handler], Handler]:
    """Return what keeps a listener from being a proxy, and from answering web pages that renamed themselves to it.

    Args:
        host: The address that is listened at. Away from loopback, a machine may have any name.
        names: The names that it answers to there.
    """

    def check(request: Request) -> None:
        if not request.target.startswith("/"):
            raise HttpError(403, "This is not a proxy: set HTTP_PROXY and HTTPS_PROXY as Keyless gives them.")
        name = request.host_name
        if name == imds.HOST:
            # The proxy leads here what clients ask of the metadata service's own address.
            if not re.match(rf"/*{imds.METADATA_PATH.lstrip('/')}(/|$)", request.path):
                raise HttpError(404)
        elif host in LOOPBACK_NAMES and name not in names:
            raise HttpError(403, "The local Azure answers to the names of this machine alone.")

    def guarding(handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            check(request)
            return await handler(request)

        return guarded

    return guarding
