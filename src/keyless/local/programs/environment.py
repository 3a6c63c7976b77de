"""The variables through which unmodified programs find the local Azure instead of the one in the cloud."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

from keyless.clouds import CLOUDS
from keyless.local.programs.variables import AZ_FOLDER, AZD_FOLDER, METADATA_HOST, TERRAFORM_ENDPOINT
from keyless.local.wire.identity.imds import TOKEN_PATH
from keyless.local.wire.proxy.target import METADATA_SERVICE, WIRE_SERVER
from keyless.local.wire.serving.hosts import LOOPBACK_NAMES, SERVICE_HOSTS

if TYPE_CHECKING:
    from pathlib import Path

_OURS: Final = (*(f".{cloud.vault_suffix}" for cloud in CLOUDS), *(f".{host}" for host in SERVICE_HOSTS))
# A person's own choice not to be counted is in the folder that the run does not use.
_AZ_SETTINGS: Final = "[core]\ncollect_telemetry = no\n"
_PLATFORM: Final = (METADATA_SERVICE, WIRE_SERVER)
# Not [::1], which .NET looks for and which HTTPX takes for an error: for .NET the proxy carries what is for ::1.


def proxy_variables(proxy_url: str, *, host: str, no_proxy: str) -> dict[str, str]:
    """Return the variables that lead requests through the proxy, in both spellings, since clients read one or the other.

    Args:
        proxy_url: The address of the proxy.
        host: Where the identity endpoint listens; never asked for through the proxy.
        no_proxy: What NO_PROXY holds already. Entries that would lead what the proxy answers for past it are left out;
            the proxy itself goes by them.
    """
    kept = (entry for entry in map(str.strip, no_proxy.split(",")) if entry and not _excepts(entry))
    direct = ",".join(dict.fromkeys((*LOOPBACK_NAMES, host, *kept)))
    return {
        **dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), proxy_url),
        "NO_PROXY": direct,
        "no_proxy": direct,
        # The fetch of Node.js looks at the proxy only with an option: https://nodejs.org/api/cli.html
        "NODE_USE_ENV_PROXY": "1",
    }


def trust_variables(*, bundle_file: Path, node_file: Path) -> dict[str, str]:
    """Return the variables that make clients trust the local authority: most take a whole bundle, Node.js takes more."""
    bundle = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), str(bundle_file))
    return {**bundle, "NODE_EXTRA_CA_CERTS": str(node_file)}


def without_developer(*, folder: Path, silent_url: str) -> dict[str, str]:
    """Return the variables that keep clients from the developer's own sign-ins, and from the machine's metadata service.

    Args:
        folder: A private folder of the run.
        silent_url: Where every connection is refused.
    """
    az = _empty(folder / "az")
    settings = az / "config"
    if not settings.exists():  # A run's az may have written to it since.
        settings.write_text(_AZ_SETTINGS, encoding="ascii")
    return {
        METADATA_HOST: silent_url,
        TERRAFORM_ENDPOINT: f"{silent_url}{TOKEN_PATH}",
        AZ_FOLDER: str(az),
        AZD_FOLDER: str(_empty(folder / "azd")),
    }


def _empty(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _excepts(entry: str) -> bool:
    """Return whether an entry of NO_PROXY covers what the proxy answers for: vaults, what manages them, the platform.

    Some clients compare ends of text and not whole labels, and some read networks.
    """
    name = entry.lower().lstrip("*").removesuffix(":443").removesuffix(":80").removesuffix(".")
    if any(suffix.endswith(name) or name.endswith(suffix) for suffix in _OURS):
        return True
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return any(address.startswith(name.removesuffix("*")) for address in _PLATFORM)
    return any(ipaddress.ip_address(address) in network for address in _PLATFORM)
