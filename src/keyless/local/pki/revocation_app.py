"""Serves the lists of revoked certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.pki.revocation import ROOTS_LIST, SERVERS_LIST
from keyless.local.wire.http.app import App
from keyless.local.wire.http.response import Response
from keyless.local.wire.http.router import Route, Router

if TYPE_CHECKING:
    from collections.abc import Callable

    from keyless.local.wire.http.request import Request


def revocation_app(roots_list: bytes, servers_list: Callable[[], bytes]) -> App:
    """Return what serves the lists.

    Args:
        roots_list: The root's list, made when its key was still there.
        servers_list: Makes the intermediate's.
    """

    async def roots(_: Request) -> Response:
        return _listed(roots_list)

    async def servers(_: Request) -> Response:
        return _listed(servers_list())

    return App(Router([Route("GET", ROOTS_LIST, roots), Route("GET", SERVERS_LIST, servers)]).answer)


def _listed(content: bytes) -> Response:
    return Response(body=content, content_type="application/pkix-crl")
