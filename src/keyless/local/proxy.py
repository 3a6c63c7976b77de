"""A CONNECT proxy that keeps vault hosts on this machine and lets every other host go where it was going.

It lets a program keep its vault's real URL: the program asks the proxy of ``HTTPS_PROXY`` for
``contoso-kv.vault.azure.net:443`` and gets a tunnel to the local vaults, with TLS from end to end.

Source: https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import sys
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

from keyless.clouds import CLOUDS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    Address = tuple[str, int]
    Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_HTTPS = 443
_CHUNK = 64 * 1024
_FLUSH_FOR = 1.0

# The names under which private DNS knows the same vaults are theirs as well.
_VAULT_DOMAINS = (
    *(cloud.vault_suffix for cloud in CLOUDS),
    *(cloud.vault_suffix.replace("vault.", "vaultcore.", 1) for cloud in CLOUDS),
)
# Stricter than a resolver, which would take a name in other spellings (full-width dots, escapes) for a vault's.
_LABEL = "[0-9A-Za-z_-]{1,63}"
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

    def is_link_local(self) -> bool:
        """Say whether the host is a link-local address, where the metadata service of Azure lives."""
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            try:  # Resolvers take 2852039166 and 0xa9fea9fe for 169.254.169.254.
                address = ipaddress.IPv4Address(socket.inet_aton(self.host))
            except OSError:
                return False
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return (mapped or address).is_link_local


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


class ConnectProxy:
    """The proxy, in the event loop that starts it.

    Args:
        vault_hosts: Tells the hosts of the vaults that exist now, in lower case.
        vaults_at: Where the local vaults listen.
        head_timeout: Seconds that a client may take to send its request.
        connect_timeout: Seconds that connecting to another host may take.
        idle_timeout: Seconds after which a tunnel that carries nothing in either direction is closed.
    """

    def __init__(
        self,
        *,
        vault_hosts: Callable[[], Collection[str]],
        vaults_at: Address,
        head_timeout: float = 10.0,
        connect_timeout: float = 10.0,
        idle_timeout: float = 300.0,
    ) -> None:
        self._vault_hosts = vault_hosts
        self._vaults_at = vaults_at
        self._head_timeout = head_timeout
        self._connect_timeout = connect_timeout
        self._idle_timeout = idle_timeout
        self._clients: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket) -> None:
        """Serve the clients of a bound socket, which is the proxy's from now on."""
        self._server = await asyncio.start_server(self._accept, sock=listener, limit=_CHUNK)

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
            target = await _read_target(reader)
        far_reader, far_writer = await self._connect(target)
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await self._carry(reader, far_writer, far_reader, writer)
        finally:
            await _close(far_writer)

    async def _connect(self, target: Target) -> Streams:
        """Return a connection to the local vaults for a vault's host, and to the host itself for any other."""
        if target.is_vault():
            self._check_vault(target)
            return await asyncio.open_connection(*self._vaults_at)
        if target.is_link_local():
            raise RefusedError(
                HTTPStatus.FORBIDDEN,
                "Link-local addresses are not reached from here",
                f"{target.host} is a link-local address, where a machine in Azure has its metadata service.",
            )
        try:
            async with asyncio.timeout(self._connect_timeout):
                return await asyncio.open_connection(target.host, target.port, happy_eyeballs_delay=0.25)
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


async def _read_target(reader: asyncio.StreamReader) -> Target:
    """Read a request up to its empty line and return where it wants to go.

    Raises:
        RefusedError: If it is not a CONNECT request for a host and a port.
        EOFError: If the client closes before.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise RefusedError(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            "Request header too large",
            f"A request's header may have {_CHUNK} bytes.",
        ) from None
    method, _, rest = head.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")
    if method != "CONNECT":
        raise RefusedError(
            HTTPStatus.METHOD_NOT_ALLOWED,
            "This proxy takes CONNECT alone",
            "This proxy carries TLS: set it as HTTPS_PROXY, not as HTTP_PROXY.",
            header="Allow: CONNECT",
        )
    target = Target.parse(rest.partition(" ")[0])
    if target is None:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "Not a host and a port", "CONNECT takes HOST:PORT or [IPv6]:PORT.")
    return target


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close a connection after what was written has gone out, or without it where the other side does not take it."""
    writer.close()
    try:
        async with asyncio.timeout(_FLUSH_FOR):
            await writer.wait_closed()
    except OSError:  # Also TimeoutError: it is one.
        writer.transport.abort()
