"""The proxies that the environment named already: requests for what is not here still go through them."""

from __future__ import annotations

import ipaddress
import ssl
from base64 import b64encode
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar, Final, Literal, Self
from urllib.parse import unquote, urlsplit

from keyless.errors import ConfigurationError
from keyless.local.record import Record
from keyless.local.wire.proxy.connect_request import HEAD_LIMIT, RefusedError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping

    from keyless.local.wire.proxy.target import Target

    Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_PORTS = {"http": 80, "https": 443}
# Clients differ in which spelling they take first; the first that is set and not empty is taken here.
_PROXY_VARIABLES: Final = {
    "https": ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"),
    "http": ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"),
}


class Upstream(Record, frozen=True):
    """A proxy, and the hosts that it is not to be used for.

    Attributes:
        host: The proxy's host.
        port: The proxy's port.
        tls: Whether the proxy itself is spoken to over TLS.
        credentials: What the proxy is given as ``Proxy-Authorization``; None for nothing.
        no_proxy: The entries of NO_PROXY.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"credentials"})

    host: str
    port: int
    tls: bool
    credentials: str | None
    no_proxy: tuple[str, ...]

    @classmethod
    def of(cls, environment: Mapping[str, str], *, scheme: Literal["http", "https"] = "https") -> Self | None:
        """Read HTTPS_PROXY or HTTP_PROXY, else ALL_PROXY, and NO_PROXY; None where there is no proxy.

        Args:
            environment: The variables.
            scheme: Of which URLs.

        Raises:
            ConfigurationError: If the proxy is none that can be chained.
        """
        variable = next((name for name in _PROXY_VARIABLES[scheme] if environment.get(name)), None)
        if variable is None:
            return None
        written = environment[variable]
        try:
            parts = urlsplit(written if "://" in written else f"http://{written}")
            host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme)
        except ValueError:
            host, port = None, None
        if not host or port is None:
            raise ConfigurationError(
                f"The proxy that {variable} names cannot be used.",
                cause="The local Azure passes requests for other hosts on to an http:// or https:// proxy with a host.",
                remedy=f"Write {variable} as http://HOST:PORT, or unset it if no proxy is needed to reach other hosts.",
            )
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        credentials = f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}" if user or password else None
        entries = ",".join(environment.get(name, "") for name in ("no_proxy", "NO_PROXY"))
        no_proxy = tuple(dict.fromkeys(entries.replace(",", " ").lower().split()))
        return cls(host, port, parts.scheme == "https", credentials, no_proxy)

    def serves(self, target: Target) -> bool:
        """Return whether a request goes through this proxy: not to this machine, nor to what NO_PROXY names."""
        if target.is_loopback():
            return False
        return not any(_covers(entry, target) for entry in self.no_proxy)

    async def open(self) -> Streams:
        """Return a connection to the proxy itself.

        Raises:
            OSError: If it cannot be reached, or its certificate is not trusted.
        """
        import asyncio  # noqa: PLC0415 (loaded when something is served: a start does not wait for it)

        context = ssl.create_default_context() if self.tls else None
        return await asyncio.open_connection(self.host, self.port, ssl=context, limit=HEAD_LIMIT)

    async def connect(self, target: Target) -> Streams:
        """Return a tunnel through the proxy.

        Raises:
            RefusedError: If the proxy refuses.
            OSError: If it cannot be reached, or its certificate is not trusted.
        """
        import asyncio  # noqa: PLC0415 (loaded when something is served: a start does not wait for it)

        reader, writer = await self.open()
        try:
            writer.write(self._request(target))
            head = await reader.readuntil(b"\r\n\r\n")
            self._check(head.split(b"\r\n", 1)[0].decode("latin-1"), target)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            writer.transport.abort()
            raise ConnectionError(f"the proxy {self.host}:{self.port} gave no answer") from error
        except BaseException:
            writer.transport.abort()
            raise
        return reader, writer

    def _check(self, status: str, target: Target) -> None:
        version, _, rest = status.partition(" ")
        if not version.startswith("HTTP/") or not rest.startswith("2"):
            raise RefusedError(
                HTTPStatus.BAD_GATEWAY,
                f"The proxy {self.host} answered {rest[:100]}",
                f"The proxy {self.host}:{self.port}, which was configured before, did not let {target.host} through.",
                header="Proxy-Status: keyless; error=http_request_denied",
            )

    def _request(self, target: Target) -> bytes:
        credentials = f"Proxy-Authorization: {self.credentials}\r\n" if self.credentials else ""
        return f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{credentials}\r\n".encode()


def _covers(entry: str, target: Target) -> bool:
    """Return whether an entry of NO_PROXY names a host: itself, a domain above it, or a network that holds it."""
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(target.host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        name, colon, port = entry.rpartition(":")
        if colon and port.isdecimal() and int(port) == target.port:
            return _covers(name, target)
        return f".{target.host}".endswith(f".{entry.removeprefix('*').removeprefix('.')}")
