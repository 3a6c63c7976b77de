"""What a failed read of a secret means: every answer and every exception becomes one error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import NameResolutionError

from keyless._remedies import local, network, remedies
from keyless._vault.challenge import Challenge
from keyless._wire.deadline import too_late
from keyless._wire.error_answer import ErrorAnswer, quote, read_error
from keyless._wire.pauses import parse_retry_after
from keyless.clouds import CLOUDS, cloud_of, vault_name
from keyless.errors import (
    AccessDeniedError,
    DeadlineExceededError,
    SecretDisabledError,
    SecretNotFoundError,
    UnexpectedAnswerError,
    VaultAuthenticationError,
    VaultError,
    VaultServiceError,
    VaultThrottledError,
    VaultUnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keyless._wire.deadline import Deadline
    from keyless.secret_id import SecretId

# A private endpoint whose zone is not linked shows otherwise: by the public address.
NO_SUCH_NAME = (
    "There is no vault of that name (a typing error, quotes in it, or it was deleted), or the private DNS zone that this network "
    "sees has no record of it."
)
_CALLER = r"\boid=([0-9a-fA-F-]{36})"
_RESOURCE = r"Resource: '([^']+)'"
# What OpenSSL says of a certificate under X509_V_FLAG_X509_STRICT: https://github.com/openssl/openssl/blob/master/crypto/x509/x509_txt.c
_STRICT = (
    "Missing (Authority|Subject) Key Identifier|(Authority|Subject) Key Identifier marked critical|"
    "CA cert does not include key usage extension|Basic Constraints of CA cert not marked critical|"
    "Path length (invalid|given)[^(]*[^( ]|[Kk]ey usage keyCertSign invalid for non-CA cert|(Issuer|Subject) name empty"
)
_PROXY_ANSWER = r"Tunnel connection failed: ([^'\"]+)"
_BY_POLICY = frozenset({"AccessDenied", "ForbiddenByPolicy"})
_NO_POLICY = r"not found on any access policy|does not have secrets get permission"
_CLIENT_ADDRESS = r"Client address: ([0-9a-fA-F.:]+)"
_LONGEST_KIND = 100
_CUTS = ("RemoteDisconnected", "ConnectionResetError", "ConnectionAbortedError", "ReusedConnectionError")


def no_answer(
    secret: SecretId, problem: Exception, deadline: Deadline
) -> VaultUnreachableError | DeadlineExceededError:
    """Return the error for a request that got no answer."""
    what = f"The vault {secret.vault_url} cannot be reached"
    if isinstance(problem, requests.exceptions.ProxyError) and not _was_cut(problem):
        return _proxy_problem(secret, what, problem)
    if isinstance(problem, (requests.exceptions.InvalidProxyURL, requests.exceptions.InvalidSchema)):
        return VaultUnreachableError(
            f"{what}: HTTPS_PROXY does not name a proxy that can be used.",
            cause="It is not the address of an HTTP proxy; a SOCKS proxy needs a library of its own.",
            remedy=f"{remedies.WRITE_PROXY} Or unset it: `unset HTTPS_PROXY https_proxy`.",
            retryable=False,
        )
    if isinstance(problem, OSError) and not isinstance(problem, requests.RequestException):
        return VaultUnreachableError(
            f"{what}: the CA bundle cannot be read ({type(problem).__name__}).",
            cause="REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names a file that is not there, or holds no certificate.",
            remedy="Name a file of certificates in PEM, or trust the public roots: `unset REQUESTS_CA_BUNDLE CURL_CA_BUNDLE`.",
            retryable=False,
        )
    if isinstance(problem, requests.exceptions.SSLError) and (strict := re.search(_STRICT, str(problem))):
        return _not_strict(what, strict[0], secret)
    if isinstance(problem, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(problem):
        return VaultUnreachableError(
            f"{what}: its certificate is not trusted.",
            cause="Something between opens TLS connections (a company proxy), or the CA bundle variable names a wrong file.",
            remedy="Say whom to trust: `export REQUESTS_CA_BUNDLE=FILE`. FILE holds the public roots and the company's CA. Never "
            "switch the check off.",
            retryable=False,
        )
    if isinstance(problem, requests.Timeout):
        if deadline.remaining <= 0:
            return too_late(f"{secret} could not be read")
        return VaultUnreachableError(
            f"{what}: it does not answer in time.",
            cause="A firewall drops the packets, a private endpoint is not routed, or the service is in trouble.",
            remedy=f"Check the route from here to the vault. {network.look_at_network(vault_name(secret.vault_url))}",
        )
    if _is_name_problem(problem):
        return VaultUnreachableError(
            f"{what}: its name does not resolve.",
            cause=NO_SUCH_NAME,
            remedy=unresolved(secret.vault_url),
            # The resolver itself may be away for a moment (EAI_AGAIN); a name that it does not know stays unknown.
            retryable="Temporary failure" in str(problem),
        )
    return VaultUnreachableError(
        f"{what}: the connection fails ({type(problem).__name__}).",
        cause="The connection was refused or cut: the network, a proxy or the service.",
        remedy=f"Try again; if it lasts, check the proxy settings: {remedies.SHOW_PROXIES}; then the route from here to the "
        f"vault. {network.look_at_network(vault_name(secret.vault_url))}",
    )


def _not_strict(what: str, found: str, secret: SecretId) -> VaultUnreachableError:
    """Return the error for a certificate that is trusted, and not made as RFC 5280 wants it."""
    host = secret.vault_url.removeprefix("https://")
    return VaultUnreachableError(
        f"{what}: its certificate does not pass the strict checks of X.509 ({found}).",
        cause="Python from 3.13 on makes these checks. Whom to trust is not the matter: a proxy that opens TLS makes "
        "certificates which lack something, or marks it wrongly.",
        remedy="Have the proxy's certificates mended by who runs it. What comes from it: "
        f"`openssl s_client -connect {host}:443 -servername {host} </dev/null | openssl x509 -noout -text`.",
        retryable=False,
    )


def _proxy_problem(secret: SecretId, what: str, problem: Exception) -> VaultUnreachableError:
    """Return the error for a proxy that is in the way: what it said tells its own trouble from the vault's."""
    found = re.search(_PROXY_ANSWER, str(problem))
    said = quote(found[1]) if found else ""
    how = f"the proxy does not let the request through ({said})" if said else "the proxy cannot be reached"
    proxies = f"if no proxy is meant to be used for vaults, NO_PROXY is to say so: {remedies.SHOW_PROXIES}."
    if not said:
        cause, remedy = (
            "Nothing answers where HTTPS_PROXY points.",
            local.first(local.renew_variables(), f"Check the host and the port in HTTPS_PROXY; {proxies}"),
        )
    elif said.startswith("407"):
        cause = "The proxy wants a user and a password, or does not take those in HTTPS_PROXY."
        remedy = f"{remedies.WRITE_PROXY} Or, {proxies}"
    elif said.startswith(("401", "403")):
        cause = "The proxy does not allow connections to this host."
        remedy = f"Ask who runs it to allow the vault's host and port 443; {proxies}"
    else:
        cause = (
            "The proxy cannot reach the vault: there is none of that name, or the way from the proxy to it is closed."
        )
        remedy = local.first(
            local.find_vault(vault_name(secret.vault_url)),
            f"Check the vault's name; the names of yours: {remedies.LIST_VAULTS}. Then the proxy: {proxies}",
        )
    return VaultUnreachableError(f"{what}: {how}.", cause=cause, remedy=remedy, retryable=False)


