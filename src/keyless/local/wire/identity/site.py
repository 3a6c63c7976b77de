"""Every source at once: what answers for each, and the variables by which clients find one of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from aiohttp import web

from keyless.errors import LocalAzureError
from keyless.local.sources import SOURCES
from keyless.local.wire.identity import imds
from keyless.local.wire.identity.app_service import AppService
from keyless.local.wire.identity.app_service_2017 import AppService2017
from keyless.local.wire.identity.arc import Arc
from keyless.local.wire.identity.cloud_shell import CloudShell
from keyless.local.wire.identity.machine_learning import MachineLearning
from keyless.local.wire.identity.openid import OpenId
from keyless.local.wire.identity.service_fabric import ServiceFabric
from keyless.local.wire.identity.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from aiohttp.typedefs import Handler as AnyHandler
    from aiohttp.typedefs import Middleware

    from keyless.local.azure.azure import Azure, Identity
    from keyless.local.sources import SourceName
    from keyless.local.wire.identity.endpoint import Handler


class _Source(Protocol):
    def endpoints(self) -> Mapping[str, Handler]: ...


LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class IdentitySources:
    """The sources of a local Azure.

    Args:
        azure: The local Azure whose identities get tokens.
        http_url: Where ``http_routes`` are served.
        service_fabric_url: Where ``service_fabric_routes`` are served, over TLS.
        thumbprint: The SHA-1 of the certificate that is used there.
        authority_url: Where ``authority_routes`` are served, over TLS.
        folder: A private folder for the files that sources give to clients.
    """

    def __init__(
        self,
        azure: Azure,
        *,
        http_url: str,
        service_fabric_url: str,
        thumbprint: str,
        authority_url: str,
        folder: Path,
    ) -> None:
        self._azure = azure
        self._opened: set[SourceName] = set()
        self._http_url = http_url
        self._service_fabric_url = service_fabric_url
        self._app_service = AppService(azure, secret=azure.shared_secret("app-service"))
        self._app_service_2017 = AppService2017(azure, secret=azure.shared_secret("app-service-2017"))
        self._imds = imds.Imds(azure)
        self._arc = Arc(azure)
        self._service_fabric = ServiceFabric(azure, secret=azure.shared_secret("service-fabric"), thumbprint=thumbprint)
        self._cloud_shell = CloudShell(azure)
        self._machine_learning = MachineLearning(azure, secret=azure.shared_secret("machine-learning"))
        self._workload = Workload(azure, url=authority_url, folder=folder)
        self._openid = OpenId(azure, url=authority_url)

    def http_routes(self) -> list[web.RouteDef]:
        """Return the routes of the sources that are asked over HTTP."""
        asked_here: dict[SourceName, _Source] = {
            "app-service": self._app_service,
            "app-service-2017": self._app_service_2017,
            "imds": self._imds,
            "arc": self._arc,
            "cloud-shell": self._cloud_shell,
            "machine-learning": self._machine_learning,
        }
        found: dict[str, Handler] = {}
        for name, source in asked_here.items():
            found |= self._when_open(name, source.endpoints())
        return routes(found)

    def service_fabric_routes(self) -> list[web.RouteDef]:
        """Return the routes of Service Fabric."""
        return routes(self._when_open("service-fabric", self._service_fabric.endpoints()))

    def authority_routes(self) -> list[web.RouteDef]:
        """Return the routes of the authority: the exchange of workload identity, and what is published of tokens."""
        endpoints = {**self._openid.endpoints(), **self._workload.endpoints()}
        return [web.route("*", path, handler) for path, handler in endpoints.items()]

    def open(self, source: SourceName) -> None:
        """Serve a source from now on. Others are not there: some give a token to whoever asks."""
        self._opened.add(source)

    def _when_open(self, name: SourceName, endpoints: Mapping[str, Handler]) -> dict[str, Handler]:
        """Return what answers for a source once it is open."""

        def gated(handler: Handler) -> Handler:
            async def answer(request: web.Request) -> web.StreamResponse:
                if name not in self._opened:
                    raise web.HTTPNotFound(
                        text=f"The source {name} was not chosen: use --source {name}, or ask `keyless env --source {name}`."
                    )
                return await handler(request)

            return answer

        return {path: gated(handler) for path, handler in endpoints.items()}

    def variables(self, source: SourceName, *, identity: Identity | None = None) -> dict[str, str]:
        """Return the variables of one source, which say nothing of whether it is served.

        Args:
            source: Its name.
            identity: The identity that a program gets without naming one, where a variable can say so: a user-assigned
                one is named in ``AZURE_CLIENT_ID``, which ``DefaultAzureCredential`` reads.

        Raises:
            LocalAzureError: If there is no such source, or no identity that it could be for.
        """
        named = {"AZURE_CLIENT_ID": identity.client_id} if identity and identity.kind == "user" else {}
        match source:
            case "app-service":
                return {**self._app_service.variables(self._http_url), **named}
            case "app-service-2017":
                return {**self._app_service_2017.variables(self._http_url), **named}
            case "imds":
                return {**self._imds.variables(self._http_url), **named}
            case "arc":
                return {**self._arc.variables(self._http_url), **named}
            case "service-fabric":
                return self._service_fabric.variables(self._service_fabric_url)
            case "cloud-shell":
                return self._cloud_shell.variables(self._http_url)
            case "machine-learning":
                default = identity or self._first("system") or self._first("user")
                return {**self._machine_learning.variables(self._http_url, default), **named}
            case "workload":
                return self._workload.variables(identity or self._pods_identity())

    def _first(self, kind: str) -> Identity | None:
        return next((found for found in self._azure.identities.values() if found.assigned and found.kind == kind), None)

    def _pods_identity(self) -> Identity:
        found = self._first("user")
        if found is None:
            raise LocalAzureError(
                "There is no identity for a pod.",
                cause="Workload identity needs a user-assigned identity, and none is assigned.",
                remedy="Add one to the configuration: [identities.NAME].",
            )
        return found

    def opened(self) -> Sequence[SourceName]:
        """Return the sources that are served."""
        return [source for source in SOURCES if source in self._opened]

    def close(self) -> None:
        """Remove what was put outside the private folder."""
        self._arc.close()


def check_source(name: str) -> SourceName:
    """Return the name of a source if it is one.

    Raises:
        LocalAzureError: If there is no such source; the error lists those that exist.
    """
    for known in SOURCES:
        if known == name:
            return known
    raise LocalAzureError(
        f"There is no source of managed identities {name!r}.",
        cause="A source is what gives tokens on one kind of host.",
        remedy=f"Use one of {', '.join(SOURCES)}.",
    )


def routes(endpoints: Mapping[str, Handler]) -> list[web.RouteDef]:
    """Return one route for every path, since clients write the same path in several ways.

    Slashes come doubled and at the end: MSAL for Node.js adds one to the path of the metadata service, and others join a
    host that ends in a slash to a path that starts with one.

    Args:
        endpoints: What answers, by path. What is below a path goes to it, unless it is a path itself.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        path = re.sub("/+", "/", request.path).rstrip("/")
        while path:
            if path in endpoints:
                return await endpoints[path](request)
            path = path.rpartition("/")[0] if path.startswith(imds.METADATA_PATH) else ""
        raise web.HTTPNotFound

    return [web.route("*", "/{path:.*}", answer)]


def guard(*, host: str) -> Middleware:
    """Return what keeps a listener from being a proxy, and from answering web pages that renamed themselves to it.

    Args:
        host: The address that is listened at. Away from loopback, a machine may have any name.
    """

    @web.middleware
    async def guarded(request: web.Request, handler: AnyHandler) -> web.StreamResponse:
        if not request.raw_path.startswith("/"):
            raise web.HTTPForbidden(text="This is no proxy: set HTTP_PROXY and HTTPS_PROXY as Keyless gives them.")
        name = _name(request.host)
        if name == imds.HOST:
            # The proxy leads here what clients ask of the metadata service's own address.
            if not re.match(rf"/*{imds.METADATA_PATH.lstrip('/')}(/|$)", request.path):
                raise web.HTTPNotFound
        elif host in LOOPBACK and name not in LOOPBACK:
            raise web.HTTPForbidden(text="The local Azure answers to the names of this machine alone.")
        return await handler(request)

    return guarded


def _name(host: str) -> str:
    """Return the host of a header Host; nothing where it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "") if re.fullmatch(r"[\w.:\[\]-]+", host) else ""
    except ValueError:  # Brackets without an address.
        return ""
