"""The operations of the management plane: where each is on the wire, and the action that a role must allow for it.

https://learn.microsoft.com/en-us/azure/role-based-access-control/resource-provider-operations
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping


class ManagementOperation(Record, frozen=True):
    """An operation of the management plane.

    Attributes:
        name: Its name in the journal.
        method: Its HTTP method.
        path: Its path in lower case, with ``{subscription}``, ``{group}``, ``{name}`` and ``{child}`` in the place of what
            the caller names; ``{scope}`` before a path stands for the ARM id of anything.
        action: The action that the caller's role must allow; empty where everybody in the tenant may do it, or where the
            answer holds only what the caller may read.
        since: The oldest API version that knows it.
        latest: The newest.
    """

    name: str
    method: str
    path: str
    action: str
    since: str
    latest: str


_S: Final = "/subscriptions/{subscription}"
_G: Final = f"{_S}/resourcegroups/{{group}}"
_Row = tuple[str, str, str, str]


def _operations(since: str, latest: str, *rows: _Row) -> tuple[ManagementOperation, ...]:
    return tuple(ManagementOperation(name, method, path, action, since, latest) for name, method, path, action in rows)


_RESOURCES = "Microsoft.Resources"
_ON_RESOURCES = _operations(
    "2014-04-01",
    "2026-06-01",
    ("getCloudMetadata", "GET", "/metadata/endpoints", ""),
    ("listTenants", "GET", "/tenants", ""),
    ("listSubscriptions", "GET", "/subscriptions", ""),
    ("getSubscription", "GET", _S, f"{_RESOURCES}/subscriptions/read"),
    ("listLocations", "GET", f"{_S}/locations", f"{_RESOURCES}/subscriptions/locations/read"),
    ("listResourceGroups", "GET", f"{_S}/resourcegroups", ""),
    ("checkResourceGroup", "HEAD", _G, f"{_RESOURCES}/subscriptions/resourceGroups/read"),
    ("getResourceGroup", "GET", _G, f"{_RESOURCES}/subscriptions/resourceGroups/read"),
    ("putResourceGroup", "PUT", _G, f"{_RESOURCES}/subscriptions/resourceGroups/write"),
    ("updateResourceGroup", "PATCH", _G, f"{_RESOURCES}/subscriptions/resourceGroups/write"),
    ("deleteResourceGroup", "DELETE", _G, f"{_RESOURCES}/subscriptions/resourceGroups/delete"),
    ("listResources", "GET", f"{_S}/resources", ""),
    ("listResources", "GET", f"{_G}/resources", ""),
    ("listProviders", "GET", f"{_S}/providers", f"{_RESOURCES}/subscriptions/providers/read"),
    ("getProvider", "GET", f"{_S}/providers/{{name}}", f"{_RESOURCES}/subscriptions/providers/read"),
    ("registerProvider", "POST", f"{_S}/providers/{{name}}/register", "{name}/register/action"),
    ("getOperationResult", "GET", f"{_S}/operationresults/{{name}}", ""),
)
_DEPLOYMENTS, _DEPLOYED = "Microsoft.Resources/deployments", f"{_G}/providers/microsoft.resources/deployments"
_DEPLOYMENT, _SHORT = f"{_DEPLOYED}/{{name}}", f"{_G}/deployments/{{name}}"
_ON_DEPLOYMENTS = _operations(
    "2014-04-01",
    "2026-06-01",
    ("listDeployments", "GET", _DEPLOYED, f"{_DEPLOYMENTS}/read"),
    ("checkDeployment", "HEAD", _DEPLOYMENT, f"{_DEPLOYMENTS}/read"),
    ("getDeployment", "GET", _DEPLOYMENT, f"{_DEPLOYMENTS}/read"),
    ("putDeployment", "PUT", _DEPLOYMENT, f"{_DEPLOYMENTS}/write"),
    ("deleteDeployment", "DELETE", _DEPLOYMENT, f"{_DEPLOYMENTS}/delete"),
    ("cancelDeployment", "POST", f"{_DEPLOYMENT}/cancel", f"{_DEPLOYMENTS}/cancel/action"),
    ("validateDeployment", "POST", f"{_DEPLOYMENT}/validate", f"{_DEPLOYMENTS}/validate/action"),
    ("whatIfDeployment", "POST", f"{_DEPLOYMENT}/whatif", f"{_DEPLOYMENTS}/whatIf/action"),
    ("getWhatIfResult", "GET", f"{_DEPLOYMENT}/whatifresults/{{child}}", f"{_DEPLOYMENTS}/whatIf/action"),
    ("exportTemplate", "POST", f"{_DEPLOYMENT}/exporttemplate", f"{_DEPLOYMENTS}/exportTemplate/action"),
    ("listDeploymentOperations", "GET", f"{_DEPLOYMENT}/operations", f"{_DEPLOYMENTS}/operations/read"),
    ("getDeploymentOperation", "GET", f"{_DEPLOYMENT}/operations/{{child}}", f"{_DEPLOYMENTS}/operations/read"),
    ("listDeploymentOperations", "GET", f"{_SHORT}/operations", f"{_DEPLOYMENTS}/operations/read"),
    ("getDeploymentOperation", "GET", f"{_SHORT}/operations/{{child}}", f"{_DEPLOYMENTS}/operations/read"),
    (
        "getDeploymentStatus",
        "GET",
        f"{_DEPLOYMENT}/operationstatuses/{{child}}",
        f"{_DEPLOYMENTS}/operationstatuses/read",
    ),
)
_KEY_VAULT, _KV = "Microsoft.KeyVault", "/providers/microsoft.keyvault"
_VAULT = f"{_G}{_KV}/vaults/{{name}}"
_DELETED = f"{_S}{_KV}/locations/{{location}}/deletedvaults/{{name}}"
_ON_VAULTS = _operations(
    "2015-06-01",
    "2026-05-15",
    ("listVaults", "GET", f"{_S}{_KV}/vaults", f"{_KEY_VAULT}/vaults/read"),
    ("listVaults", "GET", f"{_G}{_KV}/vaults", f"{_KEY_VAULT}/vaults/read"),
    ("getVault", "GET", _VAULT, f"{_KEY_VAULT}/vaults/read"),
    ("putVault", "PUT", _VAULT, f"{_KEY_VAULT}/vaults/write"),
    ("updateVault", "PATCH", _VAULT, f"{_KEY_VAULT}/vaults/write"),
    ("deleteVault", "DELETE", _VAULT, f"{_KEY_VAULT}/vaults/delete"),
    ("updateAccessPolicy", "PUT", f"{_VAULT}/accesspolicies/{{child}}", f"{_KEY_VAULT}/vaults/accessPolicies/write"),
    ("listVaultSecrets", "GET", f"{_VAULT}/secrets", f"{_KEY_VAULT}/vaults/secrets/read"),
    ("getVaultSecret", "GET", f"{_VAULT}/secrets/{{child}}", f"{_KEY_VAULT}/vaults/secrets/read"),
    ("putVaultSecret", "PUT", f"{_VAULT}/secrets/{{child}}", f"{_KEY_VAULT}/vaults/secrets/write"),
    ("updateVaultSecret", "PATCH", f"{_VAULT}/secrets/{{child}}", f"{_KEY_VAULT}/vaults/secrets/write"),
    ("listDeletedVaults", "GET", f"{_S}{_KV}/deletedvaults", f"{_KEY_VAULT}/deletedVaults/read"),
    ("getDeletedVault", "GET", _DELETED, f"{_KEY_VAULT}/locations/deletedVaults/read"),
    ("purgeVault", "POST", f"{_DELETED}/purge", f"{_KEY_VAULT}/locations/deletedVaults/purge/action"),
    (
        "getVaultOperationResult",
        "GET",
        f"{_S}{_KV}/locations/{{location}}/operationresults/{{name}}",
        f"{_KEY_VAULT}/locations/operationResults/read",
    ),
    ("checkVaultName", "POST", f"{_S}{_KV}/checknameavailability", f"{_KEY_VAULT}/checkNameAvailability/read"),
    ("checkHsmName", "POST", f"{_S}{_KV}/checkmhsmnameavailability", f"{_KEY_VAULT}/checkMhsmNameAvailability/read"),
    ("listManagedHsms", "GET", f"{_S}{_KV}/managedhsms", f"{_KEY_VAULT}/managedHSMs/read"),
    ("listManagedHsms", "GET", f"{_G}{_KV}/managedhsms", f"{_KEY_VAULT}/managedHSMs/read"),
    ("listDeletedManagedHsms", "GET", f"{_S}{_KV}/deletedmanagedhsms", f"{_KEY_VAULT}/deletedManagedHsms/read"),
)
_AUTH, _SCOPED = "Microsoft.Authorization", "{scope}/providers/microsoft.authorization"
_ON_ROLES = _operations(
    "2015-07-01",
    "2022-05-01-preview",
    ("listRoleAssignments", "GET", f"{_SCOPED}/roleassignments", f"{_AUTH}/roleAssignments/read"),
    ("getRoleAssignment", "GET", f"{_SCOPED}/roleassignments/{{name}}", f"{_AUTH}/roleAssignments/read"),
    ("putRoleAssignment", "PUT", f"{_SCOPED}/roleassignments/{{name}}", f"{_AUTH}/roleAssignments/write"),
    ("deleteRoleAssignment", "DELETE", f"{_SCOPED}/roleassignments/{{name}}", f"{_AUTH}/roleAssignments/delete"),
    # Who may not read them can still ask: az looks a role up by its name before it assigns it.
    ("listRoleDefinitions", "GET", f"{_SCOPED}/roledefinitions", f"{_AUTH}/roleDefinitions/read"),
    ("getRoleDefinition", "GET", f"{_SCOPED}/roledefinitions/{{name}}", f"{_AUTH}/roleDefinitions/read"),
    ("putRoleDefinition", "PUT", f"{_SCOPED}/roledefinitions/{{name}}", f"{_AUTH}/roleDefinitions/write"),
    ("deleteRoleDefinition", "DELETE", f"{_SCOPED}/roledefinitions/{{name}}", f"{_AUTH}/roleDefinitions/delete"),
    ("listPermissions", "GET", f"{_SCOPED}/permissions", f"{_AUTH}/permissions/read"),
)
_MI, _UAI = (
    "Microsoft.ManagedIdentity/userAssignedIdentities",
    "/providers/microsoft.managedidentity/userassignedidentities",
)
_CREDENTIALS = f"{_G}{_UAI}/{{name}}/federatedidentitycredentials"
_ON_IDENTITIES = _operations(
    "2015-08-31-preview",
    "2025-05-31-preview",
    ("listIdentities", "GET", f"{_S}{_UAI}", f"{_MI}/read"),
    ("listIdentities", "GET", f"{_G}{_UAI}", f"{_MI}/read"),
    ("getIdentity", "GET", f"{_G}{_UAI}/{{name}}", f"{_MI}/read"),
    ("putIdentity", "PUT", f"{_G}{_UAI}/{{name}}", f"{_MI}/write"),
    ("updateIdentity", "PATCH", f"{_G}{_UAI}/{{name}}", f"{_MI}/write"),
    ("deleteIdentity", "DELETE", f"{_G}{_UAI}/{{name}}", f"{_MI}/delete"),
    ("listFederatedCredentials", "GET", _CREDENTIALS, f"{_MI}/federatedIdentityCredentials/read"),
    ("getFederatedCredential", "GET", f"{_CREDENTIALS}/{{child}}", f"{_MI}/federatedIdentityCredentials/read"),
    ("putFederatedCredential", "PUT", f"{_CREDENTIALS}/{{child}}", f"{_MI}/federatedIdentityCredentials/write"),
    ("deleteFederatedCredential", "DELETE", f"{_CREDENTIALS}/{{child}}", f"{_MI}/federatedIdentityCredentials/delete"),
    (
        "getSystemIdentity",
        "GET",
        "{scope}/providers/microsoft.managedidentity/identities/default",
        "Microsoft.ManagedIdentity/identities/read",
    ),
)
_SITES, _WEB = "Microsoft.Web/sites", "/providers/microsoft.web/sites"
_SITE = f"{_G}{_WEB}/{{name}}"
_ON_SITES = _operations(
    "2015-08-01",
    "2025-05-01",
    ("listSites", "GET", f"{_S}{_WEB}", f"{_SITES}/read"),
    ("listSites", "GET", f"{_G}{_WEB}", f"{_SITES}/read"),
    ("getSite", "GET", _SITE, f"{_SITES}/read"),
    ("putSite", "PUT", _SITE, f"{_SITES}/write"),
    ("updateSite", "PATCH", _SITE, f"{_SITES}/write"),
    ("deleteSite", "DELETE", _SITE, f"{_SITES}/delete"),
    ("restartSite", "POST", f"{_SITE}/restart", f"{_SITES}/restart/action"),
    ("listPublishingProfiles", "POST", f"{_SITE}/publishxml", f"{_SITES}/publishxml/action"),
    ("getSiteConfig", "GET", f"{_SITE}/config/web", f"{_SITES}/config/read"),
    ("listAppSettings", "POST", f"{_SITE}/config/appsettings/list", f"{_SITES}/config/list/action"),
    ("putAppSettings", "PUT", f"{_SITE}/config/appsettings", f"{_SITES}/config/write"),
    ("getSlotNames", "GET", f"{_SITE}/config/slotconfignames", f"{_SITES}/config/read"),
    ("listHostKeys", "POST", f"{_SITE}/host/default/listkeys", f"{_SITES}/host/listkeys/action"),
)
_INERT = "what a deployment keeps of other services, at its ARM id"
INERT_OPERATIONS: Final[Mapping[str, ManagementOperation]] = MappingProxyType(
    {
        method: ManagementOperation(f"{method.lower()}KeptResource", method, _INERT, "", "2014-01-01", "2030-01-01")
        for method in ("GET", "PUT", "DELETE")
    }
)
"""The operations on resources of other services. The action is that of the type."""
MANAGEMENT_OPERATIONS: Final = (
    *_ON_RESOURCES,
    *_ON_DEPLOYMENTS,
    *_ON_VAULTS,
    *_ON_ROLES,
    *_ON_IDENTITIES,
    *_ON_SITES,
)
"""A fixed path comes before one with a placeholder, because the first that fits counts."""
