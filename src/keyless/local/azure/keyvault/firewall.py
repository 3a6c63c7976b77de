"""A vault's network rules: which addresses it lets in, and whether it is open to the public network at all."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from keyless.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """The network rules of a vault. Everything comes from loopback here, so that is the address to allow or not.

    Attributes:
        public_network_access: Whether requests may come otherwise than through a private endpoint, as none does here.
        allowed: The networks that are let in; None means all.
    """

    public_network_access: bool = True
    allowed: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] | None = None

    @classmethod
    def of(cls, networks: Iterable[str] | None, *, public_network_access: bool = True) -> Self:
        """Make the rules from networks as text; None lets in all.

        Raises:
            ConfigurationError: If one is no network.
        """
        if networks is None:
            return cls(public_network_access=public_network_access)
        found = []
        for network in networks:
            try:
                found.append(ipaddress.ip_network(network, strict=False))
            except ValueError as error:
                raise ConfigurationError(
                    f"The firewall rule {network!r} is no network.",
                    cause=f"{error}.",
                    remedy='Write an address or a range, such as "203.0.113.7" or "203.0.113.0/24".',
                ) from None
        return cls(public_network_access=public_network_access, allowed=tuple(found))

    def stops(self, address: str) -> Literal["connection", "address"] | None:
        """Say what keeps a client out: the closed public network, its address, or nothing."""
        if not self.public_network_access:
            return "connection"
        if self.allowed is None or any(ipaddress.ip_address(address) in network for network in self.allowed):
            return None
        return "address"
