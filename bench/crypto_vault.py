"""A local Azure in a process of its own, as the vault is, with a key and a certificate; and what asks it.

Run as ``python -m bench.crypto_vault`` it is that process, until standard input ends.
"""

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import requests
from bench.results import ratio, table
from msgspec.structs import replace

from keyless.local import LocalAzure

NAME = "bench"
SECONDS, READS = 1.0, 1000
WAYS = ("bare", "straight", "proxied")


def serve() -> None:
    with LocalAzure() as azure:
        vault = azure.vault("contoso-kv")
        vault.settings = replace(vault.settings, issuance_seconds=0)
        for role in ("Key Vault Crypto Officer", "Key Vault Certificates Officer"):
            azure.identity("system").grant(role, on=vault)
        vault.create_key(NAME)
        vault.create_certificate(f"{NAME}-web", "CN=contoso.com", policy={"key_props": {"kty": "EC"}})
        token = azure.azure.tokens.issue(azure.azure.identity("system"), "https://vault.azure.net").text
        proxy = azure.environment()["HTTPS_PROXY"]
        print(
            json.dumps({"proxy": proxy, "https": azure.https_url, "ca": str(azure.ca_file), "token": token}), flush=True
        )
        sys.stdin.read()


class Client:
    """One kept connection to the vault, straight or by the proxy."""

    def __init__(self, said: dict[str, str], *, proxied: bool = False) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({"Authorization": f"Bearer {said['token']}", "Host": "contoso-kv.vault.azure.net"})
        self.session.verify = said["ca"]
        if proxied:
            self.session.proxies = {"https": said["proxy"]}
        self.url = "https://contoso-kv.vault.azure.net" if proxied else said["https"]

    def ask(self, method: str, path: str, body: object = None) -> dict[str, str]:
        answer = self.session.request(method, f"{self.url}/{path}?api-version=7.6", json=body, timeout=600)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def clients() -> Iterator[tuple[Client, Client, Client]]:
    """Start the vault, and give clients of it: straight, by the proxy, and straight once more."""
    command = [sys.executable, "-m", "bench.crypto_vault"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        said = json.loads(server.stdout.readline())
        yield Client(said), Client(said, proxied=True), Client(said)
        server.stdin.close()


def per_second(do: Callable[[], object]) -> float:
    started, count = time.perf_counter(), 0
    while time.perf_counter() < started + SECONDS:
        do()
        count += 1
    return count / (time.perf_counter() - started)


def p99(client: Client, path: str, until: Callable[[], bool]) -> float:
    """Return how many milliseconds all but one of a hundred reads took at most."""
    times = []
    while not until() or len(times) < READS:
        before = time.perf_counter()
        client.ask("GET", path)
        times.append((time.perf_counter() - before) * 1000)
    return statistics.quantiles(times, n=100)[98]


def while_made(client: Client, path: str, make: Callable[[int], object], count: int) -> dict[str, float]:
    """Return the p99 of a read, idle and while ``count`` objects are made, in ms, and the seconds that these took."""
    before, done, started = p99(client, path, lambda: True), threading.Event(), time.perf_counter()

    def make_all() -> None:
        for number in range(count):
            make(number)
        done.set()

    maker = threading.Thread(target=make_all)
    maker.start()
    busy = p99(client, path, done.is_set)
    maker.join()
    seconds = time.perf_counter() - started
    # Before and after, since what else the machine does changes.
    return {"idle": statistics.fmean((before, p99(client, path, lambda: True))), "busy": busy, "seconds": seconds}


def weight(module: str, kty: str) -> float:
    """Return the MiB that a module's ``weigh`` prints in a process of its own."""
    command = [sys.executable, "-m", module, "weigh", kty]
    return float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def rates(measured: dict[str, dict[str, list[float]]]) -> str:
    """Return the table of how often a second each way does each thing."""
    rows = [
        [
            name,
            *(f"{statistics.median(found[way]):,.0f}" for way in WAYS),
            f"{ratio(found, 'straight', 'bare'):.2f}",
            f"{ratio(found, 'proxied', 'straight'):.2f}",
        ]
        for name, found in measured.items()
    ]
    return table(
        ["a second", "`cryptography` alone", "the vault", "by the proxy", "vault to alone", "proxy to vault"], rows
    )


if __name__ == "__main__":
    serve()
