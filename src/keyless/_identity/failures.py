"""Errors for a failed token acquisition: every answer and every exception becomes one IdentityError."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msal
import requests

from keyless._identity.choice import token_too_late
from keyless._remedies import local, remedies
from keyless._wire.error_answer import ErrorAnswer, read_error
from keyless.errors import (
    DeadlineExceededError,
    IdentityError,
    IdentityRefusedError,
    IdentityServiceError,
    IdentityThrottledError,
    IdentityUnavailableError,
)

if TYPE_CHECKING:
    from keyless._identity.session import Exchange
    from keyless._remedies.host import Host

_THROTTLED = 429
_CLIENT_ERRORS = range(400, 500)
_SERVER_ERRORS = range(500, 600)
_PASSING = frozenset({404, 408, 410})
_NOT_LET_IN = frozenset({401, 403})
# The first version of MSAL in which Service Fabric works.
_PINS_CERTIFICATE = (1, 38)
_SEVERAL = "multiple user assigned"


def explain(identity: str, exchange: Exchange, problem: Exception | None) -> IdentityError | DeadlineExceededError:
    """Return the error that says why there is no token.

    Args:
        identity: The identity, as text.
        exchange: What was seen on the wire.
        problem: What MSAL let through; None where it returned an error as a dict.
    """
    if local.source() in local.UNKNOWN_TO_MSAL:
        return IdentityUnavailableError(
            f"No token for the {identity} managed identity.",
            cause=f"This local Azure runs as {local.source()}. MSAL for Python does not support that source, and "
            "asks another one.",
            remedy=local.choose_source(),
        )
    source = source_name(exchange.source)
    if exchange.status is None or isinstance(problem, requests.RequestException):
        if exchange.deadline.remaining <= 0:
            return token_too_late(identity)
        return _no_answer(identity, exchange.source, source, problem)
    if exchange.status >= _CLIENT_ERRORS.start:
        return _error_answer(identity, source, exchange)
    return IdentityServiceError(
        f"The identity endpoint of {source} answered {exchange.status} with something that is not a token"
        f"{f' ({type(problem).__name__})' if problem else ''}.",
        cause="What answers is not the platform's identity endpoint, or its answer does not have the documented form.",
        remedy="Check where the identity variables point, and whether a proxy is in between: "
        "`env | grep -i -e endpoint -e proxy`.",
        status=exchange.status,
    )


def no_header(identity: str, source: object) -> IdentityServiceError:
    """Return the error for a token that no request can carry: it would look like a fault of the vault."""
    return IdentityServiceError(
        f"The identity endpoint of {source_name(source)} gives a token for the {identity} managed identity that is none: it has "
        "other signs than printable ASCII.",
        cause="What answers is not the platform's identity endpoint, or something in between changed its answer.",
        remedy="Check where the identity variables point, and whether a proxy is in between: "
        "`env | grep -i -e endpoint -e proxy`.",
        status=200,
    )


def source_name(source: object) -> str:
    """Return the everyday name of MSAL's constant for an identity source."""
    names = {
        msal.managed_identity.SERVICE_FABRIC: "Service Fabric",
        msal.managed_identity.APP_SERVICE: "App Service",
        msal.managed_identity.MACHINE_LEARNING: "Azure Machine Learning",
        msal.managed_identity.AZURE_ARC: "Azure Arc",
    }
    return names.get(source, "the virtual machine (IMDS)")


def _no_answer(identity: str, source: object, name: str, problem: Exception | None) -> IdentityError:
    what = f"No token for the {identity} managed identity: the identity endpoint of {name} cannot be reached"
    if isinstance(
        problem, (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema)
    ):
        return IdentityUnavailableError(
            f"{what}: its address is not a URL.",
            cause="An identity variable such as IDENTITY_ENDPOINT or AZURE_POD_IDENTITY_AUTHORITY_HOST is blank or wrong.",
            remedy="Unset it (a blank one still counts as set): `unset IDENTITY_ENDPOINT AZURE_POD_IDENTITY_AUTHORITY_HOST`; or "
            "give it the platform's value.",
        )
    if isinstance(problem, OSError) and not isinstance(problem, requests.RequestException):
        return IdentityUnavailableError(
            f"{what}: its key file cannot be read ({type(problem).__name__}).",
            cause="Azure Arc proves that a caller is local by a file that only some users may read.",
            remedy='Add the user that runs this to the group that may: `sudo usermod -a -G himds "$USER"`; then log in again.',
        )
    if isinstance(problem, requests.RequestException):
        how = "it does not answer in time" if isinstance(problem, requests.Timeout) else _connection_problem(problem)
        return _unreachable(f"{what}: {how}.", source, problem)
    return IdentityServiceError(
        f"No token for the {identity} managed identity from {name} ({type(problem).__name__}).",
        cause="The identity variables, or the endpoint's first answer, do not have the documented form.",
        remedy="Do not set the identity variables in a file or script: only the platform sets them. "
        f"{remedies.restart(_this_host())}",
    )


