"""The management plane on a port of this machine, with an operator who owns the subscription."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport

from keyless.local.azure.azure import Azure
from keyless.local.azure.config.config import Config, read_config
from keyless.local.azure.management.restored import restore
from keyless.local.wire.arm.app import arm_app
from keyless.local.wire.keyvault import vault_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from azure.core.pipeline.transport import HttpRequest
    from azure.core.rest import HttpRequest as RestRequest
    from tests.local.conftest import Serve

    from keyless.local.azure.storage.database import Database

ARM = "https://management.azure.com"
CONFIG = """
[vaults.contoso-kv.secrets]
db-password = "s3cr3t"

[identities.system]
assigned = false

[identities.reporting]
assigned = false

[identities.operator]
assigned = false
roles = { "/" = "Owner" }

[identities.stranger]
assigned = false
"""
VERSIONS = {
    "microsoft.keyvault": "2026-02-01",
    "microsoft.authorization": "2022-04-01",
    "microsoft.managedidentity": "2024-11-30",
    "microsoft.web": "2025-05-01",
}


def config() -> Config:
    return read_config("test", tomllib.loads(CONFIG))


class Arm:
    """Asks a management plane and its vaults over HTTP."""

    def __init__(self, azure: Azure, address: str, vaults: str) -> None:
        self.azure = azure
        self.address = address
        self.subscription = f"/subscriptions/{azure.subscription_id}"
        self.group = azure.group_id
        self.vault = f"{self.group}/providers/Microsoft.KeyVault/vaults/contoso-kv"
        self.site = f"{self.group}/providers/Microsoft.Web/sites/keyless"
        self._vaults = vaults

    def token(self, identity: str = "operator", resource: str = ARM) -> str:
        return self.azure.tokens.issue(self.azure.identity(identity), resource).text

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        by: str = "operator",
        version: str | None = "",
        token: str | None = "",
        filtered: str | None = None,
        data: str | None = None,
    ) -> requests.Response:
        """Send one request; None leaves out the version or the token."""
        namespace = path.lower().rpartition("/providers/")[2].partition("/")[0]
        query = {} if version is None else {"api-version": version or VERSIONS.get(namespace, "2024-11-01")}
        if filtered is not None:
            query["$filter"] = filtered
        headers = {"Host": "management.azure.com"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token or self.token(by)}"
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method, f"{self.address}{path}", params=query, json=body, data=data, headers=headers, timeout=10
            )

    def secret(self, by: str = "reporting", vault: str = "contoso-kv", name: str = "db-password") -> int:
        """Read a secret from its vault, and return the status."""
        headers = {
            "Host": f"{vault}.vault.azure.net",
            "Authorization": f"Bearer {self.token(by, 'https://vault.azure.net')}",
        }
        with requests.Session() as session:
            session.trust_env = False
            url = f"{self._vaults}/secrets/{name}?api-version=7.4"
            return session.get(url, headers=headers, timeout=10).status_code

    def role(self, name: str) -> str:
        """Return the ARM id of a role."""
        return (
            f"{self.subscription}/providers/Microsoft.Authorization/roleDefinitions/"
            f"{self.azure.role_assignments.role(name).id}"
        )


class Credential:
    """Tokens of an identity of the local Azure, as an SDK asks for them."""

    def __init__(self, arm: Arm, identity: str) -> None:
        self._arm = arm
        self._identity = identity

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        found = self._arm.azure.tokens.issue(
            self._arm.azure.identity(self._identity), scopes[0].removesuffix("/.default")
        )
        return AccessToken(found.text, found.expires_on)


class Loopback(RequestsTransport):  # type: ignore[misc]  # It ships no types.
    """Leads every request of an SDK to the management plane on this machine."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = urlsplit(address)

    def send(self, request: HttpRequest | RestRequest, **kwargs: Any) -> Any:
        address = request.url
        asked = urlsplit(address)
        request.headers["Host"] = "management.azure.com"
        request.url = urlunsplit((self._address.scheme, self._address.netloc, asked.path, asked.query, ""))
        try:
            return super().send(request, proxies={}, **kwargs)
        finally:
            request.url = address  # Where an SDK asks for the result of what it began.


class MakeArm(Protocol):
    def __call__(self, database: Database | None = None) -> Arm: ...


@pytest.fixture
def make_arm(serve: Serve) -> Iterator[MakeArm]:
    """Start a management plane, on a store that was kept or on none."""
    made = []

    def start(database: Database | None = None) -> Arm:
        azure = Azure(config(), database=database)
        restore(azure)
        made.append(azure)
        return Arm(azure, serve(arm_app(azure)), serve(vault_app(azure)))

    yield start
    for azure in made:
        azure.close()


@pytest.fixture
def arm(make_arm: MakeArm) -> Arm:
    return make_arm()
