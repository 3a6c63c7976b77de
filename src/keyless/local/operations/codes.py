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
    "CertificateNotFound",
    "Conflict",
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
    "SecretDisabled",
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
    dict.fromkeys((*get_args(VaultCode), *get_args(IdentityCode), *get_args(GraphCode), *get_args(FaultCode)))
)
DISABLED: Final[Mapping[Kind, VaultCode]] = MappingProxyType(
    {"secret": "SecretDisabled", "key": "KeyDisabled", "certificate": "CertificateDisabled"}
)
NOT_FOUND: Final[Mapping[Kind, VaultCode]] = MappingProxyType(
    {"secret": "SecretNotFound", "key": "KeyNotFound", "certificate": "CertificateNotFound"}
)
