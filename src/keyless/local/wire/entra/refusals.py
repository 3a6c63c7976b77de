"""Microsoft Entra ID's refusals to a client that does not get a token, with its AADSTS numbers.

https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyless.local.wire.identity.endpoint import entra_refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keyless.local.azure.azure import Azure
    from keyless.local.azure.identities.assertions import Distrusted, Problem
    from keyless.local.operations.codes import IdentityCode
    from keyless.local.wire.identity.endpoint import RefusedError

_CHECK = (
    "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. "
    "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
)
_REVIEW = (
    "Review the documentation at "
    "https://docs.microsoft.com/azure/active-directory/develop/active-directory-certificate-credentials ."
)
_MALFORMED = (50027, "JWT token is invalid or malformed.")
_TIME = (700024, "Client assertion is not within its valid time range.")
_FEDERATED: Final[Mapping[Problem, tuple[int, str]]] = {
    "malformed": _MALFORMED,
    "key": (50013, "Assertion failed signature validation. [Reason - The key was not found.]"),
    "signature": (50013, "Assertion failed signature validation."),
    "time": _TIME,
    "issuer": (
        700211,
        f"No matching federated identity record found for presented assertion issuer '{{found}}'. {_CHECK}",
    ),
    "audience": (
        700212,
        f"No matching federated identity record found for presented assertion audience '{{found}}'. {_CHECK}",
    ),
    "subject": (
        700213,
        f"No matching federated identity record found for presented assertion subject '{{found}}'. {_CHECK}",
    ),
}
_CERTIFIED: Final[Mapping[Problem, tuple[int, str]]] = {
    "malformed": _MALFORMED,
    "key": (
        700027,
        (
            "The certificate with identifier used to sign the client assertion is not registered on application. "
            "[Reason - The key was not found., Thumbprint of key used by client: '{found}', Please visit the Azure Portal, "
            "Graph Explorer or directly use MS Graph to see configured keys for app Id '{client_id}'.]"
        ),
    ),
    "signature": (
        700027,
        (
            "Client assertion contains an invalid signature. [Reason - The provided signature value did not match the "
            "expected signature value.]"
        ),
    ),
    "time": _TIME,
    "issuer": _MALFORMED,
    "audience": (700023, f"Client assertion audience claim does not match Realm issuer. {_REVIEW}"),
    "subject": (700021, f"Client assertion application identifier doesn't match 'client_id' parameter. {_REVIEW}"),
}


def refused(azure: Azure, status: int, error: IdentityCode, number: int, text: str, *, why: str = "") -> RefusedError:
    """Return a refusal, of which the journal says the same and ``why``."""
    return entra_refusal(azure, status, error, number, text, reason=f"AADSTS{number}: {text}{why}")


def missing_field(azure: Azure, name: str) -> RefusedError:
    """Return the refusal of a request that lacks a parameter."""
    text = f"The request body must contain the following parameter: '{name}'."
    return refused(azure, 400, "invalid_request", 900144, text)


def unknown_client(azure: Azure, client_id: str) -> RefusedError:
    """Return the refusal of a client that the tenant does not have."""
    text = (
        f"Application with identifier '{client_id[:80]}' was not found in the directory '{azure.tenant_id}'. "
        "This can happen if the application has not been installed by the administrator of the tenant or consented "
        "to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
    )
    return refused(azure, 400, "unauthorized_client", 700016, text)


def distrusted_federated(azure: Azure, found: Distrusted, *, why: str = "") -> RefusedError:
    """Return the refusal of another issuer's token."""
    number, text = _FEDERATED[found.problem]
    return refused(azure, 401, "invalid_client", number, text.format(found=found.found[:200]), why=why)


def distrusted_certified(azure: Azure, found: Distrusted, client_id: str) -> RefusedError:
    """Return the refusal of what was signed with a certificate's key, or with another key."""
    number, text = _CERTIFIED[found.problem]
    said = text.format(found=found.found[:80], client_id=client_id)
    return refused(azure, 401, "invalid_client", number, said)


def wrong_secret(azure: Azure, client_id: str, *, expired: bool) -> RefusedError:
    """Return the refusal of a client secret."""
    number, text = (
        7000215,
        (
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not "
            f"the client secret ID, for a secret added to app '{client_id}'."
        ),
    )
    if expired:
        number, text = (
            7000222,
            (
                f"The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new "
                "keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added "
                "security: https://aka.ms/certCreds."
            ),
        )
    return refused(azure, 401, "invalid_client", number, text)
