"""The library's reads, cached and cold, from threads and tasks, against the official SDK and against peers that cache.

The local Azure is a process of its own, as the vault is. Run as ``python -m bench.reads``.
"""

import asyncio
import gc
import json
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import requests
from bench.results import ROOT, ROUNDS, alternate, keep, median, met, ratio, table

URL = "https://contoso-kv.vault.azure.net"
CALLS = 200_000
THREADS = (1, 4, 16, 64)
FIRSTS, KEPT = 10, 60
MANY_AT_ONCE = [f"secret-{number:05}" for number in range(8)]
TASKS = (1, 100, 10_000)
SECRETS = 1000
MANY_SECRETS = 10_000


def nanoseconds(call: Callable[[], object], calls: int = CALLS) -> float:
    """Return the nanoseconds of a call, the loop around it included."""
    turns = range(calls)
    started = time.perf_counter_ns()
    for _ in turns:
        call()
    return (time.perf_counter_ns() - started) / calls


def async_nanoseconds(call: Callable[[], object], calls: int = CALLS // 4) -> float:
    async def loop() -> float:
        turns = range(calls)
        started = time.perf_counter_ns()
        for _ in turns:
            await call()  # type: ignore[misc]
        return (time.perf_counter_ns() - started) / calls

    return asyncio.run(loop())


def milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def from_threads(threads: int, read: Callable[[], object]) -> None:
    with ThreadPoolExecutor(threads) as pool:
        barrier = threading.Barrier(threads)
        for future in [pool.submit(lambda: (barrier.wait(), read())) for _ in range(threads)]:
            future.result()


def start_cold(reader: str, threads: int) -> None:
    """Read one secret from that many threads at once, with nothing in memory."""
    from azure.identity import ManagedIdentityCredential
    from azure.keyvault.secrets import SecretClient

    from keyless import SecretReader

    read = SecretReader(URL).get if reader == "keyless" else SecretClient(URL, ManagedIdentityCredential()).get_secret
    from_threads(threads, partial(read, "db-password"))


def cached() -> dict[str, dict[str, list[float]]]:
    """Measure reads from memory."""
    import botocore.session
    from aws_secretsmanager_caching import SecretCache

    from keyless import SecretReader

    reader = SecretReader(URL, ttl=3600)
    reader.get("db-password")
    held = {"db-password": "value"}

    async def bare() -> str:
        return held["db-password"]

    client = botocore.session.get_session().create_client(
        "secretsmanager", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    # The peer's own cache, with an answer of its service put in the place of the network.
    answer = {"SecretString": "value", "VersionIdsToStages": {"v": ["AWSCURRENT"]}}
    client.describe_secret = lambda **_: answer  # type: ignore[method-assign]
    client.get_secret_value = lambda **_: answer  # type: ignore[method-assign]
    peer = SecretCache(client=client)
    peer.get_secret_string("db-password")
    return {
        "get_ns": alternate({
            "a dict": partial(nanoseconds, partial(held.get, "db-password")),
            "keyless get": partial(nanoseconds, partial(reader.get, "db-password")),
            "aws-secretsmanager-caching": partial(
                nanoseconds, partial(peer.get_secret_string, "db-password"), CALLS // 20
            ),
        }),
        "aget_ns": alternate({
            "a bare coroutine": partial(async_nanoseconds, bare),
            "keyless aget": partial(async_nanoseconds, partial(reader.aget, "db-password")),
        }),
        "threads_per_second": {
            str(threads): alternate({
                "keyless get": partial(per_second, threads, partial(reader.get, "db-password")),
                "a dict": partial(per_second, threads, partial(held.get, "db-password")),
            })
            for threads in THREADS
        },
        "tasks_ms": {
            str(tasks): alternate({
                "keyless aget": partial(one_gather, tasks, partial(reader.aget, "db-password")),
                "a bare coroutine": partial(one_gather, tasks, bare),
            })
            for tasks in TASKS
        },
    }  # fmt: skip


def per_second(threads: int, read: Callable[[], object]) -> float:
    return threads * 5000 / (milliseconds(partial(from_threads, threads, lambda: [read() for _ in range(5000)])) / 1000)


def one_gather(tasks: int, read: Callable[[], Awaitable[object]]) -> float:
    async def gather() -> float:
        started = time.perf_counter()
        await asyncio.gather(*[read() for _ in range(tasks)])
        return (time.perf_counter() - started) * 1000

    return asyncio.run(gather())


def bare_token(identity: requests.Session) -> str:
    return identity.get(
        f"{os.environ['IDENTITY_ENDPOINT']}?api-version=2019-08-01&resource=https://vault.azure.net",
        headers={"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]},
    ).json()["access_token"]


def bare_get(vault: requests.Session, token: str) -> str:
    answer = vault.get(f"{URL}/secrets/db-password?api-version=7.4", headers={"Authorization": f"Bearer {token}"})
    return answer.json()["value"]


def each(times: int, work: Callable[[], object]) -> float:
    return milliseconds(lambda: [work() for _ in range(times)]) / times


def cold() -> dict[str, list[float]]:
    """Measure first reads, each with connections of its own, and reads on a connection that is kept."""
    from azure.identity import ManagedIdentityCredential
    from azure.keyvault.secrets import SecretClient

    from keyless import SecretReader

    def keyless_first() -> None:
        with SecretReader(URL) as reader:
            reader.get("db-password")

    def bare_first() -> None:
        with requests.Session() as identity, requests.Session() as vault:
            bare_get(vault, bare_token(identity))

    def sdk_first() -> None:
        with SecretClient(URL, ManagedIdentityCredential()) as client:
            client.get_secret("db-password")

    def keyless_many() -> None:
        with SecretReader(URL) as reader:
            reader.get_many(MANY_AT_ONCE)

    def sdk_many() -> None:
        with SecretClient(URL, ManagedIdentityCredential()) as client, ThreadPoolExecutor(8) as pool:
            list(pool.map(client.get_secret, MANY_AT_ONCE))

    always, kept = SecretReader(URL, ttl=0), requests.Session()
    client = SecretClient(URL, ManagedIdentityCredential())
    token = bare_token(requests.Session())
    return alternate({
        "first: keyless": partial(each, FIRSTS, keyless_first),
        "first: two bare GETs": partial(each, FIRSTS, bare_first),
        "first: SDK": partial(each, FIRSTS, sdk_first),
        "first, 8 secrets: keyless get_many": partial(each, FIRSTS, keyless_many),
        "first, 8 secrets: SDK, 8 threads": partial(each, FIRSTS, sdk_many),
        "kept: keyless, ttl=0": partial(each, KEPT, partial(always.get, "db-password")),
        "kept: one bare GET": partial(each, KEPT, partial(bare_get, kept, token)),
        "kept: SDK": partial(each, KEPT, partial(client.get_secret, "db-password")),
    })  # fmt: skip


def cold_kept() -> dict[str, list[float]]:
    """Measure reads that need a token and the secret, on connections that are kept; no token here lasts for a second read."""
    from keyless import SecretReader

    reader, identity, vault = SecretReader(URL, ttl=0), requests.Session(), requests.Session()
    return alternate({
        "kept: keyless, token and secret": partial(each, KEPT, partial(reader.get, "db-password")),
        "kept: two bare GETs": partial(each, KEPT, lambda: bare_get(vault, bare_token(identity))),
    })  # fmt: skip


def memory() -> dict[str, float]:
    """Return the bytes that a secret in memory takes: here, and as a dict of the SDK's own objects."""
    from azure.identity import ManagedIdentityCredential
    from azure.keyvault.secrets import SecretClient

    from keyless import SecretReader

    names = [f"secret-{number:05}" for number in range(MANY_SECRETS)]
    reader, client = SecretReader(URL, ttl=3600), SecretClient(URL, ManagedIdentityCredential())
    reader.get(names[0]), client.get_secret(names[0])
    measured = {}
    for what, read in (
        ("keyless, 1,000", lambda: reader.get_many(names[:SECRETS], timeout=600)),
        ("SDK's objects in a dict, 1,000", lambda: {name: client.get_secret(name) for name in names[:SECRETS]}),
        ("keyless, 10,000", lambda: reader.get_many(names, timeout=600)),
    ):
        gc.collect()
        tracemalloc.start()
        found = read()
        if what.startswith("keyless"):
            del found  # What get_many returned; the reader keeps its own.
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        measured[what] = grown / (SECRETS if what.endswith("1,000") else MANY_SECRETS - SECRETS)
    return measured


def measure() -> None:
    """Run in a process of its own, beside the local Azure."""
    raw = {**cached(), "cold_ms": cold()}
    raw["bytes_per_secret"] = memory()
    print(json.dumps(raw))


def report(raw: dict) -> None:
    get, aget, first = raw["get_ns"], raw["aget_ns"], raw["cold_ms"]
    get_over = median(get)["keyless get"] - median(get)["a dict"]
    aget_over = median(aget)["keyless aget"] - median(aget)["a bare coroutine"]
    slower = ratio(first, "kept: keyless, token and secret", "kept: two bare GETs")
    rows = [[name, f"{value:,.0f}"] for name, value in {**median(get), **median(aget)}.items()]
    starts = [[threads, str(ours), str(theirs)] for threads, (ours, theirs) in raw["cold_requests"].items()]
    at_once = [
        [
            f"{int(number):,} {what}{'s' * (number != '1')}",
            f"{ratio(its, ours, bare):.2f}",
            said.format(median(its)[ours]),
        ]
        for what, key, ours, bare, said in (
            ("thread", "threads_per_second", "keyless get", "a dict", "{:,.0f} reads a second together"),
            ("task", "tasks_ms", "keyless aget", "a bare coroutine", "{:.2f} ms for one read each"),
        )
        for number, its in raw[key].items()
    ]
    section = f"""
`python -m bench.reads`, medians of {ROUNDS} alternating rounds, the local Azure in a process of its own.

{table(["a read from memory", "ns"], rows)}

* `get` costs {get_over:,.0f} ns more than the bare call of a dict. Goal: {met(get_over, 1000, unit=" ns")}.
* `aget` costs {aget_over:,.0f} ns more than a bare coroutine. Goal: {met(aget_over, 3000, unit=" ns")}.

From memory no lock is taken. The ratio is to the rate of a dict read by as many threads, and to the time of as many bare coroutines:

{table(["at once", "ratio", "keyless"], at_once)}

{table(["a read of the vault", "ms"], [[name, f"{value:.2f}"] for name, value in median(first).items()])}

* A read that needs a token and the secret took {slower:.2f} of the time of two bare `requests` GETs, both on kept connections. Goal:
  {met(slower, 1.2)}. With new connections, it was {ratio(first, "first: keyless", "first: two bare GETs"):.2f}, and the SDK's
  {ratio(first, "first: SDK", "first: two bare GETs"):.2f}.
* Eight secrets at once took {ratio(first, "first, 8 secrets: keyless get_many", "first, 8 secrets: SDK, 8 threads"):.2f} of the SDK's time:
  the connections share a token, and root certificates that are loaded once.
* With a token in hand, a read took {ratio(first, "kept: keyless, ttl=0", "kept: one bare GET"):.2f} of one bare GET, and the SDK's
  {ratio(first, "kept: SDK", "kept: one bare GET"):.2f}.

{table(["threads at a cold start", "requests, keyless", "requests, SDK"], starts)}

A secret in memory takes {raw["bytes_per_secret"]["keyless, 1,000"]:,.0f} bytes with 1,000 of them and
{raw["bytes_per_secret"]["keyless, 10,000"]:,.0f} with 10,000. A dict of the SDK's objects takes
{raw["bytes_per_secret"]["SDK's objects in a dict, 1,000"]:,.0f}.

azure-appconfiguration-provider is not in these tables. It reads secrets at start and at `refresh()`, and returns a dict.
"""
    keep("reads", raw, section)


def main() -> None:
    from keyless.cli.run import child_environment
    from keyless.local.server import LocalAzure

    with LocalAzure() as azure:
        environment = {**child_environment(azure, os.environ), "PYTHONPATH": str(ROOT)}

        def run(*arguments: str) -> str:
            command = [sys.executable, "-m", "bench.reads", *arguments]
            return subprocess.run(
                command, env=environment, cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True
            ).stdout

        def requests_of_a_cold_start(reader: str, threads: int) -> int:
            before = azure.journal.count()
            run("start-cold", reader, str(threads))
            return azure.journal.count() - before

        cold_requests = {
            str(threads): [requests_of_a_cold_start(reader, threads) for reader in ("keyless", "sdk")]
            for threads in THREADS
        }
        vault = azure.vault("contoso-kv")
        for number in range(MANY_SECRETS):
            vault.set_secret(f"secret-{number:05}", f"a value of thirty-two letters {number:03}"[:32])
        raw = json.loads(run("measure"))
        # Less than the five minutes below which MSAL takes a token for expired.
        azure.azure.token_lifetimes.update(dict.fromkeys(azure.azure.token_lifetimes, 250))
        raw["cold_ms"] |= json.loads(run("measure-cold-kept"))
    report({**raw, "cold_requests": cold_requests})


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["measure"]:
            measure()
        case ["measure-cold-kept"]:
            print(json.dumps(cold_kept()))
        case ["start-cold", reader, threads]:
            start_cold(reader, int(threads))
        case _:
            main()