def _unreachable(what: str, source: object, problem: requests.RequestException) -> IdentityError:
    """Return the error for an endpoint that gives no answer, by what kind of endpoint it is."""
    if source is msal.managed_identity.DEFAULT_TO_VM:
        return IdentityUnavailableError(
            what,
            cause=f"{_missing_variables()} not set in this process, so no managed identity is enabled "
            "for this application, or it was started before the identity was enabled, or it does not run in Azure.",
            remedy=remedies.enable_identity(_this_host()),
        )
    if source is msal.managed_identity.AZURE_ARC and "IMDS_ENDPOINT" not in os.environ:
        return IdentityUnavailableError(
            what,
            cause="The Azure Arc agent is installed here, so MSAL asks it at localhost:40342, and it does not answer.",
            remedy="Look at the agent: `sudo azcmagent show`. If it does not run: `sudo systemctl restart himdsd`.",
        )
    certificate = source is msal.managed_identity.SERVICE_FABRIC and isinstance(problem, requests.exceptions.SSLError)
    if certificate and tuple(map(int, msal.__version__.split(".")[:2])) < _PINS_CERTIFICATE:
        return IdentityUnavailableError(
            what,
            cause=f"MSAL {msal.__version__} does not know Service Fabric's certificate by IDENTITY_SERVER_THUMBPRINT; 1.38 and "
            "newer do. Some versions of azure-identity keep MSAL at 1.37.",
            remedy='Install a newer MSAL: `pip install "msal>=1.38" "azure-identity>=1.27"`.',
        )
    return IdentityUnavailableError(
        what,
        cause="The identity variables are set, and nothing answers at their address.",
        remedy=local.first(local.renew_variables(), remedies.renew_variables(_this_host())),
    )


def _missing_variables() -> str:
    missing = [name for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER") if name not in os.environ]
    return f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'}"


def _connection_problem(problem: requests.RequestException) -> str:
    text = str(problem)
    if "refused" in text:
        return "the connection is refused"
    if isinstance(problem, requests.exceptions.SSLError):
        return "its certificate is not the one that is expected"
    return "the connection fails"


def _error_answer(identity: str, source: str, exchange: Exchange) -> IdentityError:
    status = exchange.status or 0
    answer = read_error(exchange.body, flat=True, sent=exchange.sent)
    quote = f": {answer.message}" if answer.message else ""
    what = f"{source[0].upper()}{source[1:]} gives no token for the {identity} managed identity: {status}{quote}"
    what = what if what.endswith(".") else f"{what}."
    if b"unreachable" in exchange.body and status == 403:  # noqa: PLR2004 (Docker Desktop in the endpoint's place)
        return IdentityUnavailableError(
            what,
            cause="A container's proxy answers in the endpoint's place: this does not run in Azure.",
            remedy=remedies.enable_identity(None),
            code=answer.code,
            status=status,
        )
    if status == _THROTTLED:
        return IdentityThrottledError(
            what,
            cause="Too many token requests: each process or each call makes its own.",
            remedy=local.first(local.FAULTS, "Wait, and keep one SecretReader for the whole process."),
            code=answer.code,
            status=status,
            retry_after=exchange.retry_after,
        )
    if status in _SERVER_ERRORS or status in _PASSING:
        return IdentityServiceError(
            what,
            cause="The platform's identity service fails or is being updated; on App Service an unknown resource ends here too.",
            remedy=local.first(
                local.FAULTS,
                f"Try again in a minute; if it lasts, check the resource and the platform's health. {remedies.HEALTH}",
            ),
            code=answer.code,
            status=status,
            retry_after=exchange.retry_after,
        )
    if status in _NOT_LET_IN and not answer.message and exchange.source is msal.managed_identity.DEFAULT_TO_VM:
        return IdentityRefusedError(
            what,
            cause="The metadata service, or a proxy or a firewall in its place, refuses requests of this process.",
            remedy=local.first(
                local.FAULTS, f"Check what is between this process and 169.254.169.254: {remedies.SHOW_PROXIES}."
            ),
            code=answer.code,
            status=status,
        )
    if status in _NOT_LET_IN and not answer.message:
        return IdentityRefusedError(
            what,
            cause="The endpoint does not accept the secret header that this process sends (IDENTITY_HEADER).",
            remedy=f"The platform sets the identity's variables at a start. {remedies.restart(_this_host())}",
            code=answer.code,
            status=status,
        )
    return IdentityRefusedError(
        what,
        cause=_refusal(identity, answer),
        remedy=refusal_remedy(identity, _this_host(), code=answer.code, message=answer.message),
        code=answer.code,
        status=status,
    )


def _refusal(identity: str, answer: ErrorAnswer) -> str:
    if _SEVERAL in answer.message.lower():
        return "Several user-assigned identities are assigned and none was named."
    if _is_resource(answer.code, answer.message):
        return "The resource that the token was asked for is not known in this tenant."
    if identity == "system-assigned":
        return "No system-assigned identity is enabled for this application; a user-assigned one is never guessed."
    return f"No identity with {identity} is assigned to this application."


def refusal_remedy(identity: str, host: Host | None, *, code: str | None, message: str) -> str:
    """Return what to do about a refusal, once more when it is known what this runs on.

    Args:
        identity: The identity that was asked for, as text.
        host: What this runs on; None where nothing names it.
        code: The endpoint's own code.
        message: The endpoint's own words, or a text that holds them.
    """
    if _is_resource(code, message):
        return remedies.find_resource()
    if _SEVERAL in message.lower():
        return local.first(local.name_identity(), remedies.name_identity(host))
    return local.first(local.assign_identity(identity), remedies.assign_identity(host, identity))


def _is_resource(code: str | None, message: str) -> bool:
    return code == "invalid_resource" or "aadsts500011" in message.lower()


def _this_host() -> Host | None:
    from keyless._remedies.host import host_of  # noqa: PLC0415 (importing keyless need not pay for it)

    return host_of(os.environ)
