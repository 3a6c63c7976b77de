"""One run of the local Azure, from its start to its end: what there is of it, and where it is served."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, ClassVar

from keyless.local.programs.environment import proxy_variables, trust_variables, without_developer
from keyless.local.programs.variables import LOCAL_AZURE
from keyless.local.record import Record
from keyless.local.wire.identity import arc, imds, service_fabric
from keyless.local.wire.identity.site import IdentitySources
from keyless.local.wire.proxy.target import USER
from keyless.local.wire.serving import listeners

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from keyless.local.azure.azure import Azure
    from keyless.local.pki.authority import ServerCertificate
    from keyless.local.pki.trust import TrustFiles
    from keyless.local.sources import Real, SourceName
    from keyless.local.testing.counsel import Counsel
    from keyless.local.wire.console.site import Console
    from keyless.local.wire.proxy.upstream import Upstream


class Sockets(Record, frozen=True):
    """The sockets of a run, bound before anything is served, so that every address is known.

    Attributes:
        http: Where identities are served, but for those below.
        https: Where the vaults are served.
        proxy: Where the proxy is served, as the run's own source has it.
        other_proxy: Where it is served for sources of the other kind: whether the metadata service answers is what differs.
        service_fabric: Where the identity endpoint of Service Fabric is served.
        authority: Where the authority is served, which is Microsoft Entra ID.
        arm: Where Azure Resource Manager is served.
        graph: Where Microsoft Graph is served.
        lists: Where the lists of revoked certificates are served.
        silent: Never served.
    """

    http: socket.socket
    https: socket.socket
    proxy: socket.socket
    other_proxy: socket.socket
    service_fabric: socket.socket
    authority: socket.socket
    arm: socket.socket
    graph: socket.socket
    lists: socket.socket
    silent: socket.socket

    def served(self) -> list[socket.socket]:
        """Return those that clients connect to."""
        return [getattr(self, name) for name in self.__struct_fields__ if name != "silent"]

    def close(self) -> None:
        """Close all of them, so that anyone who waits is refused."""
        for name in self.__struct_fields__:
            getattr(self, name).close()


class Run(Record, frozen=True):
    """Everything that exists from the start to the end."""

    hidden: ClassVar[frozenset[str]] = frozenset({"proxy_password", "control_token"})

    azure: Azure
    folder: Path
    sockets: Sockets
    sources: IdentitySources
    open_sources: Callable[[str | None], object]
    certificate: ServerCertificate
    trust: TrustFiles
    upstream: Upstream | None
    plain_upstream: Upstream | None
    answers_metadata: bool
    tells_users: bool
    any_user: bool
    real: frozenset[Real]
    proxy_password: str
    control_token: str
    console: Console | None

    def proxy_netloc(self, *, metadata: bool) -> str:
        """Return where a proxy is that answers for the metadata service, or one that refuses it."""
        return listeners.netloc(self.sockets.proxy if metadata == self.answers_metadata else self.sockets.other_proxy)

    def console_link(self) -> str | None:
        """Return a new link, which opens the console once; None where it is not served."""
        if self.console is None:
            return None
        return self.console.link(f"http://{listeners.netloc(self.sockets.http)}")


def console_of(azure: Azure, opened: Callable[[], Sequence[str]]) -> Console:
    """Return the console of a local Azure, which a run without one does not pay for.

    Args:
        azure: The local Azure.
        opened: Returns the sources of managed identities that are served.
    """
    from keyless.local.wire.console.site import Console  # noqa: PLC0415 (as said)

    def counsel() -> Counsel:
        from keyless.local.testing.counsel import Counsel  # noqa: PLC0415 (nor does one that nobody opens)

        return Counsel(azure, opened)

    return Console(azure, counsel=counsel)


def sources_of(azure: Azure, sockets: Sockets, *, folder: Path, thumbprint: str) -> IdentitySources:
    """Return the sources of managed identities of a local Azure.

    Args:
        azure: The local Azure.
        sockets: Where they are served.
        folder: A private folder for the files that they give to clients.
        thumbprint: The SHA-1 of the certificate of Service Fabric's endpoint.
    """
    return IdentitySources(
        azure,
        http_url=f"http://{listeners.netloc(sockets.http)}",
        service_fabric_url=f"https://{listeners.named_netloc(sockets.service_fabric)}",
        thumbprint=thumbprint,
        authority_url=f"https://{listeners.named_netloc(sockets.authority)}",
        folder=folder,
    )


def bind_all(stack: ExitStack, lists: socket.socket, *, host: str, ports: Mapping[str, int]) -> Sockets:
    """Bind every socket; each is closed at the end, also where asyncio has closed it before.

    Args:
        stack: Closes them.
        lists: The one that is bound already.
        host: The address to listen at.
        ports: The ports of the first three, by what their user calls them; 0 means any free one.
    """
    unnamed = ("other_proxy_port", "service_fabric_port", "authority_port", "arm_port", "graph_port")
    bound = [
        stack.enter_context(listeners.bind(host, port, name))
        for name, port in {**ports, **dict.fromkeys(unnamed, 0)}.items()
    ]
    silent = stack.enter_context(listeners.bind_silent())
    http, https, proxy, other_proxy, service_fabric, authority, arm, graph = bound
    return Sockets(http, https, proxy, other_proxy, service_fabric, authority, arm, graph, lists, silent)


def variables_of(run: Run, name: SourceName, *, identity: bool | str) -> dict[str, str]:
    """Return the variables with which an unmodified program uses a run, on one kind of host.

    Args:
        run: The run.
        name: The source of managed identities there.
        identity: Whether the host has the source's endpoint, or the name of whom a program is without naming one.

    Raises:
        LocalAzureError: If there is no such identity, or the source cannot be had on this machine.
    """
    if name == arc.NAME and identity:
        arc.check_key_folder()
    chosen = run.azure.directory.named(identity) if isinstance(identity, str) else None
    found = run.sources.variables(name, identity=chosen) if identity else {}
    host = listeners.reachable(run.sockets.http)[0]
    no_proxy = ",".join(os.environ.get(each, "") for each in ("NO_PROXY", "no_proxy"))
    proxy = run.proxy_netloc(metadata=name == imds.NAME and bool(identity))
    # Clients print the address in errors, so that it holds no password where none is needed.
    credentials = "" if run.tells_users else f"{USER}:{run.proxy_password}@"
    node_file = run.trust.service_fabric_node_file if name == service_fabric.NAME else run.trust.node_file
    return {
        **({LOCAL_AZURE: name} if identity else {}),
        **without_developer(folder=run.folder, silent_url=f"http://{listeners.netloc(run.sockets.silent)}"),
        **found,
        **proxy_variables(f"http://{credentials}{proxy}", host=host, no_proxy=no_proxy),
        **trust_variables(bundle_file=run.trust.bundle_file, node_file=node_file),
    }