def error_answer(secret: SecretId, response: requests.Response, *, sent: Iterable[str] = ()) -> VaultError:
    """Return the error for an answer that is not a secret.

    Args:
        secret: Which secret was asked for.
        response: The answer.
        sent: What was sent and nobody may see.
    """
    status, answer = response.status_code, read_error(response.content, sent=sent)
    what = f"{secret} could not be read: the vault answered {_said(status, answer)}"
    if status == 429:  # noqa: PLR2004 (Too Many Requests)
        return _throttled(secret, what, answer, response)
    if status >= 500:  # noqa: PLR2004 (server errors)
        return VaultServiceError(
            what,
            cause="The vault, or a gateway before it, fails.",
            remedy=local.first(
                local.FAULTS, f"Try again; if it lasts, look at the platform's health. {remedies.HEALTH}"
            ),
            code=answer.code,
            status=status,
            retry_after=parse_retry_after(response.headers.get("Retry-After")),
        )
    if answer.code is None:
        return not_a_vault(secret, response)
    if status == 401:  # noqa: PLR2004 (Unauthorized)
        return _unauthenticated(secret, what, answer, response)
    if status == 403:  # noqa: PLR2004 (Forbidden)
        return _forbidden(secret, what, answer)
    if status == 404 and answer.code == "SecretNotFound":  # noqa: PLR2004 (Not Found)
        return SecretNotFoundError(
            f"{secret} was not found: the vault answered {_said(status, answer)}",
            cause="The name or version is misspelt, the secret is in another vault, or it was deleted.",
            remedy=local.first(
                local.find_secret(vault_name(secret.vault_url), secret.name),
                remedies.find_secret(vault_name(secret.vault_url), secret.name),
            ),
            code=answer.code,
            status=status,
        )
    return UnexpectedAnswerError(
        what,
        cause="No rule covers this answer of the vault.",
        remedy=remedies.OWN_WORDS,
        code=answer.code,
        status=status,
    )


