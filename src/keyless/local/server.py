"""Starts the local Azure on this machine and stops it: three listeners, the environment that leads to them, their files."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import socket
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Self

import certifi
from aiohttp import web

from keyless.errors import ConfigurationError, LocalAzureError
from keyless.local.environment import IDENTITY_VARIABLES, proxy_variables, trust_variables
from keyless.local.identity import app_service
from keyless.local.loop_thread import LoopThread
from keyless.local.model import Azure
from keyless.local.proxy import ConnectProxy
from keyless.local.store import Store
from keyless.local.tls import CertificateAuthority
from keyless.local.vault import vault_app

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from types import TracebackType

    from keyless.local.clock import Clock
    from keyless.local.config import Config
    from keyless.local.journal import Journal
    from keyless.local.model import Identity, Vault

__all__ = ["IDENTITY_VARIABLES", "LocalAzure"]

_LOOPBACK = "127.0.0.1"
_EVERYWHERE = {"0.0.0.0": _LOOPBACK, "::": "::1"}
_BACKLOG = 1024
_MAX_PORT = 65535
_SHUTDOWN_TIMEOUT = 1.0


@dataclass(frozen=True, slots=True)
class _Sockets:
    """The sockets of a run, bound before anything is served, so that every address is known.

    Attributes:
        http: Where the identity endpoint is served.
        https: Where the vaults are served.
        proxy: Where the proxy is served.
        silent: Never served. Whoever connects is refused, and nobody else can have the port.
    """

    http: socket.socket
    https: socket.socket
    proxy: socket.socket
    silent: socket.socket


@dataclass(frozen=True, slots=True)
class _Run:
    """What there is from the start to the end."""

    azure: Azure
    sockets: _Sockets
    ca_file: Path
    bundle_file: Path
    header: str = field(repr=False)


class LocalAzure:
    """Managed identity and Key Vault on this machine, from ``with`` to its end.

    It serves from a thread of its own, so that the test or program that starts it can be its client. It leaves nothing
    behind: no thread, no socket, and no file but those in ``data``.

    Example:
        >>> with LocalAzure() as local_azure:
        ...     local_azure.vault("contoso-kv").url
        'https://contoso-kv.vault.azure.net'

    Args:
        config: What exists at the start; None means the example that comes with Keyless.
        data: The folder in which to keep secrets; None forgets them at the end.
        host: The address to listen at. Whoever reaches another one than loopback can read every secret.
        http_port: Where to serve the identity endpoint; 0 means any free port.
        https_port: Where to serve the vaults; 0 means any free port.
        proxy_port: Where to serve the proxy that leads to the vaults; 0 means any free port.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        data: Path | None = None,
        host: str = _LOOPBACK,
        http_port: int = 0,
        https_port: int = 0,
        proxy_port: int = 0,
    ) -> None:
        self._config = config
        self._data = data
        self._host = host
        self._ports = {"http_port": http_port, "https_port": https_port, "proxy_port": proxy_port}
        self._started: _Run | None = None
        self._ending = ExitStack()

    def __enter__(self) -> Self:
        """Start, and return when every listener serves.

        Raises:
            ConfigurationError: If what the configuration describes cannot exist, or a port is not one.
            LocalAzureError: If a port is in use, ``data`` cannot be written, or this one runs already.
        """
        if self._started is not None:
            raise LocalAzureError(
                "The local Azure cannot be started.", cause="It runs already.", remedy="Make another LocalAzure."
            )
        with ExitStack() as stack:
            azure = Azure(self._config, store=_open_store(self._data))
            stack.callback(azure.close)
            authority = CertificateAuthority()
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="keyless-")))
            ca_file, bundle_file = _write_trust(folder, authority.root_pem)
            run = _Run(azure, self._bind(stack), ca_file, bundle_file, secrets.token_hex(16).upper())
            context = authority.server_context()
            stack.enter_context(LoopThread(lambda: _serving(run, context), name="keyless-local-azure"))
            self._started, self._ending = run, stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._started = None
        self._ending.close()

    def _bind(self, stack: ExitStack) -> _Sockets:
        """Bind every socket; each is closed at the end, also where asyncio has closed it before."""
        http, https, proxy = (
            stack.enter_context(_listener(self._host, port, name)) for name, port in self._ports.items()
        )
        silent = stack.enter_context(socket.socket())
        silent.bind((_LOOPBACK, 0))
        return _Sockets(http, https, proxy, silent)

    @property
    def _run(self) -> _Run:
        if self._started is None:
            raise LocalAzureError(
                "The local Azure is not running.",
                cause="It runs from `with` to its end.",
                remedy="Use it inside: with LocalAzure() as local_azure: ...",
            )
        return self._started

    @property
    def azure(self) -> Azure:
        """The world that is served: vaults, identities, roles."""
        return self._run.azure

    @property
    def clock(self) -> Clock:
        """Its time, to be moved forward."""
        return self._run.azure.clock

    @property
    def journal(self) -> Journal:
        """What was asked and what was answered."""
        return self._run.azure.journal

    def vault(self, name: str) -> Vault:
        """Return a vault by its name.

        Raises:
            LocalAzureError: If there is none; the error lists those that exist.
        """
        return self._run.azure.vault(name)

    def identity(self, name: str) -> Identity:
        """Return an identity by its name; ``system`` is the host's system-assigned one.

        Raises:
            LocalAzureError: If there is none; the error lists those that exist.
        """
        return self._run.azure.identity(name)

    @property
    def http_url(self) -> str:
        """Where the identity endpoint is served."""
        return f"http://{_netloc(self._run.sockets.http)}"

    @property
    def https_url(self) -> str:
        """Where the vaults are served, for clients that send a vault's name in Host."""
        return f"https://{_netloc(self._run.sockets.https)}"

    @property
    def proxy_url(self) -> str:
        """The proxy that leads vault hosts to ``https_url``."""
        return f"http://{_netloc(self._run.sockets.proxy)}"

    @property
    def ca_file(self) -> Path:
        """The local root certificate, alone."""
        return self._run.ca_file

    @property
    def bundle_file(self) -> Path:
        """The public root certificates and the local one."""
        return self._run.bundle_file

    def environment(self, *, identity: bool = True) -> dict[str, str]:
        """Return the variables with which an unmodified program uses this Azure; unset IDENTITY_VARIABLES first.

        Args:
            identity: Whether the host has the endpoint of App Service. Without it clients turn to the metadata service of
                virtual machines, which ``AZURE_POD_IDENTITY_AUTHORITY_HOST`` puts where every connection is refused, as
                the sandbox of App Service refuses it. Nothing asks the real address by accident.
        """
        run = self._run
        endpoint = {"IDENTITY_ENDPOINT": f"{self.http_url}{app_service.PATH}", "IDENTITY_HEADER": run.header}
        host = _reachable(run.sockets.http)[0]
        no_proxy = ",".join(os.environ.get(name, "") for name in ("NO_PROXY", "no_proxy"))
        return {
            **(endpoint if identity else {}),
            "AZURE_POD_IDENTITY_AUTHORITY_HOST": f"http://{_netloc(run.sockets.silent)}",
            **proxy_variables(self.proxy_url, host=host, no_proxy=no_proxy),
            **trust_variables(bundle_file=run.bundle_file, ca_file=run.ca_file),
        }


