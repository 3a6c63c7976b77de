"""Starts the local Azure on this machine and stops it: its listeners, the environment that leads to them, their files."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from aiohttp import web

from keyless.errors import LocalAzureError
from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import default_config
from keyless.local.azure.storage.database import Database
from keyless.local.files.data_folder import DataFolder
from keyless.local.files.private_folder import private_folder
from keyless.local.pki.authority import CertificateAuthority, ServerCertificate, self_signed
from keyless.local.pki.kept_authority import kept_authority
from keyless.local.pki.trust import TrustFiles, write_trust
from keyless.local.programs.described_sources import describe_sources
from keyless.local.programs.environment import (
    IDENTITY_VARIABLES,
    METADATA_HOST_VARIABLE,
    proxy_variables,
    trust_variables,
)
from keyless.local.wire.control.site import ROOT, Control
from keyless.local.wire.identity import arc, service_fabric
from keyless.local.wire.identity.site import IdentitySources, check_source, guard
from keyless.local.wire.keyvault import vault_app
from keyless.local.wire.proxy.proxy import USER, ConnectProxy
from keyless.local.wire.proxy.upstream import Upstream
from keyless.local.wire.serving import listeners
from keyless.local.wire.serving.loop_thread import LoopThread
from keyless.local.wire.serving.passing_time import passing_time

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator
    from pathlib import Path
    from types import TracebackType

    from keyless.local.azure.azure import Identity, Vault
    from keyless.local.azure.config.config import Config
    from keyless.local.azure.event_grid import EventGrid
    from keyless.local.clock import Clock
    from keyless.local.instruments.faults import Faults
    from keyless.local.instruments.journal import Journal

__all__ = ["IDENTITY_VARIABLES", "LocalAzure"]


@dataclass(frozen=True, slots=True)
class _Sockets:
    """The sockets of a run, bound before anything is served, so that every address is known.

    Attributes:
        http: Where identities are served, but for those below.
        https: Where the vaults are served.
        proxy: Where the proxy is served.
        service_fabric: Where the identity endpoint of Service Fabric is served.
        authority: Where the authority is served.
        silent: Never served.
    """

    http: socket.socket
    https: socket.socket
    proxy: socket.socket
    service_fabric: socket.socket
    authority: socket.socket
    silent: socket.socket


@dataclass(frozen=True, slots=True)
class _Run:
    """What there is from the start to the end."""

    azure: Azure
    sockets: _Sockets
    sources: IdentitySources
    control: Control
    certificate: ServerCertificate
    trust: TrustFiles
    upstream: Upstream | None
    proxy_password: str = field(repr=False)


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
        source: Where ``environment()`` says that the program runs, unless it is told otherwise.
        data: The folder in which to keep secrets, and what clients rely on: a program started before a restart goes on
            after it if the ports are named. None forgets them at the end.
        host: The address to listen at. Whoever reaches another one than loopback can read every secret.
        http_port: Where to serve the identity endpoint; 0 means any free port.
        https_port: Where to serve the vaults; 0 means any free port.
        proxy_port: Where to serve the proxy that leads to the vaults; 0 means any free port.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        source: str = "app-service",
        data: Path | None = None,
        host: str = listeners.LOOPBACK,
        http_port: int = 0,
        https_port: int = 0,
        proxy_port: int = 0,
    ) -> None:
        self._config = default_config() if config is None else config
        self._source = check_source(source)
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
            kept = stack.enter_context(DataFolder(self._data)) if self._data else None
            azure = Azure(self._config, database=Database(kept.store_file if kept else None))
            stack.callback(azure.close)
            authority = kept_authority(kept.authority_file) if kept else CertificateAuthority()
            folder = stack.enter_context(private_folder())
            run = self._prepare(azure, self._bind(stack), folder, authority.root_pem)
            stack.callback(run.sources.close)
            stack.enter_context(LoopThread(lambda: _serving(run, authority, self._host), name="keyless-local-azure"))
            self._started, self._ending = run, stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._started = None
        self._ending.close()

    def _bind(self, stack: ExitStack) -> _Sockets:
        """Bind every socket; each is closed at the end, also where asyncio has closed it before."""
        http, https, proxy, service_fabric_at, authority = (
            stack.enter_context(listeners.bind(self._host, port, name))
            for name, port in (*self._ports.items(), ("service_fabric_port", 0), ("authority_port", 0))
        )
        silent = stack.enter_context(listeners.bind_silent())
        return _Sockets(http, https, proxy, service_fabric_at, authority, silent)

    def _prepare(self, azure: Azure, sockets: _Sockets, folder: Path, root_pem: bytes) -> _Run:
        certificate = self_signed()
        trust = write_trust(
            self._data or folder,
            root_pem=root_pem,
            service_fabric_pem=certificate.chain_pem,
            environment=os.environ,
        )
        sources = IdentitySources(
            azure,
            http_url=f"http://{listeners.netloc(sockets.http)}",
            service_fabric_url=f"https://{listeners.named_netloc(sockets.service_fabric)}",
            thumbprint=certificate.thumbprint,
            authority_url=f"https://{listeners.named_netloc(sockets.authority)}",
            folder=folder,
        )
        upstream = Upstream.of(os.environ)
        control = Control(azure, sources=lambda: describe_sources(self.environment))
        return _Run(azure, sockets, sources, control, certificate, trust, upstream, azure.shared_secret("proxy"))

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

    @property
    def faults(self) -> Faults:
        """What goes wrong, on purpose."""
        return self._run.azure.faults

    @property
    def event_grid(self) -> EventGrid:
        """What its vaults tell of new versions of secrets; a ``FunctionHost`` gives it to functions."""
        return self._run.azure.event_grid

    def reset(self, config: Config | None = None) -> None:
        """Begin anew, as a start would, but in about a millisecond and at the same addresses.

        Args:
            config: What exists then; None means what this Azure was made with.

        Raises:
            LocalAzureError: If it keeps its secrets in ``data``: they would be lost.
        """
        if self._data is not None:
            raise LocalAzureError(
                "This local Azure cannot be reset.",
                cause=f"It keeps its secrets in {self._data}, and they would be lost.",
                remedy="Make one without data=, or purge what is to go.",
            )
        self._run.azure.reset(config or self._config)

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
        """Where identities are served, and the proxy to the metadata service for clients that have its address built in."""
        return f"http://{listeners.netloc(self._run.sockets.http)}"

    @property
    def https_url(self) -> str:
        """Where the vaults are served, for clients that send a vault's name in Host."""
        return f"https://{listeners.netloc(self._run.sockets.https)}"

    @property
    def proxy_url(self) -> str:
        """The proxy that leads vault hosts to ``https_url``, with the password that keeps other users out."""
        return f"http://{USER}:{self._run.proxy_password}@{listeners.netloc(self._run.sockets.proxy)}"

    @property
    def authority_url(self) -> str:
        """The authority: it exchanges a pod's tokens, and publishes what tokens are checked with."""
        return f"https://{listeners.named_netloc(self._run.sockets.authority)}"

    @property
    def control_url(self) -> str:
        """The control API, for programs that are not in Python: ``keyless secret`` and its like ask it."""
        return f"{self.http_url}{ROOT}"

    @property
    def control_token(self) -> str:
        """What a request to the control API must show. Whoever has it can read and change everything."""
        return self._run.control.token

    @property
    def ca_file(self) -> Path:
        """The local root certificate, alone."""
        return self._run.trust.ca_file

    @property
    def bundle_file(self) -> Path:
        """The public root certificates, those that the environment named already, and the local one."""
        return self._run.trust.bundle_file

    def environment(self, *, source: str | None = None, identity: bool | str = True) -> dict[str, str]:
        """Return the variables with which an unmodified program uses this Azure; unset IDENTITY_VARIABLES first.

        Args:
            source: On which kind of host the program is to think itself; by default, the one that this Azure was made for.
            identity: Whether the host has the source's endpoint. Without it clients turn to the metadata service of
                virtual machines, which ``AZURE_POD_IDENTITY_AUTHORITY_HOST`` puts where every connection is refused, as
                the sandbox of App Service refuses it. Nothing asks the real address by accident. Or the name of the
                identity that a program gets without naming one, for sources whose variables can say so.

        Raises:
            LocalAzureError: If there is no such source or identity, or the source cannot be had on this machine.
        """
        run, name = self._run, check_source(source or self._source)
        if name == arc.NAME and identity:
            arc.check_key_folder()
        chosen = self.identity(identity) if isinstance(identity, str) else None
        found = run.sources.variables(name, identity=chosen) if identity else {}
        host = listeners.reachable(run.sockets.http)[0]
        no_proxy = ",".join(os.environ.get(name, "") for name in ("NO_PROXY", "no_proxy"))
        trust = run.trust
        node_file = trust.service_fabric_node_file if name == service_fabric.NAME else trust.node_file
        return {
            METADATA_HOST_VARIABLE: f"http://{listeners.netloc(run.sockets.silent)}",
            **found,
            **proxy_variables(self.proxy_url, host=host, no_proxy=no_proxy),
            **trust_variables(bundle_file=trust.bundle_file, node_file=node_file),
        }


