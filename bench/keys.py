"""The cost of keys through a vault, as ratios to the bare calls of ``cryptography``, and what making them costs others.

Run as ``python -m bench.keys``.
"""

import os
import resource
import sys
import uuid
from functools import partial

from bench.crypto_vault import Client, clients, per_second, rates, weight, while_made
from bench.results import alternate, keep, met
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa, utils

from keyless.local import LocalAzure
from keyless.local.azure.keyvault.backup.jwe import to_base64url
from keyless.local.azure.keyvault.keys.algorithms import ENCRYPTIONS
from keyless.local.azure.keyvault.objects.attributes import Attributes
from keyless.local.azure.keyvault.objects.stored import ObjectVersion

KEYS, LARGE_KEYS = 10_000, 50
GOAL = 3.0
CONTENT = b"a key of 16 byte"


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


def measure(straight: Client, proxied: Client) -> dict[str, dict[str, list[float]]]:
    """Return how often a second each way signs and unwraps."""
    bare = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    digest, prehashed, oaep = bytes(32), utils.Prehashed(hashes.SHA256()), ENCRYPTIONS["RSA-OAEP-256"]
    sealed = bare.public_key().encrypt(CONTENT, oaep)
    plain = {"alg": "RSA-OAEP-256", "value": to_base64url(CONTENT)}
    sign = {"alg": "RS256", "value": to_base64url(digest)}
    unwrap = {"alg": "RSA-OAEP-256", "value": straight.ask("POST", "keys/bench/wrapkey", plain)["value"]}
    return {
        "sign": alternate({
            "bare": partial(per_second, partial(bare.sign, digest, padding.PKCS1v15(), prehashed)),
            "straight": partial(per_second, partial(straight.ask, "POST", "keys/bench/sign", sign)),
            "proxied": partial(per_second, partial(proxied.ask, "POST", "keys/bench/sign", sign)),
        }),
        "unwrap": alternate({
            "bare": partial(per_second, partial(bare.decrypt, sealed, oaep)),
            "straight": partial(per_second, partial(straight.ask, "POST", "keys/bench/unwrapkey", unwrap)),
            "proxied": partial(per_second, partial(proxied.ask, "POST", "keys/bench/unwrapkey", unwrap)),
        }),
    }  # fmt: skip


def report(measured: dict[str, dict[str, list[float]]], reads: dict[str, float], mib: dict[str, float]) -> str:
    slower = reads["busy"] / reads["idle"]
    return f"""
`python -m bench.keys`: RSA of 2,048 bits, RS256 and RSA-OAEP-256, one kept connection, median of 7 alternating rounds, the local Azure in
a process of its own. The machine had other work at the time (load {os.getloadavg()[1]:.0f} on {os.cpu_count()} cores).

{rates(measured)}

* While {LARGE_KEYS} keys of 4,096 bits were made, in {reads["seconds"]:.0f} s, a get took {reads["busy"]:.1f} ms (p99). Idle, it took {reads["idle"]:.1f} ms: {slower:.1f} times as long. Goal:
  {met(slower, GOAL)}.
* {KEYS:,} keys take {mib["EC"]:.0f} MiB (P-256) or {mib["RSA"]:.0f} MiB (RSA of 2,048 bits).
"""


def main() -> None:
    large = {"kty": "RSA", "key_size": 4096}
    with clients() as (straight, proxied, other):
        measured = measure(straight, proxied)
        reads = while_made(
            straight,
            "keys/bench",
            lambda number: other.ask("POST", f"keys/large-{number}/create", large),
            LARGE_KEYS,
        )
    mib = {kty: weight("bench.keys", kty) for kty in ("EC", "RSA")}
    keep("keys", {"per_second": measured, "get_p99_ms": reads, "mib": mib}, report(measured, reads, mib))


if __name__ == "__main__":
    weigh(sys.argv[2]) if sys.argv[1:] else main()
