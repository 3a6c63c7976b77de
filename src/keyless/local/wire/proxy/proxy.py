"""A proxy that keeps what is Azure's on this machine and lets every other host go where it was going.

It lets a program keep its vault's real URL: the program asks the proxy of ``HTTPS_PROXY`` for
``contoso-kv.vault.azure.net:443`` and gets a tunnel to the local vaults, with TLS from end to end. Where a client asks for
an https:// URL instead, it is the proxy that speaks TLS, and verifies. As the proxy of ``HTTP_PROXY`` it answers for the
metadata service, or refuses it, so that no program which obeys a proxy asks the real one.

Source: https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6
"""

from __future__ import annotations

import asyncio
import secrets
from base64 import b64encode
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from keyless.local.wire.proxy.connect_request import (
    HEAD_LIMIT,
    ConnectRequest,
    Message,
    RefusedError,
    read_message,
    read_request,
)
from keyless.local.wire.proxy.passing import carry, close
from keyless.local.wire.proxy.peer import same_user
from keyless.local.wire.proxy.reached import Local, Reach
from keyless.local.wire.proxy.target import USER
from keyless.local.wire.serving.boundary import cause_of
from keyless.local.wire.serving.site import accept

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from keyless.local.wire.proxy.login import Login
    from keyless.local.wire.proxy.target import Target
    from keyless.local.wire.proxy.upstream import Upstream

    Address = tuple[str, int]
    Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_ESTABLISHED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"


