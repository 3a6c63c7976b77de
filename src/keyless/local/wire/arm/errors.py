"""The answers by which Azure Resource Manager refuses a caller, in the words that people quote in public where they are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyless.local.azure.identities.tokens import issuer_of
from keyless.local.azure.management.bodies import moment
from keyless.local.azure.management.refusals import ArmError

if TYPE_CHECKING:
    from keyless.local.azure.azure import Azure
    from keyless.local.azure.identities.tokens import Claims, Rejection

AUDIENCES: Final = (
    "https://management.core.windows.net/",
    "https://management.core.windows.net",
    "https://management.azure.com/",
    "https://management.azure.com",
)


def challenge(azure: Azure, error: ArmError) -> dict[str, str]:
    """Return the header that names to a client where its token must come from."""
    told = f'error="invalid_token", error_description="{error.message}"'
    authority = f"https://login.microsoftonline.com/{azure.tenant_id}"
    return {"WWW-Authenticate": f'Bearer authorization_uri="{authority}", {told}'}


def no_token() -> ArmError:
    """401: the request shows no token."""
    return ArmError(401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")


def rejected_token(azure: Azure, rejection: Rejection) -> ArmError:
    """401: the token is not good here. The text for a token that cannot be read is not known."""
    if rejection.problem == "audience":
        allowed = ",".join(f"'{audience}'" for audience in AUDIENCES)
        return ArmError(
            401,
            "InvalidAuthenticationTokenAudience",
            f"The access token has been obtained for wrong audience or resource '{rejection.found}'. It should exactly match "
            f"with one of the allowed audiences {allowed}.",
        )
    if rejection.problem == "issuer":
        return ArmError(
            401,
            "InvalidAuthenticationTokenTenant",
            f"The access token is from the wrong issuer '{rejection.found}'. It must match the tenant "
            f"'{issuer_of(azure.tenant_id)}' associated with this subscription. Please use the authority (URL) "
            f"'https://login.windows.net/{azure.tenant_id}' to get the token. Note, if the subscription is transferred to "
            "another tenant there is no impact to the services, but information about new tenant could take time to "
            "propagate (up to an hour). If you just transferred your subscription and see this error message, please try "
            "back later.",
        )
    if rejection.problem == "time":
        now = moment(azure.clock.now())
        return ArmError(
            401,
            "ExpiredAuthenticationToken",
            f"The access token has expired, or is not valid yet: it is '{now}' now.",
        )
    return ArmError(401, "InvalidAuthenticationToken", "The access token is invalid.")


def unauthorized(claims: Claims, action: str, scope: str) -> ArmError:
    """403: no role allows the action."""
    return ArmError(
        403,
        "AuthorizationFailed",
        f"The client '{claims.client_id}' with object id '{claims.object_id}' does not have authorization to perform action "
        f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your "
        "credentials.",
    )


def no_api_version() -> ArmError:
    """400: every request names one."""
    return ArmError(
        400,
        "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required for all requests.",
    )


def unknown_api_version(version: str, *, since: str, latest: str) -> ArmError:
    """400: the service does not know the version. Azure lists each one that it knows."""
    return ArmError(
        400,
        "InvalidApiVersionParameter",
        f"The api-version '{version}' is invalid. The supported versions are those from '{since}' to '{latest}'.",
    )


def method_not_allowed(method: str) -> ArmError:
    """405: something is at the path, and it does not answer the method. Azure's text is not known."""
    return ArmError(405, "MethodNotAllowed", f"The requested resource does not support http method '{method}'.")


def no_path(path: str) -> ArmError:
    """404: nothing is at the path. Azure's text is not known."""
    return ArmError(404, "NotFound", f"No operation of the management plane is at '{path[:300]}'.")
