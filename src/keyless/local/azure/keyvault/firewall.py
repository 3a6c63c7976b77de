"""A vault's network rules: its firewall, the perimeter around it, and whether it is open to the public network at all."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final, Literal, Self

from keyless.errors import ConfigurationError
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SECURED_BY_PERIMETER: Final = "perimeter"
"""The third value of Azure's ``publicNetworkAccess``, there ``SecuredByPerimeter``."""


class Perimeter(Record, frozen=True, kw_only=True):
    """A network security perimeter that a vault is associated with, and the inbound rules of its profile.

    Attributes:
        allowed: The networks that a rule lets in.
        subscriptions: The subscriptions that a rule lets in, in lower case. Whatever runs here is in the local Azure's own.
        enforced: Whether its rules alone decide. In transition, which Azure's API calls ``Learning``, the firewall of an
            open vault may still let in what no rule does.
    """

    allowed: tuple[Network, ...] = ()
    subscriptions: frozenset[str] = frozenset()
    enforced: bool = True

    @classmethod
    def of(cls, networks: Iterable[str] = (), *, subscriptions: Iterable[str] = (), enforced: bool = True) -> Self:
        """Make a perimeter from networks and subscriptions as text.

        Raises:
            ConfigurationError: If one is not a network.
        """
        named = frozenset(subscription.lower() for subscription in subscriptions)
        return cls(allowed=_networks(networks), subscriptions=named, enforced=enforced)


class Firewall(Record, frozen=True, kw_only=True):
    """The network rules of a vault. Everything comes from loopback here, so that is the address to allow or not.

    Attributes:
        public_network_access: Whether requests may come otherwise than through a private endpoint, as none does here;
            ``perimeter`` leaves that to the perimeter, and lets nothing in without one.
        allowed: The networks that are let in; None means all.
        perimeter: The perimeter around the vault; None where there is none.
    """

    public_network_access: bool | Literal["perimeter"] = True
    allowed: tuple[Network, ...] | None = None
    perimeter: Perimeter | None = None

    @classmethod
    def of(
        cls,
        networks: Iterable[str] | None,
        *,
        public_network_access: bool | Literal["perimeter"] = True,
        perimeter: Perimeter | None = None,
    ) -> Self:
        """Make the rules from networks as text; None lets in all.

        Raises:
            ConfigurationError: If one is not a network.
        """
        allowed = None if networks is None else _networks(networks)
        return cls(public_network_access=public_network_access, allowed=allowed, perimeter=perimeter)

    def stops(self, address: str, *, subscription: str) -> Literal["connection", "address", "perimeter"] | None:
        """Return what keeps a client out: the closed public network, its address, the perimeter, or nothing.

        https://learn.microsoft.com/en-us/azure/private-link/network-security-perimeter-transition

        Args:
            address: The client's address.
            subscription: The subscription that the client runs in.
        """
        around = self.perimeter
        if around is None:
            return self._stopped_by_rules(address) if self.public_network_access is True else "connection"
        if subscription.lower() in around.subscriptions or _is_in(address, around.allowed):
            return None
        if around.enforced or self.public_network_access is not True:
            return "perimeter"
        return self._stopped_by_rules(address)

    def _stopped_by_rules(self, address: str) -> Literal["address"] | None:
        return None if self.allowed is None or _is_in(address, self.allowed) else "address"


def _is_in(address: str, networks: tuple[Network, ...]) -> bool:
    return any(ipaddress.ip_address(address) in network for network in networks)


def _networks(texts: Iterable[str]) -> tuple[Network, ...]:
    found = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text, strict=False))
        except ValueError as error:
            raise ConfigurationError(
                f"The rule {text!r} is not a network.",
                cause=f"{error}.",
                remedy='Write an address or a range, such as "203.0.113.7" or "203.0.113.0/24".',
            ) from None
    return tuple(found)