def wrong_challenge(secret: SecretId, challenge: Challenge) -> VaultAuthenticationError:
    """Return the error for a challenge that asks for a token which this host must not see."""
    return VaultAuthenticationError(
        f"{secret.vault_url} is no vault that a token may be sent to: it asks for one for '{quote(challenge.resource)}'.",
        cause="The host is under no known vault suffix, and its challenge does not name the host's own parent domain.",
        remedy="Real vaults are under vault.azure.net, vault.azure.cn or vault.usgovcloudapi.net. "
        f"{remedies.check_vault(vault_name(secret.vault_url))}",
    )


def open_to_all(secret: SecretId) -> VaultUnreachableError:
    """Return the error for a host that gives a secret to whoever asks."""
    return VaultUnreachableError(
        f"{secret.vault_url} is no vault: it answers without asking for a token.",
        cause="The host is under no known vault suffix, and does not challenge who asks, as every vault does.",
        remedy=remedies.check_vault(vault_name(secret.vault_url)),
    )


def not_a_vault(secret: SecretId, response: requests.Response) -> VaultUnreachableError:
    """Return the error for an answer that no vault gives, such as a 200 that holds no secret."""
    kind = quote(response.headers.get("Content-Type", "no content type").partition(";")[0], _LONGEST_KIND)
    return VaultUnreachableError(
        f"{secret} could not be read: what answered {response.status_code} ({kind}) does not speak as a vault does.",
        cause="A proxy, a gateway or another server stands where the vault should.",
        remedy=f"Check the vault URL, and HTTPS_PROXY and NO_PROXY: {remedies.SHOW_PROXIES}.",
        status=response.status_code,
    )


def unreadable(secret: SecretId, problem: Exception, *, status: int | None = None) -> VaultUnreachableError:
    """Return the error for an answer that cannot be read at all."""
    answer = "the answer" if status is None else f"the answer {status}"
    return VaultUnreachableError(
        f"{secret} could not be read: {answer} makes no sense ({type(problem).__name__}).",
        cause="A proxy, a gateway or another server stands where the vault should, or changed the vault's answer.",
        remedy=f"Check the vault URL, and HTTPS_PROXY and NO_PROXY: {remedies.SHOW_PROXIES}.",
        status=status,
    )


def another_answer(secret: SecretId) -> VaultUnreachableError:
    """Return the error for an answer to another question: its value is never given to this one's caller."""
    return VaultUnreachableError(
        f"{secret} could not be read: the answer that came is another secret's, or another version's.",
        cause="A proxy or a gateway mixes up answers, or keeps one for the next request.",
        remedy=f"Check what stands between here and the vault: {remedies.SHOW_PROXIES}.",
        status=200,
    )


def _throttled(secret: SecretId, what: str, answer: ErrorAnswer, response: requests.Response) -> VaultThrottledError:
    return VaultThrottledError(
        what,
        cause="The vault, or the whole subscription, gets more requests than Azure allows (4,000 in 10 s for a vault).",
        remedy=local.first(
            local.FAULTS,
            "Keep one SecretReader for the whole process and let it cache; spread busy applications over vaults. "
            f"{remedies.look_at_requests(vault_name(secret.vault_url))}",
        ),
        code=answer.code,
        status=response.status_code,
        retry_after=parse_retry_after(response.headers.get("Retry-After")),
    )


def _unauthenticated(
    secret: SecretId, what: str, answer: ErrorAnswer, response: requests.Response
) -> VaultAuthenticationError:
    cause, remedy = (
        "The token is expired, was tampered with, or was revoked.",
        "Check this machine's clock: `date -u`. Then what stands between it and the identity endpoint.",
    )
    if "AKV10032" in answer.message:
        tenant = quote(Challenge.parse(response.headers.get("WWW-Authenticate")).tenant, _LONGEST_KIND) or "unknown"
        cause = f"The vault belongs to the tenant {tenant}, the identity to another: a managed identity never leaves its own."
        remedy = remedies.move_vault(vault_name(secret.vault_url), tenant=None)
    elif "AKV10022" in answer.message:
        cause = "The token is for another resource than this vault's cloud."
        remedy = remedies.match_cloud(vault_name(secret.vault_url))
    return VaultAuthenticationError(
        what,
        cause=cause,
        remedy=remedy,
        code=answer.code,
        status=response.status_code,
    )


