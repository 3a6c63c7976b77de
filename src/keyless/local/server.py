"""Starts the local Azure on this machine and stops it: its listeners, the environment that leads to them, their files."""

from __future__ import annotations

import os
import secrets
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from keyless.errors import LocalAzureError
from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import check_real, config_of
from keyless.local.azure.storage.database import Database
from keyless.local.files.data_folder import DataFolder
from keyless.local.files.private_folder import private_folder
from keyless.local.files.refusals import told_in_words
from keyless.local.pki.authority import self_signed
from keyless.local.pki.kept_authority import bound_authority
from keyless.local.pki.trust import write_trust
from keyless.local.programs.described_sources import describe_sources
from keyless.local.programs.variables import IDENTITY_VARIABLES
from keyless.local.run import Run, bind_all, console_of, sources_of, variables_of
from keyless.local.sources import SOURCES
from keyless.local.wire.control.address import ROOT
from keyless.local.wire.identity import imds
from keyless.local.wire.identity.site import check_source
from keyless.local.wire.proxy import peer
from keyless.local.wire.proxy.target import USER
from keyless.local.wire.proxy.upstream import Upstream
from keyless.local.wire.serving import listeners
from keyless.local.wire.serving.first_client import FirstClient
from keyless.local.wire.serving.loop_thread import LoopThread

if TYPE_CHECKING:
    from collections.abc import Collection
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path
    from types import TracebackType

    from keyless.local.azure.azure import Identity, Vault
    from keyless.local.azure.config.config import Config
    from keyless.local.azure.event_grid import EventGrid
    from keyless.local.clock import Clock
    from keyless.local.instruments.faults import Faults
    from keyless.local.instruments.journal import Journal
    from keyless.local.pki.authority import CertificateAuthority
    from keyless.local.run import Sockets
    from keyless.local.sources import Real

__all__ = ["IDENTITY_VARIABLES", "LocalAzure"]

# A program that ends sooner asks nothing, and need not wait for what it would have asked to be loaded.
_HEAD_START = 0.05  # Seconds.


