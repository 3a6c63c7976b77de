"""The third stage: the vault's address, its name, the way there, and what answers."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import requests

from keyless._remedies import network, remedies
from keyless._vault.failures import open_to_all
from keyless._vault.unreachable import NO_SUCH_NAME, no_answer, unresolved
from keyless._vault.vault import TokenRejected, Vault
from keyless._wire.deadline import Deadline
from keyless.clouds import CLOUDS, cloud_of
from keyless.doctor.examination import Way
from keyless.doctor.finding import Finding, failed, well
from keyless.errors import KeylessError
from keyless.secret_id import SecretId, check_vault_url

if TYPE_CHECKING:
    from keyless.doctor.examination import Examination

_STAGE: Final = "network"
_ANY_SECRET = "doctor"  # noqa: S105 (a name: without a token the vault returns nothing of any secret)
_PRIVATE_LINK = "privatelink"
# Of what is left: what comes after is to have its turn.
_SHARE = 0.4
_LONGEST = 1.0


def check_address(examination: Examination) -> Finding:
    """Check the vault's address as it was given."""
    try:
        url = check_vault_url(examination.vault_url or "")
    except KeylessError as error:
        return failed(_STAGE, "address", error)
    examination.target = SecretId(url, _ANY_SECRET)
    cloud = cloud_of(_host(url))
    where = f"in {cloud.name}" if cloud else "under no suffix of a known cloud"
    return well(_STAGE, "address", f"{url} is the address of a vault {where}.")


def check_name(examination: Examination) -> list[Finding]:
    """Resolve the vault's name, or report which proxy does."""
    target = examination.target
    if target is None:
        return []
    proxy = requests.utils.select_proxy(target.vault_url, requests.utils.get_environ_proxies(target.vault_url))
    finding = _check_proxy(examination, proxy) if proxy else _check_name(examination, target)
    return [_perhaps_elsewhere(examination, target, finding)]


def check_way(examination: Examination) -> list[Finding]:
    """Connect to the vault or its proxy, and ask the vault what it wants of a token."""
    target, way = examination.target, examination.way
    if target is None or way is None:
        return []
    connection = _check_connection(examination, target, way)
    if connection.status == "fail":
        return [connection]
    return [connection, _perhaps_elsewhere(examination, target, _check_answer(examination, target))]


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _check_proxy(examination: Examination, proxy: str) -> Finding:
    """Report the proxy that HTTPS goes through; an address that is none is not shown: it may hold a password."""
    try:
        # What sends the request takes an address without a scheme for one of an HTTP proxy, and so do curl and Go.
        parts = urlsplit(requests.utils.prepend_scheme_if_needed(proxy, "http"))  # type: ignore[no-untyped-call]
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    # A password with a slash in it, unescaped, ends the host before its time.
    if not host or ("@" in proxy and "@" not in parts.netloc):
        return Finding(
            stage=_STAGE,
            check="name",
            status="fail",
            code="KL-301",
            evidence="HTTPS_PROXY (or ALL_PROXY) does not name a proxy.",
            cause="It is not a URL with a host and a port; perhaps its password has a character that is not escaped.",
            remedy=remedies.WRITE_PROXY,
        )
    # What urllib3 takes where the address names no port.
    examination.way = Way(host, port or (443 if parts.scheme == "https" else 80), is_proxy=True)
    shown = f"{host}:{port}" if port else host
    return well(_STAGE, "name", f"HTTPS goes through the proxy {shown}, which resolves the vault's name.")


def _check_name(examination: Examination, target: SecretId) -> Finding:
    host, port = _host(target.vault_url), urlsplit(target.vault_url).port or 443
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
    except (OSError, UnicodeError) as error:
        return Finding(
            stage=_STAGE,
            check="name",
            status="fail",
            code="KL-301",
            evidence=f"The name {host} does not resolve ({getattr(error, 'strerror', None) or type(error).__name__}).",
            cause=NO_SUCH_NAME,
            remedy=unresolved(f"https://{host}"),
        )
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    name = next((canonical for _, _, _, canonical, _ in found if canonical), host)
    examination.way = Way(host, port)
    examination.public_addresses = tuple(each for each in addresses if ipaddress.ip_address(each).is_global)
    kind = "public" if examination.public_addresses else "private"
    by = f" as {name}" if name != host else ""
    if _PRIVATE_LINK in name and examination.public_addresses:
        return Finding(
            stage=_STAGE,
            check="name",
            status="warn",
            code="KL-621",
            evidence=f"{host} resolves{by} to the public address {', '.join(examination.public_addresses)}.",
            cause="The vault has a private endpoint, and this network does not see its private DNS zone.",
            remedy=f"Link the zone: {network.link_zone((cloud_of(host) or CLOUDS[0]).vault_suffix)}",
        )
    return well(_STAGE, "name", f"{host} resolves{by} to {kind} {', '.join(addresses)}.")


def _check_connection(examination: Examination, target: SecretId, way: Way) -> Finding:
    left = examination.deadline.remaining * _SHARE
    try:
        with socket.create_connection((way.host, way.port), timeout=max(left, 0.001)):
            return well(_STAGE, "connection", f"{way.host}:{way.port} takes connections.")
    except OSError as error:
        problem: type[requests.RequestException] = requests.ConnectionError
        if way.is_proxy:
            problem = requests.exceptions.ProxyError
        elif isinstance(error, TimeoutError):
            problem = requests.ConnectTimeout
        finding = failed(_STAGE, "connection", no_answer(target, problem(), examination.deadline))
        why = error.strerror or "it does not answer"
        return replace(finding, evidence=f"{way.host}:{way.port} takes no connection ({why}). {finding.evidence}")


def _perhaps_elsewhere(examination: Examination, target: SecretId, finding: Finding) -> Finding:
    """Look for a vault that is not there in the other clouds: only the suffix may be wrong."""
    host = _host(target.vault_url)
    own, name = cloud_of(host), host.partition(".")[0]
    # Where the resolver itself is away, other names would only take their time.
    if finding.status != "fail" or finding.code != "KL-301" or own is None or "Temporary failure" in finding.evidence:
        return finding
    for cloud in CLOUDS:
        url = f"https://{name}.{cloud.vault_suffix}"
        if cloud is not own and _is_vault(examination, SecretId(url, _ANY_SECRET)):
            return replace(
                finding,
                evidence=f"{finding.evidence} There is a vault {url}, in {cloud.name}.",
                cause="If you mean that vault, the address has the suffix of another cloud.",
                remedy=remedies.match_cloud(name),
            )
    return finding


def _is_vault(examination: Examination, target: SecretId) -> bool:
    vault = Vault(target.vault_url, connections=1, now=lambda: examination.now)
    seconds = min(_LONGEST, examination.deadline.remaining * _SHARE)
    try:
        vault.read(target, None, Deadline.after(seconds, examination.deadline.clock))
    except TokenRejected:
        return True
    except KeylessError:
        return False
    finally:
        vault.close()
    return False


def _check_answer(examination: Examination, target: SecretId) -> Finding:
    vault = Vault(target.vault_url, connections=1, now=lambda: examination.now)
    try:
        vault.read(target, None, examination.deadline)
    except TokenRejected as refused:
        examination.challenge = refused.challenge
        return well(_STAGE, "answer", "The vault answers over TLS with a certificate that is trusted here.")
    except KeylessError as error:
        return failed(_STAGE, "answer", error)
    finally:
        vault.close()
    return failed(_STAGE, "answer", open_to_all(target))
