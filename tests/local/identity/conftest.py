"""A client that knows nothing better than the addresses of the sources of managed identity."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jwt
import pytest
import requests

from keyless.errors import LocalAzureError
from keyless.local.server import LocalAzure
from keyless.local.wire.identity.arc import check_key_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


VAULT = "https://vault.azure.net"
# The sources that are asked by GET, with their api-version.
API_VERSIONS = {
    "app-service": "2019-08-01",
    "app-service-2017": "2017-09-01",
    "imds": "2018-02-01",
    "arc": "2020-06-01",
    "service-fabric": "2019-07-01-preview",
    "machine-learning": "2017-09-01",
}


class Wire:
    """Asks the sources of a local Azure as a client does that knows nothing better than their addresses."""

    def __init__(self, local: LocalAzure) -> None:
        self.local = local
        self.azure = local.azure
        for source in ("app-service", "app-service-2017", "imds", "cloud-shell", "machine-learning"):
            local.environment(source=source)  # It is served from then on.
        self.trust = local.environment(source="service-fabric")["NODE_EXTRA_CA_CERTS"]
        self._session = requests.Session()
        self._session.trust_env = False

    def address(self, source: str) -> str:
        found = self.local.environment(source=source)
        if source == "imds":
            return f"{found['AZURE_POD_IDENTITY_AUTHORITY_HOST']}/metadata/identity/oauth2/token"
        return found.get("IDENTITY_ENDPOINT") or found["MSI_ENDPOINT"]

    def headers(self, source: str) -> dict[str, str]:
        found = self.local.environment(source=source)
        return {
            "app-service": {"X-IDENTITY-HEADER": found.get("IDENTITY_HEADER", "")},
            "service-fabric": {"Secret": found.get("IDENTITY_HEADER", "")},
            "app-service-2017": {"secret": found.get("MSI_SECRET", "")},
            "machine-learning": {"secret": found.get("MSI_SECRET", "")},
        }.get(source, {"Metadata": "true"})

    def get(self, source: str, *, headers: dict[str, str] | None = None, **changes: str | None) -> requests.Response:
        """Ask a source once; a parameter that is None is left out."""
        query = {"api_version": API_VERSIONS.get(source), "resource": VAULT, **changes}
        sent = self.headers(source) if headers is None else headers
        return self._session.get(
            self.address(source),
            params={
                name.replace("api_version", "api-version"): sent for name, sent in query.items() if sent is not None
            },
            headers=sent,
            verify=self.trust,
            timeout=10,
        )

    def ask(self, source: str, **changes: str | None) -> requests.Response:
        """Ask a source as its clients do, Azure Arc twice."""
        skip_without_arc(source)
        answer = self.get(source, headers=None, **changes)
        if source != "arc" or answer.status_code != 401:
            return answer
        key = Path(answer.headers["WWW-Authenticate"].removeprefix("Basic realm=")).read_text(encoding="ascii")
        headers = {**self.headers(source), "Authorization": f"Basic {key}"}
        return self.get(source, headers=headers, **changes)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self._session.post(f"{self.local.http_url}{path}", timeout=10, **options)

    def holder(self, answer: requests.Response) -> str:
        """Return the name of the identity whose token an answer holds."""
        assert answer.status_code == 200, answer.text
        claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
        identity = self.azure.identity_of(claims["oid"])
        assert identity is not None
        return identity.name

    def raw(self, request: str) -> bytes:
        """Send text to the listener as it stands, and return what comes back."""
        at = urlsplit(self.local.http_url)
        with socket.create_connection((at.hostname, at.port), timeout=5) as connection:
            connection.sendall(request.replace("\n", "\r\n").encode() + b"\r\nConnection: close\r\n\r\n")
            return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.fixture(scope="module")
def running() -> Iterator[LocalAzure]:
    with LocalAzure() as local:
        local.azure.add_identity("leaver", assigned=False)
        yield local


@pytest.fixture
def wire_to() -> Callable[[LocalAzure], Wire]:
    """Makes a client of another local Azure."""
    return Wire


@pytest.fixture
def wire(running: LocalAzure) -> Iterator[Wire]:
    """The sources of a host with a system-assigned identity and two user-assigned ones; put back as it was."""
    running.journal.clear()
    before = {name: identity.assigned for name, identity in running.azure.identities.items()}
    yield Wire(running)
    for name, assigned in before.items():
        identity = running.identity(name)
        identity.assign() if assigned else identity.unassign()


def skip_without_arc(source: str) -> None:
    if source == "arc":
        try:
            check_key_folder()
        except LocalAzureError as error:
            pytest.skip(f"AZURE ARC IS NOT TESTED HERE: {error}")