class LocalAzure:
    """Managed identity and Key Vault on this machine, from ``with`` to its end.

    It serves from a thread of its own, so that the test or program that starts it can be its client. It leaves nothing
    behind: no thread, no socket, and no file but those in ``data``.

    Example:
        >>> with LocalAzure() as local_azure:
        ...     local_azure.vault("contoso-kv").url
        'https://contoso-kv.vault.azure.net'

    Args:
        config: What exists at the start, or the path of a keyless.toml that says it; None means the example that comes with
            Keyless.
        source: Where the program runs according to ``environment()``, by default.
        data: The folder in which to keep secrets, and what clients rely on: a program started before a restart goes on
            after it if the ports are named. None forgets them at the end.
        host: The address to listen at. Whoever reaches another one than loopback can read every secret.
        http_port: Where to serve the identity endpoint; 0 means any free port.
        https_port: Where to serve the vaults; 0 means any free port.
        proxy_port: Where to serve the proxy that leads to the vaults; 0 means any free port.
        any_user: Whether to answer programs of other users of this machine, where the kernel shows whose they are.
        at_once: Whether to start as soon as clients can connect: their requests wait until the rest is loaded, which
            passes while a program that is started then loads itself.
        on_demand: Whether to load that rest when the first client connects, and never where none does.
        real: What of Azure is left alone, beside what the configuration says: ``arm`` is its management plane with
            Microsoft Entra ID and Microsoft Graph, which are local otherwise.
        console: Whether to serve the console, a page that shows and changes all this; it is loaded when it is opened.
    """

    def __init__(
        self,
        config: Config | Path | str | None = None,
        *,
        source: str = "app-service",
        data: Path | None = None,
        host: str = listeners.LOOPBACK,
        http_port: int = 0,
        https_port: int = 0,
        proxy_port: int = 0,
        any_user: bool = False,
        at_once: bool = False,
        on_demand: bool = False,
        real: Collection[Real] = (),
        console: bool = False,
    ) -> None:
        self._config = config_of(config)
        self._source = check_source(source)
        # A program that is given paths in it may have another working directory.
        self._data = data and data.resolve()
        self._host = host
        self._any_user = any_user
        self._waits = not (at_once or on_demand)
        self._head_start = None if on_demand else _HEAD_START
        self.real = check_real(real) | self._config.real
        self._has_console = console
        self._ports = {"http_port": http_port, "https_port": https_port, "proxy_port": proxy_port}
        self._started: Run | None = None
        self._serving: LoopThread | None = None
        self._ending = ExitStack()

    def __enter__(self) -> Self:
        """Start, and return when every listener serves, or with ``at_once`` or ``on_demand`` when every one is there.

        Raises:
            ConfigurationError: If what the configuration describes cannot exist, or a port is not one.
            LocalAzureError: If a port is in use, ``data`` cannot be written, or this one runs already.
        """
        if self._started is not None:
            raise LocalAzureError(
                "The local Azure cannot be started.", cause="It runs already.", remedy="Make another LocalAzure."
            )
        with told_in_words(self._data), ExitStack() as stack:
            kept = stack.enter_context(DataFolder(self._data)) if self._data else None
            azure = Azure(self._config, database=Database(kept.store_file if kept else None))
            stack.callback(azure.close)
            if kept:
                from keyless.local.azure.management.restored import restore  # noqa: PLC0415 (most runs keep nothing)

                restore(azure)
            authority, lists = bound_authority(stack, kept.authority_file if kept else None)
            folder = stack.enter_context(private_folder())
            run = self._prepare(
                azure, bind_all(stack, lists, host=self._host, ports=self._ports), folder, authority.root_pem
            )
            stack.callback(run.sources.close)
            run.sources.open(self._source)
            thread = LoopThread(
                partial(_serving, run, authority, self._host),
                waits=self._waits,
                first_client=None if self._waits else FirstClient(run.sockets.served(), seconds=self._head_start),
            )
            self._serving = stack.enter_context(thread)
            self._started, self._ending = run, stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._started = None
        self._ending.close()

    def _prepare(self, azure: Azure, sockets: Sockets, folder: Path, root_pem: bytes) -> Run:
        certificate = self_signed()
        trust = write_trust(
            self._data or folder,
            root_pem=root_pem,
            service_fabric_pem=certificate.chain_pem,
            environment=os.environ,
        )
        sources = sources_of(azure, sockets, folder=folder, thumbprint=certificate.thumbprint)
        console = console_of(azure, sources.opened) if self._has_console else None
        return Run(
            azure,
            folder,
            sockets,
            sources,
            self._open_sources,
            certificate,
            trust,
            upstream=Upstream.of(os.environ),
            plain_upstream=Upstream.of(os.environ, scheme="http"),
            answers_metadata=self._source == imds.NAME,
            tells_users=peer.tells(sockets.proxy),
            any_user=self._any_user,
            real=self.real,
            proxy_password=azure.shared_secret("proxy"),
            control_token=secrets.token_urlsafe(32),
            console=console,
        )

    def wait(self) -> None:
        """Wait until every listener serves, which a start ``at_once`` or ``on_demand`` does not."""
        if self._serving is not None:
            self._serving.wait()

    @property
    def _run(self) -> Run:
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
        """The requests and their answers."""
        return self._run.azure.journal

    @property
    def faults(self) -> Faults:
        """The faults that are set on purpose."""
        return self._run.azure.faults

    @property
    def event_grid(self) -> EventGrid:
        """Its vaults' events about new versions of secrets; a ``FunctionHost`` gives it to functions."""
        return self._run.azure.event_grid

    def reset(self, config: Config | None = None) -> None:
        """Begin again, as a start would, but in about a millisecond and at the same addresses.

        Args:
            config: What exists then; None means what this Azure was made with.

        Raises:
            LocalAzureError: If it keeps its secrets in ``data``: they would be lost.
        """
        if self._data is not None:
            raise LocalAzureError(
                "This local Azure cannot be reset.",
                cause=f"It keeps its secrets in {self._data}, and they would be lost.",
                remedy="Make one without data=, or purge the secrets that you do not want.",
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
        """The address of the identity endpoints."""
        return f"http://{listeners.netloc(self._run.sockets.http)}"

    @property
    def https_url(self) -> str:
        """The address of the vaults, for clients that send a vault's name in Host."""
        return f"https://{listeners.netloc(self._run.sockets.https)}"

    @property
    def proxy_url(self) -> str:
        """The proxy that leads vault hosts to ``https_url``, with the password that keeps other users out."""
        run = self._run
        return f"http://{USER}:{run.proxy_password}@{run.proxy_netloc(metadata=run.answers_metadata)}"

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
        """The token for requests to the control API. Anyone who has it can read and change everything."""
        return self._run.control_token

    @property
    def console_url(self) -> str | None:
        """A new link to the console, which opens it once; None where it is not served."""
        return self._run.console_link()

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

        The source is served from then on.

        Args:
            source: The kind of host that the program appears to run on; by default, the one that this Azure was made for.
            identity: Whether the host has the source's endpoint. Without it clients turn to the metadata service of
                virtual machines, which ``AZURE_POD_IDENTITY_AUTHORITY_HOST`` puts where every connection is refused, as
                the sandbox of App Service refuses it. Nothing asks the real address by accident. Or the name of the
                identity that a program gets without naming one, for sources whose variables can say so.

        Raises:
            LocalAzureError: If there is no such source or identity, or the source cannot be had on this machine.
        """
        name = check_source(source or self._source)
        found = variables_of(self._run, name, identity=identity)
        if identity:
            self._run.sources.open(name)
        return found

    def describe_sources(self) -> dict[str, dict[str, Any]]:
        """Return for each source what a program must ``set`` and ``unset``; ``environment()`` is what has one served."""
        return describe_sources(lambda *, source: variables_of(self._run, check_source(source), identity=True))

    def _open_sources(self, name: str | None) -> dict[str, dict[str, Any]]:
        for source in SOURCES if name is None else (check_source(name),):
            self._run.sources.open(source)
        return self.describe_sources()


def _serving(run: Run, authority: CertificateAuthority, host: str) -> AbstractAsyncContextManager[None]:
    """Load what serves, and return it; where that fails, clients that wait are refused."""
    try:
        run.azure.tokens.begin()
        from keyless.local.serving import serving  # noqa: PLC0415 (it takes long to load, and a start need not wait)

        return serving(run, authority, host)
    except BaseException:
        run.sockets.close()
        raise
