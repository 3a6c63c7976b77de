"""What keys cost through a vault, as ratios to the bare calls of ``cryptography``, and what making them costs others.

The local Azure is a process of its own, as the vault is. Run as ``python -m bench.keys``.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial

import requests
from bench.results import alternate, keep, met, ratio, table
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from keyless.local import LocalAzure
from keyless.local.azure.keyvault.backup.jwe import to_base64url
from keyless.local.azure.keyvault.keys.algorithms import ENCRYPTIONS
from keyless.local.azure.keyvault.objects.attributes import Attributes
from keyless.local.azure.keyvault.objects.stored import ObjectVersion

SECONDS = 1.0
KEYS, LARGE_KEYS, READS = 10_000, 50, 1000
GOAL = 3.0


def serve() -> None:
    """Be the vault; end with standard input."""
    with LocalAzure() as azure:
        azure.identity("system").grant("Key Vault Crypto Officer", on="contoso-kv")
        azure.vault("contoso-kv").create_key("bench")
        token = azure.azure.tokens.issue(azure.azure.identity("system"), "https://vault.azure.net").text
        said = {"environment": azure.environment(), "https": azure.https_url, "ca": str(azure.ca_file), "token": token}
        print(json.dumps(said), flush=True)
        sys.stdin.read()


def weigh(kty: str) -> None:
    """Print how many MiB ten thousand keys take."""
    with LocalAzure() as azure:
        vault = azure.vault("contoso-kv")
        # One RSA key under all names: to make as many would take a quarter of an hour, and weighs the same.
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(KEYS):
            if kty == "EC":
                vault.create_key(f"key-{number}", "EC")
                continue
            version = ObjectVersion(
                name=f"key-{number}",
                version=uuid.uuid4().hex,
                attributes=Attributes(),
                created_on=0,
                updated_on=0,
                value="",
            )
            vault.keys.keep_managed(version, key, kty="RSA", key_ops=["sign", "verify"])
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


class Client:
    """One kept connection to the vault, straight or by the proxy."""

    def __init__(self, said: dict[str, str], environment: dict[str, str], *, proxied: bool) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({"Authorization": f"Bearer {said['token']}", "Host": "contoso-kv.vault.azure.net"})
        self.session.verify = said["ca"]
        if proxied:
            self.session.proxies = {"https": environment["HTTPS_PROXY"]}
        self.url = "https://contoso-kv.vault.azure.net" if proxied else said["https"]

    def ask(self, method: str, path: str, body: object = None) -> dict[str, str]:
        answer = self.session.request(method, f"{self.url}/keys/{path}?api-version=7.6", json=body, timeout=600)
        answer.raise_for_status()
        return answer.json()


def per_second(do: Callable[[], object]) -> float:
    started, count = time.perf_counter(), 0
    while time.perf_counter() < started + SECONDS:
        do()
        count += 1
    return count / (time.perf_counter() - started)


def rates(straight: Client, proxied: Client) -> dict[str, dict[str, list[float]]]:
    """Return how often a second each way signs and unwraps."""
    bare = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    digest, prehashed, oaep = bytes(32), utils.Prehashed(hashes.SHA256()), ENCRYPTIONS["RSA-OAEP-256"]
    sealed = bare.public_key().encrypt(b"a key of 16 byte", oaep)
    wrapped = straight.ask("POST", "bench/wrapkey", {"alg": "RSA-OAEP-256", "value": to_base64url(b"a key of 16 byte")})
    sign = {"alg": "RS256", "value": to_base64url(digest)}
    unwrap = {"alg": "RSA-OAEP-256", "value": wrapped["value"]}
    return {
        "sign": alternate({
            "bare": partial(per_second, partial(bare.sign, digest, padding.PKCS1v15(), prehashed)),
            "straight": partial(per_second, partial(straight.ask, "POST", "bench/sign", sign)),
            "proxied": partial(per_second, partial(proxied.ask, "POST", "bench/sign", sign)),
        }),
        "unwrap": alternate({
            "bare": partial(per_second, partial(bare.decrypt, sealed, oaep)),
            "straight": partial(per_second, partial(straight.ask, "POST", "bench/unwrapkey", unwrap)),
            "proxied": partial(per_second, partial(proxied.ask, "POST", "bench/unwrapkey", unwrap)),
        }),
    }  # fmt: skip


def p99(client: Client, until: Callable[[], bool]) -> float:
    """Return how many milliseconds all but one of a hundred reads took at most."""
    times = []
    while not until() or len(times) < READS:
        before = time.perf_counter()
        client.ask("GET", "bench")
        times.append((time.perf_counter() - before) * 1000)
    return statistics.quantiles(times, n=100)[98]


def while_keys_are_made(client: Client, other: Client) -> tuple[float, float]:
    """Return the p99 of a read while large keys are made, and the seconds that they took."""
    done, started = threading.Event(), time.perf_counter()

    def make() -> None:
        for number in range(LARGE_KEYS):
            other.ask("POST", f"large-{number}/create", {"kty": "RSA", "key_size": 4096})
        done.set()

    maker = threading.Thread(target=make)
    maker.start()
    found = p99(client, done.is_set)
    maker.join()
    return found, time.perf_counter() - started


def weight(kty: str) -> float:
    command = [sys.executable, "-m", "bench.keys", "weigh", kty]
    return float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def report(measured: dict[str, dict[str, list[float]]], reads: dict[str, float], mib: dict[str, float]) -> str:
    rows = [
        [
            name,
            *(f"{statistics.median(found[way]):,.0f}" for way in ("bare", "straight", "proxied")),
            f"{ratio(found, 'straight', 'bare'):.2f}",
            f"{ratio(found, 'proxied', 'straight'):.2f}",
        ]
        for name, found in measured.items()
    ]
    head = ["a second", "`cryptography` alone", "the vault", "by the proxy", "vault to alone", "proxy to vault"]
    slower = reads["busy"] / reads["idle"]
    return f"""
