"""What keys cost through the vault, as ratios to the bare calls of ``cryptography`` in the same run.

python -m bench.keys
"""

from __future__ import annotations

import os
import resource
import statistics
import threading
import time
from typing import TYPE_CHECKING

import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, utils

from keyless.local import LocalAzure
from keyless.local.azure.keyvault.backup.jwe import to_base64url
from keyless.local.azure.keyvault.keys.algorithms import ENCRYPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = 10_000
LARGE_KEYS = int(os.environ.get("KEYLESS_BENCH_LARGE_KEYS", "50"))
READS = 300


class Vault:
    """One vault over TLS, by a connection that stays."""

    def __init__(self, azure: LocalAzure) -> None:
        azure.identity("system").grant("Key Vault Crypto Officer", on="contoso-kv")
        environment = azure.environment()
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = environment["REQUESTS_CA_BUNDLE"]
        self.session.proxies = {"https": environment["HTTPS_PROXY"]}
        token = azure.azure.tokens.issue(azure.azure.identity("system"), "https://vault.azure.net").text
        self.session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, body: object = None) -> dict[str, str]:
        url = f"https://contoso-kv.vault.azure.net/keys/{path}?api-version=7.6"
        answer = self.session.request(method, url, json=body, timeout=600)
        assert answer.ok, answer.text
        return answer.json()


def rate(do: Callable[[], object], *, seconds: float = 3.0) -> float:
    end, count = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        do()
        count += 1
    return count / seconds


def p99(vault: Vault, until: Callable[[], bool]) -> float:
    times = []
    while not until() or len(times) < READS:
        before = time.perf_counter()
        vault.ask("GET", "bench")
        times.append(time.perf_counter() - before)
    return statistics.quantiles(times, n=100)[98] * 1000


def main() -> None:
    with LocalAzure() as azure:
        vault = Vault(azure)
        made = azure.vault("contoso-kv").create_key("bench")
        private = azure.vault("contoso-kv").keys.private(made)
        digest, prehashed = bytes(32), utils.Prehashed(hashes.SHA256())
        sealed = private.public_key().encrypt(b"a key of 16 byte", ENCRYPTIONS["RSA-OAEP-256"])
        sign = {"alg": "RS256", "value": to_base64url(digest)}
        unwrap = {"alg": "RSA-OAEP-256", "value": to_base64url(sealed)}
        for name, ours, bare in (
            (
                "sign",
                lambda: vault.ask("POST", "bench/sign", sign),
                lambda: private.sign(digest, padding.PKCS1v15(), prehashed),
            ),
            (
                "unwrap",
                lambda: vault.ask("POST", "bench/unwrapkey", unwrap),
                lambda: private.decrypt(sealed, ENCRYPTIONS["RSA-OAEP-256"]),
            ),
        ):
            through, alone = rate(ours), rate(bare)
            print(f"{name}: {through:.0f} per second through the vault, {alone:.0f} bare, ratio {through / alone:.2f}")
        idle = p99(vault, lambda: True)
        done = threading.Event()

        def make() -> None:
            other = Vault(azure)
            for number in range(LARGE_KEYS):
                other.ask("POST", f"large-{number}/create", {"kty": "RSA", "key_size": 4096})
            done.set()

        threading.Thread(target=make).start()
        busy = p99(vault, done.is_set)
        print(
            f"get, p99: {idle:.1f} ms idle, {busy:.1f} ms while {LARGE_KEYS} keys of 4,096 bits are made, ratio {busy / idle:.1f}"
        )
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for number in range(KEYS):
            azure.vault("contoso-kv").create_key(f"many-{number}", "EC")
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"memory of {KEYS:,} EC keys: {(after - before) / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
