"""One run of the local Azure, from its start to its end: the sockets, what is served on each, and where that is."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from keyless.local.pki.revocation import revocation_app
from keyless.local.wire.control.site import ROOT
from keyless.local.wire.identity.site import LOOPBACK, guard
from keyless.local.wire.keyvault import vault_app
from keyless.local.wire.proxy.login import Login
from keyless.local.wire.proxy.peer import same_user
from keyless.local.wire.proxy.proxy import ConnectProxy
from keyless.local.wire.proxy.reached import Local
from keyless.local.wire.serving import descriptors, forms, listeners
from keyless.local.wire.serving.boundary import Boundary
from keyless.local.wire.serving.lines import Lines, loop_failures
from keyless.local.wire.serving.passing_time import passing_time

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from keyless.local.azure.azure import Azure
    from keyless.local.operations.names import Service
    from keyless.local.pki.authority import CertificateAuthority, ServerCertificate
    from keyless.local.pki.trust import TrustFiles
    from keyless.local.wire.console.site import Console
    from keyless.local.wire.control.site import Control
    from keyless.local.wire.identity.site import IdentitySources
    from keyless.local.wire.proxy.upstream import Upstream
    from keyless.local.wire.serving.boundary import Failure


@dataclass(frozen=True, slots=True)
class Sockets:
    """The sockets of a run, bound before anything is served, so that every address is known.

    Attributes:
        http: Where identities are served, but for those below.
        https: Where the vaults are served.
        proxy: Where the proxy is served, as the run's own source has it.
        other_proxy: Where it is served for sources of the other kind: whether the metadata service answers is what differs.
        service_fabric: Where the identity endpoint of Service Fabric is served.
        authority: Where the authority is served.
        lists: Where the lists of revoked certificates are served.
        silent: Never served.
    """

    http: socket.socket
    https: socket.socket
    proxy: socket.socket
    other_proxy: socket.socket
    service_fabric: socket.socket
    authority: socket.socket
    lists: socket.socket
    silent: socket.socket


@dataclass(frozen=True, slots=True)
class Run:
    """What there is from the start to the end."""

    azure: Azure
    folder: Path
    sockets: Sockets
    sources: IdentitySources
    control: Control
    certificate: ServerCertificate
    trust: TrustFiles
    upstream: Upstream | None
    plain_upstream: Upstream | None
    answers_metadata: bool
    tells_users: bool
    any_user: bool
    proxy_password: str = field(repr=False)
    console: Console | None

    def proxy_netloc(self, *, metadata: bool) -> str:
        """Return where a proxy is that answers for the metadata service, or one that refuses it."""
        return listeners.netloc(self.sockets.proxy if metadata == self.answers_metadata else self.sockets.other_proxy)


def console_of(azure: Azure, opened: Callable[[], Sequence[str]]) -> Console:
    """Return the console of a local Azure, which a run without one does not pay for.

    Args:
        azure: The local Azure.
        opened: Returns the sources of managed identities that are served.
    """
    from keyless.local.testing.counsel import Counsel  # noqa: PLC0415 (as said)
    from keyless.local.wire.console.site import Console  # noqa: PLC0415

    return Console(azure, counsel=Counsel(azure, opened))


@asynccontextmanager
async def serving(run: Run, authority: CertificateAuthority, host: str) -> AsyncIterator[None]:
    """Serve identities, vaults and the proxy; the proxy stops first, since its tunnels lead to the vaults."""
    sockets, context, guarded, lines = run.sockets, authority.server_context(), guard(host=host), Lines()
    asyncio.get_running_loop().set_exception_handler(loop_failures(lines))
    bounds = _boundaries(run, lines, alone=host in LOOPBACK)
    proxies, console = _proxies(run, context, lines), run.console.routes() if run.console else []
    async with AsyncExitStack() as stack:
        for routes, listener, trust in (
            ([*console, *run.control.routes(), *run.sources.http_routes()], sockets.http, None),
            (run.sources.service_fabric_routes(), sockets.service_fabric, run.certificate.server_context()),
            (run.sources.authority_routes(), sockets.authority, context),
        ):
            app = web.Application(middlewares=[guarded])
            app.add_routes(routes)
            if run.console is not None and listener is sockets.http:
                app.on_shutdown.append(run.console.end)
            await stack.enter_async_context(
                listeners.site(app, listener, trust, boundary=bounds[listener], lines=lines)
            )
        lists, vaults = revocation_app(authority.roots_list, authority.servers_list), vault_app(run.azure)
        for app, listener, trust in ((lists, sockets.lists, None), (vaults, sockets.https, context)):
            await stack.enter_async_context(
                listeners.site(app, listener, trust, boundary=bounds[listener], lines=lines)
            )
        await stack.enter_async_context(passing_time(run.azure.lifetimes.act))
        for listener, proxy in proxies.items():
            stack.push_async_callback(proxy.close)
            await proxy.start(listener)
        yield


def _boundaries(run: Run, lines: Lines, *, alone: bool) -> dict[socket.socket, Boundary]:
    """Return the boundary of each site, by where it is served; ``alone`` where only this machine reaches them."""
    admits = same_user if alone and run.tells_users and not run.any_user else None
    sockets, azure = run.sockets, run.azure

    def http_form(request: web.Request, failure: Failure) -> web.Response:
        made = forms.control_form if request.path.startswith(ROOT) else forms.oauth_form
        return made(request, failure)

    def http_tell(request: web.Request, failure: Failure) -> None:
        service: Service = "control" if request.path.startswith(ROOT) else "identity"
        forms.journaling(azure, service, lines.say)(request, failure)

    of_identity = Boundary(forms.oauth_form, forms.journaling(azure, "identity", lines.say), admits)
    return {
        sockets.http: Boundary(http_form, http_tell, admits),
        sockets.service_fabric: of_identity,
        sockets.authority: of_identity,
        # What is listed is public, and programs of other users may verify.
        sockets.lists: Boundary(forms.text_form, forms.journaling(azure, "vault", lines.say)),
        sockets.https: Boundary(forms.vault_form, forms.journaling(azure, "vault", lines.say), admits),
    }


def _proxies(run: Run, context: ssl.SSLContext, lines: Lines) -> dict[socket.socket, ConnectProxy]:
    """Return the proxy of the run's own source, and that of the other kind of source, by where each is to be served."""
    sockets, tenant = run.sockets, lambda: run.azure.tenant_id
    at = listeners.reachable(sockets.authority)
    login = Login(netloc=listeners.named_netloc(sockets.authority), at=at, context=context, tenant=tenant)
    made = {}
    for listener, answers_metadata in (
        (sockets.proxy, run.answers_metadata),
        (sockets.other_proxy, not run.answers_metadata),
    ):
        local = Local(
            vault_hosts=lambda: {vault.host for vault in run.azure.vaults.values()},
            vaults_at=listeners.reachable(sockets.https),
            metadata_at=listeners.reachable(sockets.http) if answers_metadata else None,
            login=login,
            say=lines.say,
        )
        made[listener] = ConnectProxy(
            local,
            password=run.proxy_password,
            bundle_file=run.trust.bundle_file,
            upstream=run.upstream,
            plain_upstream=run.plain_upstream,
            most=max(
                16, descriptors.limit() // 4
            ),  # A tunnel to a vault takes three descriptors, and there are two proxies.
        )
    return made
