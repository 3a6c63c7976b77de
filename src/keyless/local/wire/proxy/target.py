"""The target of a client of the proxy, and what kind of place that is."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Final, Self

from keyless.clouds import CLOUDS
from keyless.local.record import Record
from keyless.local.wire.serving.hosts import LOGIN_HOSTS

METADATA_SERVICE: Final = "169.254.169.254"
"""Where every virtual machine in Azure has its metadata service."""
WIRE_SERVER: Final = "168.63.129.16"
"""Where every one has the platform's DNS, and more: learn.microsoft.com, what-is-ip-address-168-63-129-16."""
USER: Final = "keyless"
"""The user name that a client gives together with the proxy's password."""
HTTP_PORT: Final = 80
HTTPS_PORT: Final = 443

# The names under which private DNS knows the same vaults are theirs as well.
_VAULT_DOMAINS: Final = (
    *(cloud.vault_suffix for cloud in CLOUDS),
    *(cloud.vault_suffix.replace("vault.", "vaultcore.", 1) for cloud in CLOUDS),
)
# No document of Azure names it; deny lists do, so somebody's DNS may have it.
_PLATFORM_NAMES: Final = ("metadata.azure.internal",)
# Networks of IPv6 whose last four bytes are an address of IPv4: RFC 6052, RFC 8215, RFC 4291 section 2.5.5.1.
_CARRIERS: Final = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))
# Stricter than a resolver, which would take a name in other spellings (full-width dots, escapes) for a vault's.
_LABEL: Final = "[0-9A-Za-z_-]{1,63}"
_TARGET: Final = rf"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>{_LABEL}(?:\.{_LABEL})*)\.?):(?P<port>[0-9]{{1,5}})"


class Target(Record, frozen=True):
    """The target of a client: a host in lower case without a trailing dot, and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read the target of a CONNECT request; None where it is not one."""
        match = re.fullmatch(_TARGET, text, re.ASCII)
        if match is None or not 0 < int(match["port"]) <= 65535:  # noqa: PLR2004 (the largest port)
            return None
        if match["ipv6"] is None:
            return cls(match["name"].lower(), int(match["port"]))
        try:
            return cls(str(ipaddress.IPv6Address(match["ipv6"])), int(match["port"]))
        except ValueError:
            return None

    def __str__(self) -> str:
        """Return it as a URL and CONNECT have it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def is_vault(self) -> bool:
        """Return whether the host is a vault of any cloud, whether or not that vault exists here."""
        return any(f".{self.host}".endswith(f".{domain}") for domain in _VAULT_DOMAINS)

    def is_login(self) -> bool:
        """Return whether the host is Microsoft Entra ID, in any cloud and on any port."""
        return self.host in LOGIN_HOSTS

    def is_metadata_service(self) -> bool:
        """Return whether this is where clients look for the metadata service, and not another way to write it."""
        return (self.host, self.port) == (METADATA_SERVICE, HTTP_PORT)

    def leads_to_platform(self) -> bool:
        """Return whether the host is an address at which Azure serves its machines, such as the metadata service's."""
        if any(f".{self.host}".endswith(f".{name}") for name in _PLATFORM_NAMES):
            return True
        address = self._address()
        return address is not None and is_platform_address(str(address))

    def is_loopback(self) -> bool:
        """Return whether the host is this machine."""
        address = self._address()
        return address.is_loopback if address else f".{self.host}".endswith(".localhost")

    def _address(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            try:  # Resolvers take 2852039166 and 0xa9fea9fe for 169.254.169.254.
                address = ipaddress.IPv4Address(socket.inet_aton(self.host))
            except OSError:
                return None
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return mapped or address


def is_platform_address(text: str) -> bool:
    """Return whether an address is one at which Azure serves its machines, in whatever form IPv6 carries it.

    Source: https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        return address.is_link_local or any(is_platform_address(str(inner)) for inner in _carried(address))
    return address.is_link_local or str(address) == WIRE_SERVER


def _carried(address: ipaddress.IPv6Address) -> list[ipaddress.IPv4Address]:
    """Return the addresses of IPv4 that one of IPv6 may lead to."""
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in _CARRIERS):
        found.append(ipaddress.IPv4Address(address.packed[-4:]))
    return [each for each in found if each is not None]
