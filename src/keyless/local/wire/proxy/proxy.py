"""A CONNECT proxy that keeps vault hosts on this machine and lets every other host go where it was going.

It lets a program keep its vault's real URL: the program asks the proxy of ``HTTPS_PROXY`` for
``contoso-kv.vault.azure.net:443`` and gets a tunnel to the local vaults, with TLS from end to end. Where a client asks for
an https:// URL instead, it is the proxy that speaks TLS, and verifies.

Source: https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import ssl
import sys
from base64 import b64encode
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import aiohappyeyeballs

from keyless.local.wire.proxy.connect_request import HEAD_LIMIT, RefusedError, Target, is_platform_address, read_request
from keyless.local.wire.proxy.peer import same_user

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from keyless.local.wire.proxy.upstream import Upstream

    Address = tuple[str, int]
    Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

USER: Final = "keyless"
"""The user name that a client gives together with the proxy's password."""

_HTTPS = 443
_CHUNK = 64 * 1024
_FLUSH_FOR = 1.0


class ConnectProxy:
    """The proxy, in the event loop that starts it.

    Args:
        vault_hosts: Tells the hosts of the vaults that exist now, in lower case.
        vaults_at: Where the local vaults listen.
        password: What a client must give; programs of the same user need not, where the kernel says that they are.
        bundle_file: What a certificate is verified with where a client leaves TLS to the proxy; None for the machine's roots.
        upstream: The proxy through which other hosts are reached; None reaches them straight.
        trusts: Says of a client's address and this end's whether the client needs no password.
        head_timeout: Seconds that a client may take to send its request.
        connect_timeout: Seconds that connecting to another host may take.
        idle_timeout: Seconds after which a tunnel that carries nothing in either direction is closed.
    """

    def __init__(
        self,
        *,
        vault_hosts: Callable[[], Collection[str]],
        vaults_at: Address,
        password: str,
        bundle_file: Path | None = None,
        upstream: Upstream | None = None,
        trusts: Callable[[Address, Address], bool] = same_user,
        head_timeout: float = 10.0,
        connect_timeout: float = 10.0,
        idle_timeout: float = 300.0,
    ) -> None:
        self._vault_hosts = vault_hosts
        self._vaults_at = vaults_at
        self._credentials = b64encode(f"{USER}:{password}".encode())
        self._bundle_file = bundle_file
        self._upstream = upstream
        self._trusts = trusts
        self._head_timeout = head_timeout
        self._connect_timeout = connect_timeout
        self._idle_timeout = idle_timeout
        self._clients: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        """Serve the clients of a bound socket, which is the proxy's from now on."""
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=HEAD_LIMIT)

    async def close(self) -> None:
        """Stop listening, and close every tunnel."""
        if self._server is None:
            return
        self._server.close()
        await asyncio.sleep(0)  # A client that was accepted just now becomes known.
        for client in self._clients:
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own, since asyncio takes the cancelling of one that it made for a failure.
        client = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._clients.add(client)
        client.add_done_callback(self._clients.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._tunnel_for(reader, writer)
        except RefusedError as refusal:
            writer.write(refusal.answer)
        except (OSError, EOFError):
            pass  # The client went away, or sent nothing for too long: there is nobody to answer.
        finally:
            await _close(writer)

    async def _tunnel_for(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(self._head_timeout):
            request = await read_request(reader)
        if not self._lets_in(request.credentials, writer):
            raise RefusedError(
                HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
                "This proxy wants the password in its URL",
                "Use the whole of HTTPS_PROXY as Keyless gives it: with the user name and the password before the @.",
                header='Proxy-Authenticate: Basic realm="keyless"',
            )
        if request.target is None:
            raise RefusedError(
                HTTPStatus.BAD_REQUEST, "Not a host and a port", "CONNECT takes HOST:PORT or [IPv6]:PORT."
            )
        target = request.target
        far_reader, far_writer = await self._connect(target)
        try:
            if request.head is None:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                await self._secure(far_writer, target)
                far_writer.write(request.head)
            await self._carry(reader, far_writer, far_reader, writer)
        finally:
            await _close(far_writer)

    def _lets_in(self, credentials: str | None, writer: asyncio.StreamWriter) -> bool:
        if credentials is not None:
            scheme, _, given = credentials.partition(" ")
            return scheme.lower() == "basic" and secrets.compare_digest(given.strip().encode(), self._credentials)
        peer, here = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
        return bool(peer and here) and self._trusts((peer[0], peer[1]), (here[0], here[1]))

    async def _connect(self, target: Target) -> Streams:
        """Return a connection to the local vaults for a vault's host, and on the way to the host itself for any other."""
        if target.is_vault():
            self._check_vault(target)
            return await asyncio.open_connection(*self._vaults_at)
        if target.leads_to_platform():
            raise _platform_refused(target)
        try:
            async with asyncio.timeout(self._connect_timeout):
                if self._upstream is not None and self._upstream.serves(target):
                    return await self._upstream.connect(target)
                return await _connect_to_resolved(target)
        except TimeoutError:
            raise RefusedError(
                HTTPStatus.GATEWAY_TIMEOUT,
                f"No connection to {target.host} port {target.port} in {self._connect_timeout:g} s",
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

    async def _secure(self, far_writer: asyncio.StreamWriter, target: Target) -> None:
        """Begin TLS with a host, as the client that asked for an https:// URL would.

        Raises:
            RefusedError: If it cannot be begun, or the certificate is not trusted.
        """
        try:
            async with asyncio.timeout(self._connect_timeout):
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
        existing = sorted(self._vault_hosts())
        if target.host not in existing:
            known = f"Vaults that exist: {', '.join(existing) or 'none'}."
            sys.stderr.write(f"keyless: no vault {target.host} in the local Azure. {known}\n")
            raise RefusedError(
                HTTPStatus.BAD_GATEWAY,
                f"No vault {target.host} in the local Azure",
                f"There is no vault {target.host} in the local Azure, and the request was not let out. {known} "
                "Add the vault to keyless.toml, or correct the vault URL.",
                header='Proxy-Status: keyless; error=dns_error; rcode="NXDOMAIN"',
            )
        if target.port != _HTTPS:
            raise RefusedError(
                HTTPStatus.BAD_GATEWAY,
                f"Key Vault listens on port {_HTTPS} alone",
                f"{target.host} was asked for on port {target.port}. Leave the port out of the vault URL.",
                header="Proxy-Status: keyless; error=connection_refused",
            )

    async def _carry(
        self,
        reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Carry bytes both ways until either side ends or nothing moves for too long; RFC 9110 closes both then."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._idle_timeout) as idle:

            async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                while chunk := await source.read(_CHUNK):
                    sink.write(chunk)
                    await sink.drain()
                    idle.reschedule(loop.time() + self._idle_timeout)

            ways = [loop.create_task(copy(reader, far_writer)), loop.create_task(copy(far_reader, writer))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)


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


def _platform_refused(target: Target) -> RefusedError:
    return RefusedError(
        HTTPStatus.FORBIDDEN,
        "Addresses of the Azure platform are not reached from here",
        f"{target.host} is an address where a machine in Azure has its metadata service, or a name of one.",
    )


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close a connection after what was written has gone out, or without it where the other side does not take it."""
    writer.close()
    try:
        async with asyncio.timeout(_FLUSH_FOR):
            await writer.wait_closed()
    except OSError:  # Also TimeoutError: it is one.
        writer.transport.abort()
