"""Everything in the subscription by type and name, and the services that it is registered for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyless.local.azure.management import bodies, groups, identities, inert, kept_sites, sites, vaults
from keyless.local.azure.management.deployments import records
from keyless.local.azure.management.refusals import ArmError, not_registered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.azure.management.bodies import Body

# Each service with its types, and the newest version of its API.
PROVIDERS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "Microsoft.Authorization": (("roleAssignments", "roleDefinitions", "permissions"), "2022-04-01"),
    "Microsoft.KeyVault": (
        (
            *("vaults", "vaults/secrets", "vaults/accessPolicies", "deletedVaults", "checkNameAvailability"),
            *("locations", "locations/deletedVaults", "locations/operationResults", "managedHSMs"),
        ),
        "2026-02-01",
    ),
    "Microsoft.ManagedIdentity": (
        ("userAssignedIdentities", "userAssignedIdentities/federatedIdentityCredentials", "identities"),
        "2024-11-30",
    ),
    "Microsoft.Resources": (
        (
            "subscriptions",
            "resourceGroups",
            "resources",
            "tenants",
            "locations",
            "deployments",
            "deployments/operations",
        ),
        "2025-04-01",
    ),
    "Microsoft.Web": (("sites", "sites/config"), "2025-05-01"),
}


def list_resources(azure: Azure, group: str | None = None) -> list[Body]:
    """Return the resources of the subscription, or of a group in it: those that are inside no other."""
    found = [
        *vaults.list_vaults(azure, group),
        *identities.list_identities(azure, group),
        *sites.list_sites(azure, group),
        *kept_sites.list_sites(azure, group),
        *inert.list_inert(azure, group),
    ]
    shown = ("id", "name", "type", "location", "tags", "kind", "sku", "identity")
    return [
        {
            **{name: each[name] for name in shown if name in each},
            "location": bodies.short_name(each["location"]),
        }
        for each in found
    ]


def list_providers(azure: Azure) -> list[Body]:
    """Return the services that the subscription is registered for."""
    return [get_provider(azure, namespace) for namespace in PROVIDERS]


def provider_named(namespace: str) -> str:
    """Return the namespace of a service as it is spelled.

    Raises:
        ArmError: If the local Azure does not have it.
    """
    found = next((known for known in PROVIDERS if known.lower() == namespace.lower()), None)
    if found is None:
        raise not_registered(namespace)
    return found


def get_provider(azure: Azure, namespace: str) -> Body:
    """Return a service; one that the local Azure does not have is not registered."""
    try:
        spelled = provider_named(namespace)
    except ArmError:
        return _provider(azure, namespace, "NotRegistered", [])
    types, version = PROVIDERS[spelled]
    places = [bodies.display_name(each) for each in bodies.LOCATIONS]
    described = [
        {"resourceType": each, "locations": places, "apiVersions": [version], "defaultApiVersion": version}
        for each in types
    ]
    return _provider(azure, spelled, "Registered", described)


def delete_group(azure: Azure, name: str) -> None:
    """Delete a resource group with all that is in it: vaults can be recovered once the group is there again.

    Raises:
        ArmError: If there is none, or it holds the function app, which the local Azure always has.
    """
    found = groups.get_group(azure, name)["name"]
    if sites.list_sites(azure, found):
        message = f"The resource group '{found}' holds the function app, which the local Azure does not delete."
        raise ArmError(409, "Conflict", message)
    for vault in vaults.list_vaults(azure, found):
        vaults.delete_vault(azure, found, vault["name"])
    for identity in identities.list_identities(azure, found):
        identities.delete_identity(azure, found, identity["name"])
    for site in kept_sites.list_sites(azure, found):
        kept_sites.delete_site(azure, found, site["name"])
    inert.delete_all(azure, found)
    records.forget_all(azure, found)
    azure.documents.put(groups.group_id(azure, found), None)


def _provider(azure: Azure, namespace: str, state: str, types: list[Body]) -> Body:
    return {
        "id": f"/subscriptions/{azure.subscription_id}/providers/{namespace}",
        "namespace": namespace,
        "registrationState": state,
        "registrationPolicy": "RegistrationRequired",
        "resourceTypes": types,
    }
