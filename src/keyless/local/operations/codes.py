"""The error codes that the services give: types hold the wire to them, and filters of the journal refuse all others."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.operations.operation import Kind

VaultCode = Literal[
    "AccessDenied",
    "BadParameter",
    "CertificateDisabled",
    "CertificateIssuerNotFound",
    "CertificateNotFound",
    "Conflict",
    "ContactsNotFound",
    "Forbidden",
    "ForbiddenByConnection",
    "ForbiddenByFirewall",
    "ForbiddenByNsp",
    "ForbiddenByPolicy",
    "ForbiddenByRbac",
    "KeyDisabled",
    "KeyExpired",
    "KeyManagedByKeyVault",
    "KeyNotFound",
    "KeyNotYetValid",
    "KeyOperationForbidden",
    "KeyTypeNotSupported",
    "Malformed backup blob",
    "MethodNotAllowed",
    "NotFound",
    "NotSupported",
    "ObjectIsBeingDeleted",
    "ObjectIsBeingRecovered",
    "ObjectIsDeletedButRecoverable",
    "PendingCertificateNotFound",
    "SecretDisabled",
    "SecretManagedByKeyVault",
    "SecretNotFound",
    "Throttled",
    "Unauthorized",
]
IdentityCode = Literal[
    "ArgumentNullOrEmpty",
    "AudienceNotSupported",
    "InternalServerError",
    "InvalidApiVersion",
    "ManagedIdentityNotFound",
    "Not Found",
    "SecretHeaderNotFound",
    "Unauthorized",
    "bad_request_102",
    "identity_not_found",
    "invalid_client",
    "invalid_request",
    "invalid_resource",
    "invalid_scope",
    "unauthorized_client",
    "unknown",
    "unsupported_grant_type",
]
ManagementCode = Literal[
    "AuthenticationFailed",
    "AuthorizationFailed",
    "BadRequest",
    "Conflict",
    "ConflictError",
    "DeletedVaultNotFound",
    "DeploymentFailed",
    "DeploymentNotFound",
    "ExpiredAuthenticationToken",
    "InvalidApiVersionParameter",
    "InvalidAuthenticationToken",
    "InvalidAuthenticationTokenAudience",
    "InvalidAuthenticationTokenTenant",
    "InvalidFilterInQueryString",
    "InvalidRequestContent",
    "InvalidResourceLocation",
    "InvalidResourceType",
    "InvalidRoleDefinitionId",
    "InvalidTemplate",
    "InvalidTemplateDeployment",
    "KeyVaultParameterReferenceSecretRetrieveFailed",
    "LinkedAuthorizationFailed",
    "LocationRequired",
    "MethodNotAllowed",
    "MissingApiVersionParameter",
    "MissingSubscriptionRegistration",
    "NotFound",
    "ParentResourceNotFound",
    "PrincipalNotFound",
    "ResourceDeploymentFailure",
    "ResourceGroupNotFound",
    "ResourceNotFound",
    "RoleAssignmentExists",
    "RoleAssignmentNotFound",
    "RoleAssignmentUpdateNotPermitted",
    "RoleDefinitionDoesNotExist",
    "RoleDefinitionHasAssignments",
    "RoleDefinitionWithSameNameExists",
    "SecretNotFound",
    "SubscriptionNotFound",
    "VaultAlreadyExists",
    "VaultNameNotValid",
]
GraphCode = Literal[
    "BadRequest",
    "InvalidAuthenticationToken",
    "Request_BadRequest",
    "Request_ResourceNotFound",
    "Request_UnsupportedQuery",
]
FaultCode = Literal["Fault"]
"""What the journal gives where a fault struck that has no code of Azure's own."""

CODES: Final[tuple[str, ...]] = tuple(
    dict.fromkeys(
        name for codes in (VaultCode, IdentityCode, ManagementCode, GraphCode, FaultCode) for name in get_args(codes)
    )
)
DISABLED: Final[Mapping[Kind, VaultCode]] = MappingProxyType(
    {"secret": "SecretDisabled", "key": "KeyDisabled", "certificate": "CertificateDisabled"}
)
NOT_FOUND: Final[Mapping[Kind, VaultCode]] = MappingProxyType(
    {"secret": "SecretNotFound", "key": "KeyNotFound", "certificate": "CertificateNotFound"}
)