@asynccontextmanager
async def _serving(run: _Run, authority: CertificateAuthority, host: str) -> AsyncIterator[None]:
    """Serve identities, vaults and the proxy; the proxy stops first, since its tunnels lead to the vaults."""
    sockets, context, guarded = run.sockets, authority.server_context(), guard(host=host)
    proxy = ConnectProxy(
        vault_hosts=lambda: {vault.host for vault in run.azure.vaults.values()},
        vaults_at=listeners.reachable(sockets.https),
        password=run.proxy_password,
        bundle_file=run.trust.bundle_file,
        upstream=run.upstream,
    )
    async with AsyncExitStack() as stack:
        for routes, listener, trust in (
            ([*run.control.routes(), *run.sources.http_routes()], sockets.http, None),
            (run.sources.service_fabric_routes(), sockets.service_fabric, run.certificate.server_context()),
            (run.sources.authority_routes(), sockets.authority, context),
        ):
            app = web.Application(middlewares=[guarded])
            app.add_routes(routes)
            await stack.enter_async_context(listeners.site(app, listener, trust))
        await stack.enter_async_context(listeners.site(vault_app(run.azure), sockets.https, context))
        await stack.enter_async_context(passing_time(run.azure.lifetimes.act))
        stack.push_async_callback(proxy.close)
        await proxy.start(sockets.proxy)
        yield
