"""Serves the lists of revoked certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from keyless.local.pki.revocation import ROOTS_LIST, SERVERS_LIST

if TYPE_CHECKING:
    from collections.abc import Callable


def revocation_app(roots_list: bytes, servers_list: Callable[[], bytes]) -> web.Application:
    """Return what serves the lists.

    Args:
        roots_list: The root's list, made when its key was still there.
        servers_list: Makes the intermediate's.
    """

    async def roots(_: web.Request) -> web.Response:
        return _listed(roots_list)

    async def servers(_: web.Request) -> web.Response:
        return _listed(servers_list())

    app = web.Application()
    app.add_routes([web.get(ROOTS_LIST, roots), web.get(SERVERS_LIST, servers)])
    return app


def _listed(content: bytes) -> web.Response:
    return web.Response(body=content, content_type="application/pkix-crl")
