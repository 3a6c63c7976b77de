"""Just enough of Azure Resource Manager for ``az login``, until the whole of it is here: this module goes then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure


def arm_app(azure: Azure) -> web.Application:
    """Make the application that tells the one subscription and its tenant."""

    async def subscriptions(_: web.Request) -> web.Response:
        found = {
            "id": f"/subscriptions/{azure.subscription_id}",
            "subscriptionId": azure.subscription_id,
            "tenantId": azure.tenant_id,
            "displayName": "Local Azure",
            "state": "Enabled",
        }
        return web.json_response({"value": [found]})

    async def tenants(_: web.Request) -> web.Response:
        return web.json_response({"value": [{"id": f"/tenants/{azure.tenant_id}", "tenantId": azure.tenant_id}]})

    app = web.Application()
    app.add_routes([web.get("/subscriptions", subscriptions), web.get("/tenants", tenants)])
    return app
