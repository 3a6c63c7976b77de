"""The services of the attacks, for tests in this process, and a reader's clock that tests move."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Where the services are."""
    folder: Path = tmp_path_factory.mktemp("attack")
    command = [sys.executable, "-m", "tests.attack.services", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        yield json.loads(running.stdout.readline())
        running.stdin.close()


@pytest.fixture
def vault_url(served: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The vault's URL; the rest of the way to it is in the environment."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{served['identity']}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header-of-the-attack")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", served["roots"])
    resolve = socket.getaddrinfo

    def to_loopback(host: Any, *rest: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if str(host).endswith("vault.azure.net") else host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", to_loopback)
    return served["vault_url"]
