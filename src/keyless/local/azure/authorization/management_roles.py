"""The built-in roles of the management plane. None gives a right to what is in a vault: the most frequent surprise.

https://learn.microsoft.com/en-us/azure/role-based-access-control/built-in-roles
"""

from __future__ import annotations

from typing import Final

from keyless.local.azure.authorization.role import Role

_RESOURCES: Final = (
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
)
_IDENTITIES: Final = "Microsoft.ManagedIdentity/userAssignedIdentities/"
_BLOBS: Final = "Microsoft.Storage/storageAccounts/blobServices/"
MANAGEMENT_ROLES = (
    Role("Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", (), ("*",)),
    Role(
        "Contributor",
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
        (),
        ("*",),
        (
            *("Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"),
            *("Microsoft.Authorization/elevateAccess/Action", "Microsoft.Blueprint/blueprintAssignments/write"),
            *("Microsoft.Blueprint/blueprintAssignments/delete", "Microsoft.Compute/galleries/share/action"),
        ),
    ),
    Role("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7", (), ("*/read",)),
    Role(
        "User Access Administrator",
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        (),
        ("*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"),
    ),
    Role(
        "Role Based Access Control Administrator",
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        (),
        (
            *("Microsoft.Authorization/roleAssignments/write", "Microsoft.Authorization/roleAssignments/delete"),
            *("*/read", "Microsoft.Support/*"),
        ),
    ),
    Role(
        "Managed Identity Contributor",
        "e40ec5ca-96e0-45a2-b4ff-59039f2c2b59",
        (),
        (
            *(f"{_IDENTITIES}read", f"{_IDENTITIES}write", f"{_IDENTITIES}delete"),
            *(f"{_IDENTITIES}federatedIdentityCredentials/*", *_RESOURCES),
        ),
    ),
    Role(
        "Managed Identity Operator",
        "f1a07417-d97a-45cb-824c-7a7467783830",
        (),
        (f"{_IDENTITIES}*/read", f"{_IDENTITIES}*/assign/action", *_RESOURCES),
    ),
    Role(
        "Website Contributor",
        "de139f84-1756-47ae-9be6-808fbbe84772",
        (),
        (*_RESOURCES, "Microsoft.Web/certificates/*", "Microsoft.Web/serverFarms/join/action", "Microsoft.Web/sites/*"),
    ),
    # What templates of function apps assign on resources that the local Azure only keeps.
    Role(
        "Storage Blob Data Owner",
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        (f"{_BLOBS}containers/blobs/*",),
        (f"{_BLOBS}containers/*", f"{_BLOBS}generateUserDelegationKey/action"),
    ),
    Role(
        "Monitoring Metrics Publisher",
        "3913510d-42f4-4e42-8a64-420c390055eb",
        ("Microsoft.Insights/Metrics/Write", "Microsoft.Insights/Telemetry/Write"),
        (
            *("Microsoft.Insights/Register/Action", "Microsoft.Support/*"),
            "Microsoft.Resources/subscriptions/resourceGroups/read",
        ),
    ),
)
