"""What a client asks of the proxy, and how it is refused.

Source: https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6, https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self

from keyless.clouds import CLOUDS

HEAD_LIMIT = 64 * 1024
"""How many bytes the head of a request, or of an answer, may have."""

# The names under which private DNS knows the same vaults are theirs as well.
_VAULT_DOMAINS = (
    *(cloud.vault_suffix for cloud in CLOUDS),
    *(cloud.vault_suffix.replace("vault.", "vaultcore.", 1) for cloud in CLOUDS),
)
_WIRE_SERVER = ipaddress.IPv4Address("168.63.129.16")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Stricter than a resolver, which would take a name in other spellings (full-width dots, escapes) for a vault's.
_LABEL = "[0-9A-Za-z_-]{1,63}"
_HTTPS_URL = r"https://(?P<host>[^/?#]+?)(?P<port>:[0-9]+)?(?P<path>/[^?#]*)?(?P<query>\?[^#]*)?"
# What a client says to the proxy, and not to the host that it asks for; the proxy asks that for one answer.
_HOP_BY_HOP = frozenset({"connection", "host", "keep-alive", "proxy-authorization", "proxy-connection", "te"})
_TARGET = rf"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>{_LABEL}(?:\.{_LABEL})*)\.?):(?P<port>[0-9]{{1,5}})"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a client wants to go: a host in lower case without a trailing dot, and a port."""

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

    def is_vault(self) -> bool:
        """Say whether the host is a vault of any cloud, whether or not that vault exists here."""
        return any(f".{self.host}".endswith(f".{domain}") for domain in _VAULT_DOMAINS)

    def leads_to_platform(self) -> bool:
        """Say whether the host is an address at which Azure serves its machines, such as the metadata service's."""
        address = self._address()
        return address is not None and is_platform_address(str(address))

    def is_loopback(self) -> bool:
        """Say whether the host is this machine."""
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
    """Say whether an address is one at which Azure serves its machines, in whatever form IPv6 carries it.

    Source: https://learn.microsoft.com/en-us/azure/virtual-network/what-is-ip-address-168-63-129-16
    """
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        within = ipaddress.IPv4Address(address.packed[-4:]) if address in _NAT64 else None
        inner = address.ipv4_mapped or address.sixtofour or within
        return address.is_link_local or (inner is not None and is_platform_address(str(inner)))
    return address.is_link_local or address == _WIRE_SERVER


class RefusedError(Exception):
    """A request that gets no tunnel, as it is answered.

    Args:
        status: The HTTP status.
        reason: The reason phrase. It says what is wrong, because HTTP clients show it and hide the body.
        body: What is wrong and what to do.
        header: One more header, whole.
    """

    def __init__(self, status: HTTPStatus, reason: str, body: str, *, header: str = "Cache-Control: no-store") -> None:
        super().__init__(reason)
        content = f"{body}\n".encode()
        self.answer = (
            f"HTTP/1.1 {status.value} {reason}\r\n{header}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        ).encode() + content


@dataclass(frozen=True, slots=True)
class ConnectRequest:
    """A request for a tunnel, or for an https:// URL: older versions of axios leave TLS to the proxy.

    Attributes:
        target: Where the client wants to go; None where it names no host and port.
        credentials: What the client proves itself with, as it stands in the header; None where it does not.
        head: What to ask the target over TLS; None where the client wants a tunnel.
    """

    target: Target | None
    credentials: str | None = field(repr=False)
    head: bytes | None = field(default=None, repr=False)


async def read_request(reader: asyncio.StreamReader) -> ConnectRequest:
    """Read a request up to its empty line.

    Raises:
        RefusedError: If it is neither a CONNECT request nor one for an https:// URL, or too long.
        EOFError: If the client closes before.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise RefusedError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "Request header too large",
            f"A request's header may have {HEAD_LIMIT} bytes.",
        ) from None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, _, rest = first.partition(" ")
    asked = rest.partition(" ")[0]
    fields = [line.partition(":") for line in lines]
    credentials = next((value.strip() for name, _, value in fields if name.lower() == "proxy-authorization"), None)
    if method == "CONNECT":
        return ConnectRequest(Target.parse(asked), credentials)
    url = re.fullmatch(_HTTPS_URL, asked, re.ASCII)
    if url is None:
        raise RefusedError(
            HTTPStatus.METHOD_NOT_ALLOWED,
            "This proxy takes https:// alone",
            "This proxy carries TLS: set it as HTTPS_PROXY, not as HTTP_PROXY.",
            header="Allow: CONNECT",
        )
    authority, path = f"{url['host']}{url['port'] or ''}", f"{url['path'] or '/'}{url['query'] or ''}"
    kept = [line for line, (name, *_) in zip(lines, fields, strict=True) if name.lower() not in _HOP_BY_HOP]
    whole = "\r\n".join((f"{method} {path} HTTP/1.1", f"Host: {authority}", *kept, "Connection: close", "", ""))
    target = Target.parse(authority if url["port"] else f"{authority}:443")
    return ConnectRequest(target, credentials, whole.encode("latin-1"))
