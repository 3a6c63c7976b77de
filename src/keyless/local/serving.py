"""Serves a run of the local Azure. It loads the web server, so that it is loaded beside what need not wait for that."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from keyless.local.pki.revocation_app import revocation_app
from keyless.local.wire.arm import LARGEST_BODY
from keyless.local.wire.control.address import CONSOLE, ROOT
from keyless.local.wire.control.door import Door
from keyless.local.wire.http.app import App
from keyless.local.wire.http.deferred import Deferred
from keyless.local.wire.http.router import Route, Router
from keyless.local.wire.identity.routes import guard, over_http, over_tls
from keyless.local.wire.keyvault.app import vault_app
from keyless.local.wire.proxy.login import Login
from keyless.local.wire.proxy.peer import same_user
from keyless.local.wire.proxy.proxy import ConnectProxy
from keyless.local.wire.proxy.reached import Local
from keyless.local.wire.serving import descriptors, forms, listeners
from keyless.local.wire.serving.boundary import Boundary
from keyless.local.wire.serving.hosts import ARM_HOSTS, GRAPH_HOSTS, LOGIN_HOSTS, LOOPBACK_NAMES
from keyless.local.wire.serving.lines import Lines, loop_failures
from keyless.local.wire.serving.passing_time import passing_time
from keyless.local.wire.serving.site import site

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import AsyncIterator, Callable

    from keyless.local.operations.names import Service
    from keyless.local.pki.authority import CertificateAuthority
    from keyless.local.run import Run, Sockets
    from keyless.local.wire.http.request import Request
    from keyless.local.wire.http.response import Handler, Response
    from keyless.local.wire.serving.boundary import Failure


@asynccontextmanager
async def serving(run: Run, authority: CertificateAuthority, host: str) -> AsyncIterator[None]:
    """Serve identities, vaults and the proxy; the proxy stops first, since its tunnels lead to the vaults."""
    sockets, context, lines = run.sockets, authority.server_context(), Lines()
    guarded, by_any_name = guard(host=host), guard(host=host, names=(*LOOPBACK_NAMES, *LOGIN_HOSTS))
    asyncio.get_running_loop().set_exception_handler(loop_failures(lines))
    bounds, proxies = _boundaries(run, lines, alone=host in LOOPBACK_NAMES), _proxies(run, context, lines)
    async with AsyncExitStack() as stack:
        stack.callback(lines.close)
        for app, listener, trust in (
            (_asked_over_http(run, guarded), sockets.http, None),
            (App(guarded(over_tls(run.sources))), sockets.service_fabric, run.certificate.server_context()),
            (App(by_any_name(Deferred(lambda: _authority(run)).answer)), sockets.authority, context),
            (revocation_app(authority.roots_list, authority.servers_list), sockets.lists, None),
            (vault_app(run.azure), sockets.https, context),
            (App(Deferred(lambda: _management(run)).answer, lambda _: LARGEST_BODY), sockets.arm, context),
            (App(Deferred(lambda: _graph(run)).answer), sockets.graph, context),
        ):
            await stack.enter_async_context(site(app, listener, trust, boundary=bounds[listener], lines=lines))
        if run.console is not None:
            stack.callback(run.console.end)
        await stack.enter_async_context(passing_time(run.azure.lifetimes.act))
        for listener, proxy in proxies.items():
            stack.push_async_callback(proxy.close)
            await proxy.start(listener)
        yield


def _asked_over_http(run: Run, guarded: Callable[[Handler], Handler]) -> App:
    """Return the console, the control API and the sources of managed identities."""
    door = Door(run.control_token)
    controlled = door.guarding(Deferred(lambda: _control(run)).answer)
    shown = [Route("*", f"{CONSOLE}{{rest:(/.*)?}}", run.console.answer)] if run.console else []
    routes = [
        Route("POST", CONSOLE, controlled),
        *shown,
        Route("*", f"{ROOT}{{rest:(/.*)?}}", controlled),
        Route("*", "{rest:.*}", over_http(run.sources)),
    ]
    return App(guarded(Router(routes).answer), door.largest_body)


def _control(run: Run) -> Handler:
    from keyless.local.wire.control.site import Control  # noqa: PLC0415 (loaded for its first request)

    return Control(run.azure, sources=run.open_sources, console=run.console_link).answer


def _authority(run: Run) -> Handler:
    from keyless.local.wire.entra.site import authority  # noqa: PLC0415 (as above)

    return authority(run.azure, url=f"https://{listeners.named_netloc(run.sockets.authority)}")


def _management(run: Run) -> Handler:
    from keyless.local.wire.arm.app import arm_app  # noqa: PLC0415 (as above)

    return arm_app(run.azure).answer


def _graph(run: Run) -> Handler:
    from keyless.local.wire.graph.app import graph_app  # noqa: PLC0415 (as above)

    return graph_app(run.azure).answer


def _boundaries(run: Run, lines: Lines, *, alone: bool) -> dict[socket.socket, Boundary]:
    """Return the boundary of each site, by where it is served; ``alone`` where only this machine reaches them."""
    admits = same_user if alone and run.tells_users and not run.any_user else None
    sockets, azure = run.sockets, run.azure

    def http_form(request: Request, failure: Failure) -> Response:
        made = forms.control_form if request.path.startswith(ROOT) else forms.oauth_form
        return made(request, failure)

    def http_tell(request: Request, failure: Failure) -> None:
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
        sockets.arm: Boundary(forms.vault_form, forms.journaling(azure, "arm", lines.say), admits),
        sockets.graph: Boundary(forms.vault_form, forms.journaling(azure, "graph", lines.say), admits),
    }


def _proxies(run: Run, context: ssl.SSLContext, lines: Lines) -> dict[socket.socket, ConnectProxy]:
    """Return the proxy of the run's own source, and that of the other kind of source, by where each is to be served."""
    sockets, tenant = run.sockets, lambda: run.azure.tenant_id
    at = listeners.reachable(sockets.authority)
    login, services = None, _services(sockets)
    if "arm" in run.real:
        netloc, services = listeners.named_netloc(sockets.authority), {}
        login = Login(netloc=netloc, at=at, context=context, tenant=tenant)
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
            services=services,
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


def _services(sockets: Sockets) -> dict[str, tuple[str, int]]:
    """Return where each host is served that is here unless it is left alone."""
    served = ((LOGIN_HOSTS, sockets.authority), (ARM_HOSTS, sockets.arm), (GRAPH_HOSTS, sockets.graph))
    return {host: listeners.reachable(listener) for hosts, listener in served for host in hosts}