@asynccontextmanager
async def _serving(run: _Run, context: ssl.SSLContext) -> AsyncIterator[None]:
    """Serve identities, vaults and the proxy; the proxy stops first, since its tunnels lead to the vaults."""
    identities = web.Application()
    identities.add_routes(app_service.routes(run.azure, secret=run.header))
    proxy = ConnectProxy(
        vault_hosts=lambda: {vault.host for vault in run.azure.vaults.values()},
        vaults_at=_reachable(run.sockets.https),
    )
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_site(identities, run.sockets.http, None))
        await stack.enter_async_context(_site(vault_app(run.azure), run.sockets.https, context))
        stack.push_async_callback(proxy.close)
        await proxy.start(run.sockets.proxy)
        yield


@asynccontextmanager
async def _site(app: web.Application, listener: socket.socket, context: ssl.SSLContext | None) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT)
    await runner.setup()
    try:
        await web.SockSite(runner, listener, ssl_context=context, backlog=_BACKLOG).start()
        yield
    finally:
        connections = runner.server.connections if runner.server else []
        transports = [connection.transport for connection in connections]
        await runner.cleanup()
        # Closing waits for the client's farewell in TLS, for longer than the loop lives.
        for transport in transports:
            if transport is not None:
                transport.abort()
        await asyncio.sleep(0)


def _listener(host: str, port: int, name: str) -> socket.socket:
    if not 0 <= port <= _MAX_PORT:
        raise ConfigurationError(
            f"{name}={port} is not a port.",
            cause=f"Ports are 1 to {_MAX_PORT}.",
            remedy="Give one of those, or 0 for any free port.",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        in_use = error.errno == errno.EADDRINUSE
        raise LocalAzureError(
            f"The local Azure cannot listen at {host} port {port}: {error.strerror}.",
            cause="Another program listens there." if in_use else "This machine does not let it.",
            remedy=f"Give another {name}, or 0 for any free port." if port else "Give another host.",
        ) from error


def _reachable(listener: socket.socket) -> tuple[str, int]:
    """Return the address at which this machine reaches a listener."""
    host, port = listener.getsockname()[:2]
    return _EVERYWHERE.get(host, host), port


def _netloc(listener: socket.socket) -> str:
    host, port = _reachable(listener)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _open_store(data: Path | None) -> Store:
    if data is None:
        return Store()
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise LocalAzureError(
            f"The folder {data} cannot be made.",
            cause=f"{error.strerror}.",
            remedy="Name a folder that can be written to, or none to keep secrets in memory.",
        ) from error
    return Store(data / "secrets.db")


def _write_trust(folder: Path, root_pem: bytes) -> tuple[Path, Path]:
    ca_file, bundle_file = folder / "ca.pem", folder / "bundle.pem"
    ca_file.write_bytes(root_pem)
    bundle_file.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + root_pem)
    return ca_file, bundle_file