class ConnectProxy:
    """The proxy, in the event loop that starts it.

    Args:
        local: What the local Azure answers for.
        password: What a client must give; programs of the same user need not, where the kernel says that they are.
        bundle_file: What a certificate is verified with where a client leaves TLS to the proxy; None for the machine's roots.
        upstream: The proxy through which other hosts are reached over TLS; None reaches them straight.
        plain_upstream: The same for plain HTTP.
        trusts: Says of a client's address and this end's whether the client needs no password.
        head_timeout: Seconds that a client may take to send its request.
        connect_timeout: Seconds that connecting to another host may take.
        idle_timeout: Seconds after which a tunnel that carries nothing in either direction is closed.
        most: How many clients there may be; one more ends the tunnel that has carried nothing for the longest.
    """

    def __init__(
        self,
        local: Local,
        *,
        password: str,
        bundle_file: Path | None = None,
        upstream: Upstream | None = None,
        plain_upstream: Upstream | None = None,
        trusts: Callable[[Address, Address], bool] = same_user,
        head_timeout: float = 10.0,
        connect_timeout: float = 10.0,
        idle_timeout: float = 300.0,
        most: int = 1_000,
    ) -> None:
        self._reach = Reach(
            local, bundle_file=bundle_file, upstream=upstream, plain_upstream=plain_upstream, timeout=connect_timeout
        )
        self._credentials = b64encode(f"{USER}:{password}".encode())
        self._trusts = trusts
        self._head_timeout = head_timeout
        self._idle_timeout = idle_timeout
        self._most = most
        self._clients: dict[asyncio.Task[None], asyncio.Timeout | None] = {}
        self._server: asyncio.Server | None = None
        self._is_closed = False

    async def start(self, listener: socket.socket) -> None:
        """Serve the clients of a bound socket, which is the proxy's from now on."""
        loop = asyncio.get_running_loop()
        self._server = await accept(
            lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader(HEAD_LIMIT, loop=loop), self._accept, loop=loop),
            listener,
        )

    async def close(self) -> None:
        """Stop listening, and close every tunnel."""
        if self._server is None:
            return
        self._is_closed = True
        self._server.close()
        for client in list(self._clients):
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_closed:  # It came at the last moment, and Python 3.12 waits until it has gone.
            writer.transport.abort()
            return
        # A task of our own, since asyncio takes the cancelling of one that it made for a failure.
        client = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._make_room()
        self._clients[client] = None

        def leave(ended: asyncio.Task[None]) -> None:
            del self._clients[ended]
            writer.close()  # One that was cancelled before it began has closed nothing.

        client.add_done_callback(leave)

    def _make_room(self) -> None:
        """End the tunnel that has carried nothing for the longest, where there are too many clients."""
        if len(self._clients) < self._most:
            return
        tunnels = [(idle.when() or 0.0, client) for client, idle in self._clients.items() if idle is not None]
        if tunnels:
            _, client = min(tunnels, key=lambda tunnel: tunnel[0])
            self._clients[client] = None
            client.cancel()
            self._reach.local.say("too many tunnels are open: the one that was idle for the longest was closed.")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except RefusedError as refusal:
            writer.write(refusal.answer)
        except (OSError, EOFError):
            pass  # The client went away, or sent nothing for too long: there is nobody to answer.
        except Exception as error:  # noqa: BLE001 (this is the boundary)
            cause = cause_of(error)
            self._reach.local.say(f"proxy: {cause}")
            writer.write(RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "The proxy failed", cause).answer)
        finally:
            await close(writer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(self._head_timeout):
            request = await read_request(reader)
        self._let_in(request, writer)
        target = request.target
        if target is None:
            raise RefusedError(
                HTTPStatus.BAD_REQUEST,
                "Not a host and a port",
                "CONNECT takes HOST:PORT or [IPv6]:PORT, and a URL has a host.",
            )
        near, login = (reader, writer), self._reach.local.login
        if request.message is None and login is not None and target.is_login():
            await self._stand_in(near, target, login)
        elif request.message is None:
            far = await self._reach.tunnel(target)
            writer.write(_ESTABLISHED)
            await self._carry(near, far, answer=False)
        elif request.tls:
            await self._ask_securely(near, target, request.message)
        else:
            await self._ask(near, target, request.message)

    def _let_in(self, request: ConnectRequest, writer: asyncio.StreamWriter) -> None:
        """Refuse a client that neither has the password nor is known to be of the same user.

        Raises:
            RefusedError: As said.
        """
        if request.credentials is not None:
            scheme, _, given = request.credentials.partition(" ")
            welcome = scheme.lower() == "basic" and secrets.compare_digest(given.strip().encode(), self._credentials)
        else:
            peer, here = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
            welcome = bool(peer and here) and self._trusts((peer[0], peer[1]), (here[0], here[1]))
        if not welcome:
            raise RefusedError(
                HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
                "This proxy wants the password in its URL",
                "Use the whole of HTTPS_PROXY as Keyless gives it: with the user name and the password before the @.",
                header='Proxy-Authenticate: Basic realm="keyless"',
            )

    async def _stand_in(self, near: Streams, target: Target, login: Login) -> None:
        """Be Microsoft Entra ID to a client for one request."""
        near[1].write(_ESTABLISHED)
        async with asyncio.timeout(self._head_timeout):
            await near[1].start_tls(login.context)
            message = await read_message(near[0], target)
        await self._ask_securely(near, target, message)

    async def _ask_securely(self, near: Streams, target: Target, message: Message) -> None:
        """Ask a host over TLS, in place of a client."""
        login = self._reach.local.login
        if login is not None and target.is_login() and login.answers(message):
            far, head = await self._reach.authority(login), message.head(host=login.netloc)
        else:
            far, head = await self._reach.tunnel(target), message.head()
            try:
                await self._reach.secure(far[1], target)
            except BaseException:
                await close(far[1])
                raise
        far[1].write(head)
        await self._carry(near, far, answer=True)

    async def _ask(self, near: Streams, target: Target, message: Message) -> None:
        """Ask a host over plain HTTP, in place of a client."""
        far, upstream = await self._reach.plain(target)
        url = f"http://{message.authority}{message.path}" if upstream else None
        far[1].write(message.head(url=url, credentials=upstream.credentials if upstream else None))
        await self._carry(near, far, answer=True)

    def _begun(self, idle: asyncio.Timeout) -> None:
        client = asyncio.current_task()
        if client in self._clients:
            self._clients[client] = idle

    async def _carry(self, near: Streams, far: Streams, *, answer: bool) -> None:
        try:
            await carry(near, far, idle_timeout=self._idle_timeout, answer=answer, begun=self._begun)
        finally:
            await close(far[1])