def _forbidden(secret: SecretId, what: str, answer: ErrorAnswer) -> VaultError:
    if answer.inner == "SecretDisabled":
        return SecretDisabledError(
            what,
            cause="Its latest version, or the version that was asked for, is disabled. This is no question of rights.",
            remedy=local.first(
                local.enable_secret(vault_name(secret.vault_url), secret.name),
                remedies.enable_secret(vault_name(secret.vault_url), secret.name),
            ),
            code=answer.inner,
            status=403,
        )
    cause, remedy = _denial(secret, answer)
    return AccessDeniedError(what, cause=cause, remedy=remedy, code=answer.inner or answer.code, status=403)


def _denial(secret: SecretId, answer: ErrorAnswer) -> tuple[str, str]:
    """Return cause and remedy of a 403, with the caller's object id filled in where the vault named it."""
    vault = vault_name(secret.vault_url)
    caller = _quoted(_CALLER, answer.message)
    if answer.inner == "ForbiddenByRbac":
        return (
            (
                "The identity has no role that allows reading this secret (Owner and Contributor do not), its role has a "
                "condition that leaves this secret out, or the role is only minutes old. This vault goes by roles: access "
                "policies do nothing for it."
            ),
            local.first(
                local.give_role(vault, caller=caller),
                remedies.give_role(vault, caller=caller, scope=_quoted(_RESOURCE, answer.message)),
            ),
        )
    if answer.inner in _BY_POLICY or re.search(_NO_POLICY, answer.message):
        return (
            (
                "The vault uses access policies, and the identity's policy is missing or does not allow reading secrets. (A "
                "policy names an object id; a client id there does nothing, and neither does a role.)"
            ),
            local.first(local.set_policy(vault), remedies.set_policy(vault, caller=caller)),
        )
    if denied := _network_denial(secret, answer):
        cause, remedy = denied
        return cause, local.first(local.open_firewall(vault), remedy)
    return (
        "The vault's words say why. This code is not known here: it may concern roles, policies or the network.",
        remedies.OWN_WORDS,
    )


def _network_denial(secret: SecretId, answer: ErrorAnswer) -> tuple[str, str] | None:
    """Return cause and remedy of a 403 that has to do with where a request comes from; None for any other."""
    vault = vault_name(secret.vault_url)
    match answer.inner:
        case "ForbiddenByFirewall":
            return (
                "The vault's firewall does not let this address in; applications are no trusted service.",
                network.open_firewall(vault, address=_quoted(_CLIENT_ADDRESS, answer.message)),
            )
        case "ForbiddenByConnection":
            return (
                "The vault is closed to the public network, and this request did not come through its private endpoint.",
                network.use_private_endpoint(vault, _suffix(secret.vault_url)),
            )
        case "ForbiddenByNsp":
            return (
                "A network security perimeter is around the vault, and none of its rules lets this request in.",
                network.join_perimeter(),
            )
        case _:
            return None


def unresolved(vault_url: str) -> str:
    """Return the remedy for a vault's name that does not resolve."""
    return network.find_vault(_suffix(vault_url))


def _suffix(vault_url: str) -> str:
    return (cloud_of(urlsplit(vault_url).hostname or "") or CLOUDS[0]).vault_suffix


def _quoted(pattern: str, message: str) -> str | None:
    found = re.search(pattern, message)
    return found[1] if found else None


def _was_cut(problem: Exception) -> bool:
    """Say whether a connection was cut: behind a proxy, requests blames the proxy for what the vault's end has done."""
    return any(name in str(problem) for name in _CUTS)


def _is_name_problem(problem: Exception) -> bool:
    reason = getattr(problem.args[0], "reason", None) if problem.args else None
    return isinstance(problem, UnicodeError) or isinstance(reason, NameResolutionError)


def _said(status: int, answer: ErrorAnswer) -> str:
    code = answer.inner or answer.code
    return f"{status}{f' {code}' if code else ''}{f': {answer.message}' if answer.message else '.'}"
