"""The authority as a site: every path of it that answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keyless.local.wire.entra.openid import OpenId
from keyless.local.wire.entra.token import TokenEndpoint
from keyless.local.wire.http.router import Route, Router

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.wire.http.response import Handler


def authority(azure: Azure, *, url: str) -> Handler:
    """Return what answers for the authority: its token endpoint, and what is published of tokens.

    Args:
        azure: The local Azure whose authority it is.
        url: Its address, which must be https.
    """
    endpoints = {**OpenId(azure, url=url).endpoints(), **TokenEndpoint(azure, url=url).endpoints()}
    return Router(Route("*", path, handler) for path, handler in endpoints.items()).answer
