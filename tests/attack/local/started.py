"""A ``keyless up`` of its own, whose every line is kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from tests.attack.local.malformed import Listener

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Up:
    """One that runs.

    Attributes:
        said: Its summary.
        process: Its process.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._errors: list[bytes] = []
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()
        assert process.stdout is not None
        self.first = process.stdout.readline()
        self.said: dict[str, Any] = json.loads(self.first) if self.first else {}

    def _read(self) -> None:
        assert self.process.stderr is not None
        self._errors.extend(self.process.stderr)

    @property
    def stderr(self) -> str:
        """What it has written to standard error."""
        return b"".join(self._errors).decode(errors="replace")

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """Ask its control API."""
        control = self.said["control"]
        with requests.Session() as session:
            session.trust_env = False
            headers = {"Authorization": f"Bearer {control['token']}", **options.pop("headers", {})}
            return session.request(method, f"{control['url']}/{path}", headers=headers, timeout=10, **options)

    def listeners(self) -> list[Listener]:
        """Return what listens, but for the function host."""
        ports = {name: int(self.said[name].rpartition(":")[2]) for name in ("http", "https", "authority")}
        fabric = urlsplit(self.said["sources"]["service-fabric"]["set"]["IDENTITY_ENDPOINT"])
        proxy = urlsplit(self.said["env"]["HTTPS_PROXY"]).port
        assert fabric.port is not None
        assert proxy is not None
        return [
            Listener("identity", ports["http"], "127.0.0.1", "/msi/token?resource=https://vault.azure.net"),
            Listener("control", ports["http"], "127.0.0.1", "/_keyless/clock"),
            Listener("vault", ports["https"], "contoso-kv.vault.azure.net", "/secrets/q?api-version=7.4", tls=True),
            Listener("authority", ports["authority"], "localhost", "/common/oauth2/v2.0/token", tls=True),
            Listener("service-fabric", fabric.port, "localhost", fabric.path, tls=True),
            Listener("proxy", proxy, "127.0.0.1", "/"),
        ]

    def close(self) -> None:
        """Close its pipes, once it has ended."""
        self._reading.join(5)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()

    def stop(self) -> int:
        """End it as a service manager does, and return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(20)
        self._reading.join(5)
        return status


@contextmanager
def up(
    *options: str, folder: Path, environment: dict[str, str] | None = None, descriptors: int | None = None
) -> Iterator[Up]:
    """Start one, which may be allowed few descriptors, and end it at the end."""
    limited = ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh"] if descriptors else []
    process = subprocess.Popen(
        [*limited, sys.executable, "-m", "keyless", "up", "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env={**os.environ, **(environment or {})},
    )
    made = Up(process)
    try:
        yield made
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        made.close()
