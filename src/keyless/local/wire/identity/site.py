"""Every source at once: what answers for each, and the variables by which clients find one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from keyless.errors import LocalAzureError
from keyless.local.azure.identities.application import Application
from keyless.local.sources import SOURCES
from keyless.local.wire.identity import imds
from keyless.local.wire.identity.app_service import AppService
from keyless.local.wire.identity.app_service_2017 import AppService2017
from keyless.local.wire.identity.arc import Arc
from keyless.local.wire.identity.cloud_shell import CloudShell
from keyless.local.wire.identity.machine_learning import MachineLearning
from keyless.local.wire.identity.service_fabric import ServiceFabric
from keyless.local.wire.identity.workload import Workload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from keyless.local.azure.azure import Azure, Identity
    from keyless.local.sources import SourceName
    from keyless.local.wire.http.response import Handler


class _Source(Protocol):
    def endpoints(self) -> Mapping[str, Handler]: ...


class IdentitySources:
    """The sources of a local Azure.

    Args:
        azure: The local Azure whose identities get tokens.
        http_url: Where ``asked_over_http`` is served.
        service_fabric_url: Where ``of_service_fabric`` is served, over TLS.
        thumbprint: The SHA-1 of the certificate that is used there.
        authority_url: Where the authority is served, over TLS.
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

    def asked_over_http(self) -> dict[SourceName, Mapping[str, Handler]]:
        """Return what answers over HTTP, by source and by path."""
        asked_here: dict[SourceName, _Source] = {
            "app-service": self._app_service,
            "app-service-2017": self._app_service_2017,
            "imds": self._imds,
            "arc": self._arc,
            "cloud-shell": self._cloud_shell,
            "machine-learning": self._machine_learning,
        }
        return {name: source.endpoints() for name, source in asked_here.items()}

    def of_service_fabric(self) -> Mapping[str, Handler]:
        """Return what answers for Service Fabric, by path."""
        return self._service_fabric.endpoints()

    def open(self, source: SourceName) -> None:
        """Serve a source from now on. Others are not there: some give a token to anyone who asks."""
        self._opened.add(source)

    def is_open(self, source: SourceName) -> bool:
        """Return whether a source is served."""
        return source in self._opened

    def variables(self, source: SourceName, *, identity: Identity | Application | None = None) -> dict[str, str]:
        """Return the variables of one source, which say nothing of whether it is served.

        Args:
            source: Its name.
            identity: The identity that a program gets without naming one, where a variable can say so: a user-assigned
                one is named in ``AZURE_CLIENT_ID``, which ``DefaultAzureCredential`` reads.

        Raises:
            LocalAzureError: If there is no such source, or no identity that it could be for.
        """
        if source == "workload":
            return self._workload.variables(identity or self._pods_identity())
        if isinstance(identity, Application):
            raise LocalAzureError(
                f"The application {identity.name!r} has no source of managed identities.",
                cause="An application shows a secret, a certificate or a token of a cluster.",
                remedy="Use --source workload, or give the program the application's secret.",
            )
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
