"""A real server for the web applications of the local Azure."""

from __future__ import annotations

import socket
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol

import pytest
import requests

from keyless.local.azure.azure import Azure
from keyless.local.wire.keyvault import vault_app
from keyless.local.wire.serving.boundary import Boundary, Failure
from keyless.local.wire.serving.forms import text_form
from keyless.local.wire.serving.lines import Lines
from keyless.local.wire.serving.loop_thread import LoopThread
from keyless.local.wire.serving.site import site

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractAsyncContextManager

    from keyless.local.wire.http.app import App


class Serve(Protocol):
    def __call__(self, app: App) -> str: ...


@contextmanager
def _served(app: App) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))

    def serving() -> AbstractAsyncContextManager[None]:
        boundary = Boundary(text_form, lambda _, failure: failures.append(failure))
        return site(app, listener, None, boundary=boundary, lines=Lines())

    failures: list[Failure] = []
    with listener, LoopThread(serving, name="served"):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert [each for each in failures if each.status >= 500] == []


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve an application on a port of 127.0.0.1 until the test is over; returns its address."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(_served(app))


class VaultWire:
    """Asks the vaults of a local Azure over HTTP, as a client that the proxy led there."""

    def __init__(self, azure: Azure, address: str) -> None:
        self.azure = azure
        self._address = address

    def token(self, identity: str = "system", resource: str = "https://vault.azure.net") -> str:
        return self.azure.tokens.issue(self.azure.identity(identity), resource).text

    def ask(
        self,
        method: str,
        path: str,
        *,
        identity: str = "system",
        authorization: str | None = "",
        api_version: str | None = "2026-04-01",
        host: str = "contoso-kv.vault.azure.net",
        headers: dict[str, str] | None = None,
        body: str | bytes | None = None,
    ) -> requests.Response:
        """Send one request; None leaves out the authorization or the API version."""
        if api_version is not None:
            path += f"{'&' if '?' in path else '?'}api-version={api_version}"
        sent = {"Host": host, **(headers or {})}
        if authorization is not None:
            sent["Authorization"] = authorization or f"Bearer {self.token(identity)}"
        request = requests.Request(method, f"{self._address}/", headers=sent, data=body).prepare()
        request.url = f"{self._address}{path}"  # As it stands: requests would escape some of it.
        with requests.Session() as session:
            return session.send(request, timeout=10)


@pytest.fixture
def wire(serve: Serve) -> VaultWire:
    """The default vault, with a system-assigned identity that may do everything with its secrets."""
    azure = Azure()
    azure.identity("system").revoke("Key Vault Secrets User", on="contoso-kv")
    azure.identity("system").grant("Key Vault Secrets Officer", on="contoso-kv")
    return VaultWire(azure, serve(vault_app(azure)))
