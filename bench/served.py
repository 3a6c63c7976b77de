"""A vault that runs in a process of its own, asked by one client: what the benchmarks of the local Azure and its peers share."""

import json
import os
import resource
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

VAULT = "contoso-kv"
HOST = f"{VAULT}.vault.azure.net"
SECRET = "db-password"
CONFIG = f"""
[vaults.{VAULT}.secrets]
{SECRET} = "local-db-password"
[identities.system]
roles = {{ {VAULT} = "Key Vault Administrator" }}
"""
API_VERSION = "7.4"


@dataclass(frozen=True, slots=True)
class Place:
    """The address of a vault, and the way to ask it.

    Attributes:
        netloc: Its host and port.
        host: What Host must say.
        token: The token to show.
        context: The TLS settings of the client.
    """

    netloc: str
    host: str
    token: str
    context: ssl.SSLContext

    def connect(self) -> HTTPSConnection:
        """Return a connection, which is opened by its first request."""
        return HTTPSConnection(self.netloc, context=self.context)

    def call(self, connection: HTTPSConnection, method: str, path: str, body: str | None = None) -> dict[str, Any]:
        """Ask it once, and return the answer."""
        headers = {"Authorization": f"Bearer {self.token}", "Host": self.host, "Content-Type": "application/json"}
        connection.request(method, f"{path}?api-version={API_VERSION}", body=body, headers=headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status == HTTPStatus.OK, (answer.status, text)
        found: dict[str, Any] = json.loads(text)
        return found

    def rate(self, connection: HTTPSConnection, kind: str, requests: int) -> float:
        """Return how many requests of a kind it answers in a second, one after the other on one connection."""
        started = time.perf_counter()
        for _ in range(requests):
            if kind == "get":
                self.call(connection, "GET", f"/secrets/{SECRET}")
            else:
                self.call(connection, "PUT", f"/secrets/{SECRET}", '{"value":"another value"}')
        return requests / (time.perf_counter() - started)


def clean_environment() -> dict[str, str]:
    """Return the environment of a build: compiled modules are kept, and nothing real is asked."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:1"}


class KeylessUp:
    """``keyless up --json`` of one build, from ``start`` to ``end``.

    Args:
        python: The interpreter of the build's environment.
        folder: Where it is started; its keyless.toml is ``CONFIG``.
    """

    def __init__(self, python: Path, folder: Path) -> None:
        self._python = python
        self._folder = folder

    def start(self) -> Place:
        """Start it, and read the first secret."""
        (self._folder / "keyless.toml").write_text(CONFIG, encoding="utf-8")
        self.process = subprocess.Popen(
            [self._python, "-m", "keyless", "up", "--json", "--function-port", "0"],
            cwd=self._folder,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        said = json.loads(self.process.stdout.readline())
        context = ssl.create_default_context(cafile=said["ca"])
        context.check_hostname = False  # The address is loopback's; the chain is checked.
        place = Place(urlsplit(said["https"]).netloc, HOST, _token(said["env"]), context)
        connection = place.connect()
        assert place.call(connection, "GET", f"/secrets/{SECRET}")["value"] == "local-db-password"
        connection.close()
        return place

    def end(self) -> None:
        """Stop it."""
        self.process.terminate()
        self.process.wait(30)


def _token(environment: dict[str, str]) -> str:
    end = urlsplit(environment["IDENTITY_ENDPOINT"])
    connection = HTTPConnection(end.netloc)
    header = {"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"]}
    connection.request("GET", f"{end.path}?api-version=2019-08-01&resource=https://vault.azure.net", headers=header)
    token = str(json.load(connection.getresponse())["access_token"])
    connection.close()
    return token


def most_memory(pid: int) -> float:
    """Return the most memory that a process has held, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def proportional_memory(pid: int) -> float:
    """Return what a process and its children hold now, in MiB; what they share is counted once."""
    children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in _words(task / "children")]
    own = next(
        line for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines() if line.startswith("Pss:")
    )
    return int(own.split()[1]) / 1024 + sum(map(proportional_memory, children))


def _words(file: Path) -> list[str]:
    return file.read_text("ascii").split()


def processor_time(pid: int) -> float:
    """Return the seconds that the threads of a process have run."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((each / "schedstat").read_text(encoding="ascii").split()[0]) for each in threads) / 1e9


def run(arguments: list[str | Path], folder: Path, **more: str) -> tuple[float, float]:
    """Run a command, and return its seconds on the wall and of processor time, its children's with it."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        arguments, check=True, cwd=folder, env={**clean_environment(), **more}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def this_python() -> Path:
    """Return the interpreter that runs this."""
    return Path(sys.executable)
