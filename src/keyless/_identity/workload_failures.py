"""Errors for a pod to which Microsoft Entra gives no token.

Source: https://learn.microsoft.com/en-us/entra/workload-id/workload-identity-federation-considerations#errors
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import requests

from keyless._remedies.remedies import LIST_IDENTITIES, SHOW_PROXIES
from keyless._wire.deadline import too_late
from keyless._wire.error_answer import read_error
from keyless.errors import (
    IdentityRefusedError,
    IdentityServiceError,
    IdentityThrottledError,
    IdentityUnavailableError,
)

if TYPE_CHECKING:
    from keyless._identity.session import Exchange
    from keyless.errors import DeadlineExceededError, IdentityError
    from keyless.workload_identity import WorkloadIdentity

_CODE = r"\bAADSTS\d+\b"
_THROTTLED = 429
_CLIENT_ERRORS = range(400, 500)
_SERVER_ERRORS = range(500, 600)
_PAGE = "https://learn.microsoft.com/en-us/azure/aks/workload-identity-overview"
_SHOW_FEDERATION = (
    "Compare them with what the identity trusts: `az identity federated-credential list --identity-name NAME --resource-group "
    f"GROUP --output table`. NAME and GROUP are the identity's, one of: {LIST_IDENTITIES}. "
    "A new one takes effect after some minutes."
)
_CAUSES = (
    (
        ("AADSTS700211", "AADSTS700212", "AADSTS700213", "AADSTS70021"),
        "The identity trusts another cluster (issuer), audience, or service account (subject) than those of this pod.",
        _SHOW_FEDERATION,
    ),
    (
        ("AADSTS700016", "AADSTS90002"),
        "There is no such client id in that tenant, or no such tenant.",
        f"Compare the annotation azure.workload.identity/client-id of the service account with: {LIST_IDENTITIES}. {_PAGE}",
    ),
    (
        ("AADSTS700024", "AADSTS50013", "AADSTS50027"),
        "The service account's token in the file has expired, or is not one that the cluster has signed.",
        f"Start the pod again, so that the cluster writes the file: a copy does not follow it. Else look at its issuer. {_PAGE}",
    ),
    (
        ("AADSTS500011",),
        "The resource that the token was asked for is not known in this tenant.",
        "Check the vault's address, and that the tenant is that of the vault's cloud.",
    ),
)


def explain_exchange(
    identity: WorkloadIdentity, exchange: Exchange, problem: Exception | None
) -> IdentityError | DeadlineExceededError:
    """Return the error that says why there is no token.

    Args:
        identity: The identity.
        exchange: What was seen on the wire.
        problem: What MSAL let through; None where it returned an error as a dict.
    """
    name, host = f"workload identity client_id={identity.client_id}", identity.authority_host
    # MSAL raises an HTTPError for an answer of 5xx, which is not a fault of the network.
    if exchange.status is not None and (not isinstance(problem, OSError) or isinstance(problem, requests.HTTPError)):
        return _answer(name, exchange, problem)
    if exchange.deadline.remaining <= 0:
        cause = f"{host} is slow or silent from here."
        return too_late(f"No token for the {name} came", cause=cause, where="the network and its proxy")
    return IdentityUnavailableError(
        f"No token for the {name}: {host} cannot be reached ({type(problem).__name__}).",
        cause="The network, its DNS, a proxy or TLS blocks the way to Microsoft Entra.",
        remedy=f"Allow the pod to reach that host through the network policy, the firewall and the proxy: {SHOW_PROXIES}.",
    )


def no_assertion(identity: WorkloadIdentity, why: str) -> IdentityUnavailableError:
    """Return the error for a file that holds no token of the service account."""
    return IdentityUnavailableError(
        f"The service account's token cannot be read from {identity.token_file} ({why}).",
        cause="AZURE_FEDERATED_TOKEN_FILE names a file that the webhook of workload identity mounts, and it is not there, or not "
        "for this user.",
        remedy='Give the pod the label azure.workload.identity/use: "true" and start it again. Set fsGroup in its '
        f"securityContext if it does not run as root. {_PAGE}",
    )


def _answer(name: str, exchange: Exchange, problem: Exception | None) -> IdentityError:
    status = exchange.status or 0
    answer = read_error(exchange.body, flat=True, sent=exchange.sent)
    code = next(iter(re.findall(_CODE, answer.message)), answer.code)
    quote = f": {answer.message}" if answer.message else ""
    what = f"Microsoft Entra gives no token for the {name}: {status}{quote}"
    what = what if what.endswith(".") else f"{what}."
    if status == _THROTTLED:
        return IdentityThrottledError(
            what,
            cause="Too many token requests: each process or each call makes its own.",
            remedy="Wait, and keep one SecretReader for the whole process.",
            code=code,
            status=status,
            retry_after=exchange.retry_after,
        )
    if status in _CLIENT_ERRORS:
        cause, remedy = next(
            ((cause, remedy) for codes, cause, remedy in _CAUSES if code in codes),
            (
                "Microsoft Entra refuses what the pod sends. The words above name the part.",
                f"Look up the code. {_PAGE}",
            ),
        )
        return IdentityRefusedError(what, cause=cause, remedy=remedy, code=code, status=status)
    if status in _SERVER_ERRORS:
        return IdentityServiceError(
            what,
            cause="Microsoft Entra fails or is being updated.",
            remedy="Try again in a minute; if it lasts, look at https://status.azure.com.",
            code=code,
            status=status,
            retry_after=exchange.retry_after,
        )
    return IdentityServiceError(
        f"What answers for Microsoft Entra gives no token for the {name}: {status}"
        f"{f' ({type(problem).__name__})' if problem else ''}.",
        cause="Another server answers, or something in between changed its answer.",
        remedy=f"Check AZURE_AUTHORITY_HOST, and whether a proxy is in between: {SHOW_PROXIES}.",
        status=status,
    )
