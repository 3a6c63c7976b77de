"""Identities, applications and groups as Microsoft Graph shows them.

https://learn.microsoft.com/en-us/graph/api/resources/serviceprincipal
https://learn.microsoft.com/en-us/graph/api/resources/application
https://learn.microsoft.com/en-us/graph/api/resources/group
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from keyless.local.azure.identities.application import FOREVER, Application
from keyless.local.azure.identities.assertions import thumbprint
from keyless.local.azure.identities.directory import Group
from keyless.local.azure.identities.managed_identity import derived_guid

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure, Identity

    Body = dict[str, Any]

TYPE: Final = "@odata.type"
_KEY_VAULT: Final = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
_MICROSOFT: Final = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"


def registration_id(application: Application) -> str:
    """Return the object id of an application itself, which is another than that of its service principal."""
    return derived_guid("registration", application.client_id)


def described(azure: Azure, found: Identity | Application | Group) -> Body:
    """Return whom a role can be given to, with its type."""
    if isinstance(found, Group):
        return {TYPE: "#microsoft.graph.group", **group(found)}
    return {TYPE: "#microsoft.graph.servicePrincipal", **service_principal(azure, found)}


def service_principal(azure: Azure, found: Identity | Application) -> Body:
    """Return the service principal of an application, or of a managed identity."""
    own = isinstance(found, Application)
    names = [] if isinstance(found, Application) else [f"isExplicit={found.kind == 'user'}", found.resource_id]
    return {
        "id": found.object_id,
        "accountEnabled": True,
        "alternativeNames": names,
        "appDisplayName": found.name if own else None,
        "appId": found.client_id,
        "appOwnerOrganizationId": azure.tenant_id if own else None,
        "displayName": found.name,
        "servicePrincipalNames": [found.client_id],
        "servicePrincipalType": "Application" if own else "ManagedIdentity",
        "tags": [],
    }


def key_vault() -> Body:
    """Return the service principal of Key Vault itself, by which one sees that a tenant knows the service.

    https://learn.microsoft.com/en-us/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in
    """
    return {
        "id": derived_guid("service principal", _KEY_VAULT),
        "accountEnabled": True,
        "alternativeNames": [],
        "appDisplayName": "Azure Key Vault",
        "appId": _KEY_VAULT,
        "appOwnerOrganizationId": _MICROSOFT,
        "displayName": "Azure Key Vault",
        "servicePrincipalNames": [_KEY_VAULT, "https://vault.azure.net"],
        "servicePrincipalType": "Application",
        "tags": [],
    }


def application(found: Application) -> Body:
    """Return an application; of its secrets it shows their ids alone."""
    return {
        "id": registration_id(found),
        "appId": found.client_id,
        "displayName": found.name,
        "identifierUris": [],
        "signInAudience": "AzureADMyOrg",
        "keyCredentials": [
            {
                "customKeyIdentifier": thumbprint(each),
                "displayName": each.subject.rfc4514_string(),
                "endDateTime": f"{each.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
                "key": None,
                "keyId": derived_guid("key", thumbprint(each)),
                "startDateTime": f"{each.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}",
                "type": "AsymmetricX509Cert",
                "usage": "Verify",
            }
            for each in found.certificates
        ],
        "passwordCredentials": [password(each.id, each.expires_on) for each in found.secrets],
    }


def password(key_id: str, expires_on: float) -> Body:
    """Return what is shown of a client secret."""
    ends = None if expires_on == FOREVER else f"{datetime.fromtimestamp(expires_on, UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {"displayName": None, "endDateTime": ends, "hint": None, "keyId": key_id, "secretText": None}


def group(found: Group) -> Body:
    """Return a group."""
    return {
        "id": found.object_id,
        "displayName": found.name,
        "description": None,
        "groupTypes": [],
        "mailEnabled": False,
        "mailNickname": found.name,
        "securityEnabled": True,
    }
