"""What a request that got no answer means: the name, the network, a proxy, the certificate, or time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import NameResolutionError

from keyless._remedies import local, network, remedies
from keyless._wire.deadline import too_late
from keyless._wire.error_answer import quote
from keyless.clouds import CLOUDS, cloud_of, vault_name
from keyless.errors import DeadlineExceededError, VaultUnreachableError

if TYPE_CHECKING:
    from keyless._wire.deadline import Deadline
    from keyless.secret_id import SecretId

# A private endpoint whose zone is not linked shows otherwise: by the public address.
NO_SUCH_NAME = (
    "There is no vault of that name (a typing error, quotes in it, or it was deleted), or the private DNS zone that this network "
    "sees has no record of it."
)
# What OpenSSL says of a certificate under X509_V_FLAG_X509_STRICT: https://github.com/openssl/openssl/blob/master/crypto/x509/x509_txt.c
_STRICT = (
    "Missing (Authority|Subject) Key Identifier|(Authority|Subject) Key Identifier marked critical|"
    "CA cert does not include key usage extension|Basic Constraints of CA cert not marked critical|"
    "Path length (invalid|given)[^(]*[^( ]|[Kk]ey usage keyCertSign invalid for non-CA cert|(Issuer|Subject) name empty"
)
_PROXY_ANSWER = r"Tunnel connection failed: ([^'\"]+)"
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
    proxies = f"if vaults need no proxy, name them in NO_PROXY: {remedies.SHOW_PROXIES}."
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


def unresolved(vault_url: str) -> str:
    """Return the remedy for a vault's name that does not resolve."""
    return network.find_vault(suffix_of(vault_url))


def suffix_of(vault_url: str) -> str:
    """Return the suffix of the cloud that a vault is in; the public cloud's where its host is of none."""
    return (cloud_of(urlsplit(vault_url).hostname or "") or CLOUDS[0]).vault_suffix


def _was_cut(problem: Exception) -> bool:
    """Say whether a connection was cut: behind a proxy, requests blames the proxy for what the vault's end has done."""
    return any(name in str(problem) for name in _CUTS)


def _is_name_problem(problem: Exception) -> bool:
    reason = getattr(problem.args[0], "reason", None) if problem.args else None
    return isinstance(problem, UnicodeError) or isinstance(reason, NameResolutionError)
