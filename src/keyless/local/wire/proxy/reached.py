"""The places where the proxy sends a client: here, to the host itself, or through the proxy that was configured before."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import aiohappyeyeballs
from msgspec import field

from keyless.local.record import Record
from keyless.local.wire.proxy.connect_request import RefusedError
from keyless.local.wire.proxy.target import HTTP_PORT, HTTPS_PORT, METADATA_SERVICE, Target, is_platform_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping
    from pathlib import Path

    from keyless.local.wire.proxy.login import Login
    from keyless.local.wire.proxy.upstream import Upstream

    Address = tuple[str, int]
    Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_LOCALHOST: Final = "localhost"


def _say(line: str) -> None:
    sys.stderr.write(f"keyless: {line}\n")


class Local(Record, frozen=True, kw_only=True):
    """The hosts that the local Azure itself answers for.

    Attributes:
        vault_hosts: Tells the hosts of the vaults that exist now, in lower case.
        vaults_at: Where the local vaults listen.
        metadata_at: Where the local metadata service listens; None for a host that has none.
        login: The local authority, where it stands in for Microsoft Entra ID for its own tenant alone; None where it does not.
        services: Where each host is served that is here altogether, such as Azure Resource Manager's.
        say: Takes a line for the person who started it.
    """

    vault_hosts: Callable[[], Collection[str]]
    vaults_at: Address
    metadata_at: Address | None = None
    login: Login | None = None
    services: Mapping[str, Address] = field(default_factory=dict)
    say: Callable[[str], None] = _say


class Reach:
    """Makes the connections.

    Args:
        local: What is here.
        bundle_file: What a certificate is verified with where the proxy speaks TLS; None for the machine's roots.
        upstream: The proxy through which hosts are reached over TLS; None reaches them straight.
        plain_upstream: The same for plain HTTP.
        timeout: Seconds that connecting may take.
    """

    def __init__(
        self,
        local: Local,
        *,
        bundle_file: Path | None,
        upstream: Upstream | None,
        plain_upstream: Upstream | None,
        timeout: float,
    ) -> None:
        self.local = local
        self._bundle_file = bundle_file
        self._upstream = upstream
        self._plain_upstream = plain_upstream
        self._timeout = timeout

    async def tunnel(self, target: Target) -> Streams:
        """Return a connection to a host, or to what stands for it here.

        Raises:
            RefusedError: If the host is not reached from here, or not at all.
        """
        if target.is_vault():
            self._check_vault(target)
            return await asyncio.open_connection(*self.local.vaults_at)
        if target.host in self.local.services:
            _refuse_plain(target)
            return await asyncio.open_connection(*self.local.services[target.host])
        if target.is_metadata_service() and self.local.metadata_at is not None:
            return await asyncio.open_connection(*self.local.metadata_at)
        if target.leads_to_platform():
            raise _platform_refused(target)
        # Some clients tunnel plain HTTP, too.
        upstream = self._plain_upstream if target.port == HTTP_PORT else self._upstream
        return await self._connect(target, upstream)

    async def plain(self, target: Target) -> tuple[Streams, Upstream | None]:
        """Return a connection on which a request over plain HTTP is sent, and the proxy that it leads to, if it does.

        Raises:
            RefusedError: If the host is not reached from here, or not at all.
        """
        upstream = self._plain_upstream
        if upstream is None or not upstream.serves(target) or self._is_here(target):
            return await self.tunnel(target), None
        return await self._within(target, upstream.open()), upstream

    async def authority(self, login: Login) -> Streams:
        """Return a connection to the local authority over TLS, certificate verified.

        Raises:
            RefusedError: If TLS cannot be begun.
        """
        streams = await asyncio.open_connection(*login.at)
        await self.secure(streams[1], Target(_LOCALHOST, login.at[1]))
        return streams

    def _is_here(self, target: Target) -> bool:
        return target.is_vault() or target.leads_to_platform() or target.host in self.local.services

    async def _connect(self, target: Target, upstream: Upstream | None) -> Streams:
        if upstream is not None and upstream.serves(target):
            return await self._within(target, upstream.connect(target))
        return await self._within(target, _connect_to_resolved(target))

    async def _within(self, target: Target, connecting: Awaitable[Streams]) -> Streams:
        try:
            async with asyncio.timeout(self._timeout):
                return await connecting
        except TimeoutError:
            raise RefusedError(
                HTTPStatus.GATEWAY_TIMEOUT,
                f"No connection to {target.host} port {target.port} in {self._timeout:g} s",
                f"{target.host} did not answer on port {target.port}.",
                header="Proxy-Status: keyless; error=connection_timeout",
            ) from None
        except OSError as error:
            raise RefusedError(
                HTTPStatus.BAD_GATEWAY,
                f"No connection to {target.host} port {target.port}",
                f"Connecting to {target.host} port {target.port} failed: {error}.",
                header="Proxy-Status: keyless; error=destination_unavailable",
            ) from None

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._bundle_file)

    async def secure(self, far_writer: asyncio.StreamWriter, target: Target) -> None:
        """Begin TLS with a host, as the client that asked for an https:// URL would.

        Raises:
            RefusedError: If it cannot be begun, or the certificate is not trusted.
        """
        try:
            async with asyncio.timeout(self._timeout):
                await far_writer.start_tls(self._context, server_hostname=target.host)
        except OSError as error:
            raise RefusedError(
                HTTPStatus.BAD_GATEWAY,
                f"No TLS with {target.host} port {target.port}",
                f"TLS with {target.host} port {target.port} failed: {error}.",
                header="Proxy-Status: keyless; error=tls_certificate_error",
            ) from None

    def _check_vault(self, target: Target) -> None:
        """Refuse a vault that does not exist as if its name did not resolve, and say which do.

        Raises:
            RefusedError: If the vault does not exist, or the port is one where Key Vault does not listen.
        """
        existing = sorted(self.local.vault_hosts())
        if target.host not in existing:
            known = f"Vaults that exist: {', '.join(existing) or 'none'}."
            self.local.say(f"no vault {target.host} in the local Azure. {known}")
            raise RefusedError(
                HTTPStatus.BAD_GATEWAY,
                f"No vault {target.host} in the local Azure",
                f"There is no vault {target.host} in the local Azure, and the request was not let out. {known} "
                "Add the vault to keyless.toml, or correct the vault URL.",
                header='Proxy-Status: keyless; error=dns_error; rcode="NXDOMAIN"',
            )
        if target.port != HTTPS_PORT:
            raise RefusedError(
                HTTPStatus.BAD_GATEWAY,
                f"Key Vault listens on port {HTTPS_PORT} alone",
                f"{target.host} was asked for on port {target.port}. Leave the port out of the vault URL, and begin it with https://.",
                header="Proxy-Status: keyless; error=connection_refused",
            )


async def _connect_to_resolved(target: Target) -> Streams:
    """Connect to a host, at none but the addresses that were looked at: a name can lead anywhere.

    Raises:
        RefusedError: If one of them is an address at which Azure serves its machines.
    """
    found = await asyncio.get_running_loop().getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    if any(is_platform_address(str(address[0])) for *_, address in found):
        raise _platform_refused(target)
    connected = await aiohappyeyeballs.start_connection(found, happy_eyeballs_delay=0.25)
    return await asyncio.open_connection(sock=connected)


def _refuse_plain(target: Target) -> None:
    if target.port == HTTP_PORT:
        raise RefusedError(
            HTTPStatus.BAD_GATEWAY,
            f"{target.host} answers https alone",
            f"{target.host} was asked for on port {HTTP_PORT}. Begin the URL with https://.",
            header="Proxy-Status: keyless; error=connection_refused",
        )


def _platform_refused(target: Target) -> RefusedError:
    return RefusedError(
        HTTPStatus.FORBIDDEN,
        "Addresses of the Azure platform are not reached from here",
        f"{target.host} is an address where a machine in Azure has its metadata service, or a name of one. "
        f"With --source imds the local Azure answers at http://{METADATA_SERVICE}.",
    )
