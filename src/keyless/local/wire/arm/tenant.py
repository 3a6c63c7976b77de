"""Answers about the tenant, its subscription, resource groups, resources and services."""

from __future__ import annotations

import uuid
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.authorization.resource_scope import ResourceScope
from keyless.local.azure.management import bodies, groups, resources
from keyless.local.azure.management.role_assignments import is_at
from keyless.local.wire.arm.call import PAUSE, ArmAnswer, ArmCall, listed, made
from keyless.local.wire.arm.filters import read_filter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_READ_GROUP: Final = "Microsoft.Resources/subscriptions/resourceGroups/read"


def _show_metadata(_: ArmCall) -> ArmAnswer:
    """Describe the cloud, as ``az cloud register`` asks for it."""
    portal = "https://portal.azure.com"
    authority = "https://login.microsoftonline.com"
    found: dict[str, Any] = {
        "name": "AzureCloud",
        "portal": portal,
        "authentication": {
            "loginEndpoint": authority,
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "resourceManager": "https://management.azure.com/",
        "graph": "https://graph.windows.net/",
        "graphAudience": "https://graph.windows.net/",
        "microsoftGraphResourceId": "https://graph.microsoft.com/",
        "activeDirectory": authority,
        "suffixes": {
            "keyVaultDns": "vault.azure.net",
            "storage": "core.windows.net",
            "mhsmDns": "managedhsm.azure.net",
            "sqlServerHostname": "database.windows.net",
            "acrLoginServer": "azurecr.io",
        },
    }
    return ArmAnswer(200, found)


def _list_tenants(call: ArmCall) -> ArmAnswer:
    tenant = call.azure.tenant_id
    shown = {"id": f"/tenants/{tenant}", "tenantId": tenant, "tenantCategory": "Home", "displayName": "Keyless"}
    return listed([shown])


def _list_subscriptions(call: ArmCall) -> ArmAnswer:
    """Show the subscription to anyone who has a role in it or above it, whatever the role."""
    here = ResourceScope(f"/subscriptions/{call.azure.subscription_id}")
    held = call.azure.role_assignments.with_groups(call.claims.object_id)
    seen = any(is_at(each.scope, here) or is_at(here, each.scope) for each in held)
    return listed([_subscription(call)] if seen else [])


def _get_subscription(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, _subscription(call))


def _subscription(call: ArmCall) -> dict[str, Any]:
    found = call.azure.subscription_id
    return {
        "id": f"/subscriptions/{found}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": found,
        "tenantId": call.azure.tenant_id,
        "displayName": "Keyless",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def _list_locations(call: ArmCall) -> ArmAnswer:
    prefix = f"/subscriptions/{call.azure.subscription_id}/locations"
    return listed(
        [
            {
                "id": f"{prefix}/{name}",
                "name": name,
                "type": "Region",
                "displayName": bodies.display_name(name),
                "regionalDisplayName": bodies.display_name(name),
                "metadata": {"regionType": "Physical", "regionCategory": "Recommended"},
            }
            for name in bodies.LOCATIONS
        ]
    )


def _may_read(call: ArmCall, action: str, resource_id: str) -> bool:
    scope = ResourceScope(resource_id.lower())
    return call.azure.role_assignments.allows_management(call.claims.object_id, action, scope)


def _list_groups(call: ArmCall) -> ArmAnswer:
    read_filter(call.query.get("$filter")).expect()
    return listed([each for each in groups.list_groups(call.azure) if _may_read(call, _READ_GROUP, each["id"])])


def _check_group(call: ArmCall) -> ArmAnswer:
    known = (each["name"].lower() for each in groups.list_groups(call.azure))
    return ArmAnswer(204 if call.group.lower() in known else 404)


def _get_group(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, groups.get_group(call.azure, call.group))


def _put_group(call: ArmCall) -> ArmAnswer:
    return made(*groups.put_group(call.azure, call.group, call.body()))


def _update_group(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, groups.update_group(call.azure, call.group, call.body()))


def _delete_group(call: ArmCall) -> ArmAnswer:
    resources.delete_group(call.azure, call.group)
    where = f"{call.base}/subscriptions/{call.azure.subscription_id}/operationresults/{uuid.uuid4()}"
    return ArmAnswer(202, headers={"Location": f"{where}?api-version={call.api_version}", **PAUSE})


def _get_operation_result(_: ArmCall) -> ArmAnswer:
    return ArmAnswer(200)


def _list_resources(call: ArmCall) -> ArmAnswer:
    wanted = read_filter(call.query.get("$filter"))
    wanted.expect("resourcetype", "name", "resourcegroup", "location")
    found = resources.list_resources(call.azure, call.named.get("group"))
    return listed(
        [
            each
            for each in found
            if _may_read(call, f"{each['type']}/read", each["id"])
            and wanted.takes(
                {
                    "resourceType": each["type"],
                    "name": each["name"],
                    "resourceGroup": groups.group_name(each["id"]),
                    "location": each["location"],
                }
            )
        ]
    )


def _list_providers(call: ArmCall) -> ArmAnswer:
    return listed(resources.list_providers(call.azure))


def _get_provider(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, resources.get_provider(call.azure, call.name))


def _register_provider(call: ArmCall) -> ArmAnswer:
    return ArmAnswer(200, resources.get_provider(call.azure, resources.provider_named(call.name)))


HANDLERS: Final[Mapping[str, Callable[[ArmCall], ArmAnswer]]] = MappingProxyType(
    {
        "getCloudMetadata": _show_metadata,
        "listTenants": _list_tenants,
        "listSubscriptions": _list_subscriptions,
        "getSubscription": _get_subscription,
        "listLocations": _list_locations,
        "listResourceGroups": _list_groups,
        "checkResourceGroup": _check_group,
        "getResourceGroup": _get_group,
        "putResourceGroup": _put_group,
        "updateResourceGroup": _update_group,
        "deleteResourceGroup": _delete_group,
        "listResources": _list_resources,
        "listProviders": _list_providers,
        "getProvider": _get_provider,
        "registerProvider": _register_provider,
        "getOperationResult": _get_operation_result,
    }
)