`python -m bench.keys`: RSA of 2,048 bits, RS256 and RSA-OAEP-256, one kept connection, median of 7 alternating rounds, the local Azure in
a process of its own. The machine had other work at the time (load {os.getloadavg()[1]:.0f} on {os.cpu_count()} cores).

{table(head, rows)}

* While {LARGE_KEYS} keys of 4,096 bits were made, in {reads["seconds"]:.0f} s, a get took {reads["busy"]:.1f} ms (p99). Idle, it took {reads["idle"]:.1f} ms: {slower:.1f} times as long. Goal:
  {met(slower, GOAL)}.
* {KEYS:,} keys take {mib["EC"]:.0f} MiB (P-256) or {mib["RSA"]:.0f} MiB (RSA of 2,048 bits).
"""


def main() -> None:
    command = [sys.executable, "-m", "bench.keys", "serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        said = json.loads(server.stdout.readline())
        straight, proxied, other = (
            Client(said, said["environment"], proxied=by_proxy) for by_proxy in (False, True, False)
        )
        measured = rates(straight, proxied)
        idle = p99(straight, lambda: True)
        busy, seconds = while_keys_are_made(straight, other)
        # Before and after, since what else the machine does changes.
        idle = statistics.fmean((idle, p99(straight, lambda: True)))
        server.stdin.close()
    reads = {"idle": idle, "busy": busy, "seconds": seconds}
    mib = {kty: weight(kty) for kty in ("EC", "RSA")}
    keep("keys", {"per_second": measured, "get_p99_ms": reads, "mib": mib}, report(measured, reads, mib))


if __name__ == "__main__":
    {"serve": serve, "weigh": lambda: weigh(sys.argv[2])}[sys.argv[1]]() if sys.argv[1:] else main()
