"""The function in Azure's own Functions host, against one that says hello, side by side in one run.

It needs the host's archive beside the checkout (see tests/function/real_host.py), and says so where it is not there.
Run as ``python -m bench.real_host``.
"""

import asyncio
import os
import time
from functools import partial
from pathlib import Path

import aiohttp
import requests
from bench.results import ROOT, alternate, keep, median, met, ratio, table

APPS = {"hello-world": ROOT / "bench" / "apps" / "hello", "keyless": ROOT / "function_app"}
PATH = "/api/AcquireTokenMsi"
CALLS, IN_FLIGHT = 1200, 16
# Two that differ by a few hundredths, on a machine that is never still.
COLD_ROUNDS, CLOSE_ROUNDS = 15, 21


async def calls(url: str, key: str, number: int) -> float:
    """Return the calls a second, with some of them under way at any time."""
    turns = iter(range(number))
    connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
    async with aiohttp.ClientSession(connector=connector, headers={"x-functions-key": key}) as session:

        async def caller() -> None:
            for _ in turns:
                async with session.get(url) as answer:
                    await answer.read()
                    if answer.status != 200:
                        raise RuntimeError(answer.status)

        started = time.perf_counter()
        await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
        return number / (time.perf_counter() - started)


def per_second(url: str, key: str, number: int = CALLS) -> float:
    return asyncio.run(calls(f"{url}{PATH}", key, number))


def cold(folder: Path, environment: dict[str, str]) -> float:
    """Return the milliseconds from the start of the host's process to the first 200."""
    from tests.function.real_host import FUNCTION_KEY, RealHost

    host = RealHost(folder, environment=environment)
    try:
        started = time.perf_counter()
        host.launch()
        while True:
            try:
                answer = requests.get(f"{host.url}{PATH}", headers={"x-functions-key": FUNCTION_KEY}, timeout=60)
            except requests.ConnectionError:
                answer = None
            if answer is not None and answer.status_code == 200:
                return (time.perf_counter() - started) * 1000
            if time.perf_counter() - started > 120:
                raise RuntimeError(host.log[-3000:])
            time.sleep(0.01)
    finally:
        host.close()


def main() -> None:
    from tests.function.real_host import FUNCTION_KEY, RealHost, unpack, why_absent

    from keyless.cli.run import child_environment
    from keyless.local.server import LocalAzure

    why = why_absent()
    if why:
        print(f"Azure's own Functions host is not measured here: {why}.")
        return
    unpack()
    before = os.getloadavg()[0]
    with LocalAzure(source="app-service") as azure:
        settings = {"KEY_VAULT_URL": "https://contoso-kv.vault.azure.net", "SECRET_NAME": "db-password"}
        environment = {**child_environment(azure, os.environ), **settings}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        hosts = {name: RealHost(folder, environment=environment) for name, folder in APPS.items()}
        with hosts["hello-world"], hosts["keyless"]:
            for host in hosts.values():
                per_second(host.url, FUNCTION_KEY, 400)
            rate = alternate(
                {name: partial(per_second, host.url, FUNCTION_KEY) for name, host in hosts.items()}, CLOSE_ROUNDS
            )
        started = alternate({name: partial(cold, folder, environment) for name, folder in APPS.items()}, COLD_ROUNDS)
    warm, begin = ratio(rate, "keyless", "hello-world"), ratio(started, "keyless", "hello-world")
    rates, colds = median(rate), median(started)
    rows = [[name, f"{rates[name]:,.0f}", f"{colds[name]:,.0f}"] for name in APPS]
    section = f"""
`python -m bench.real_host`: the host 4.1037.0 with the Python worker 4.34.0 on Python 3.11, both apps in one run. Warm: {IN_FLIGHT} calls
in flight over HTTP, median of {CLOSE_ROUNDS} rounds. Cold: from the start of the host's process to the first 200, which reads the secret, median
of {COLD_ROUNDS} rounds. The load of the machine, which has {os.cpu_count()} cores, was {before:.1f} before, without the benchmark's own.

{table(["app", "warm, calls/s", "cold, ms"], rows)}

* Warm, AcquireTokenMsi answered {warm:.2f} times the calls of hello-world. Goal: {met(warm, 0.95, at_least=True)}.
* Cold, its first 200 took {begin:.2f} times as long. Goal: {met(begin, 1.05)}.
"""
    keep("real_host", {"per_second": rate, "in_flight": IN_FLIGHT, "cold_ms": started}, section)


if __name__ == "__main__":
    main()
