"""The authority as a site: every path of it that answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from keyless.local.wire.entra.openid import OpenId
from keyless.local.wire.entra.token import TokenEndpoint

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure


def authority_routes(azure: Azure, *, url: str) -> list[web.RouteDef]:
    """Return the routes of the authority: its token endpoint, and what is published of tokens.

    Args:
        azure: The local Azure whose authority it is.
        url: Its address, which must be https.
    """
    endpoints = {**OpenId(azure, url=url).endpoints(), **TokenEndpoint(azure, url=url).endpoints()}
    return [web.route("*", path, handler) for path, handler in endpoints.items()]
