"""The function, warm and cold, through the code that runs functions in Azure, against what people deploy today.

Each rival is a process of its own that azure-functions-runtime drives as the worker does (see
tests/function/runtime_index.py); the local Azure is a third. Run as ``python -m bench.function``.
"""

import asyncio
import json
import logging
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

from bench.results import ROOT, ROUNDS, alternate, keep, median, met, ratio, table

APPS = Path(__file__).parent / "apps"
SDK, MSAL = "(c) SDK, made once", "(d) MSAL, and a GET for each request"
RIVALS = {
    "hello-world": APPS / "hello",
    "keyless": ROOT / "function_app",
    "(b) SDK, made for each request": APPS / "sdk_per_request",
    SDK: APPS / "sdk_globals",
    MSAL: APPS / "msal_and_get",
}
CALLS = {"hello-world": 4000, "keyless": 4000, "(b) SDK, made for each request": 32}
IN_FLIGHT = 32
COLD_ROUNDS = 9
# Two that differ by microseconds, on a machine that is never still.
CLOSE_ROUNDS = 31


class Worker:
    """A process with one app in it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.function", str(folder)],
            env=environment, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def ask(self, calls: int, in_flight: int) -> list[float]:
        """Have the app called; return the seconds that all calls took, and the sorted seconds of each."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(calls, in_flight, file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def first_answer(self) -> float:
        """Return the seconds from the process's start to its first answer."""
        self.ask(1, 1)
        return time.perf_counter() - self._started

    def end(self) -> None:
        self._process.communicate()


class Message(SimpleNamespace):
    """A message as the host sends it: one of its fields is set."""

    def WhichOneof(self, _: str) -> str:  # noqa: N802 (the protocol's name)
        return next(iter(vars(self)))


async def drive(folder: Path) -> None:
    """Load the app and call it as often as standard input says."""
    import azure_functions_runtime as runtime
    from tests.function.runtime_index import indexed

    logging.getLogger("azure_functions_runtime").setLevel(logging.WARNING)
    sys.path.insert(0, str(folder))
    function = next(one for one in await indexed(folder) if one.name not in {"health", "doctor", "SecretRotated"})
    binding = next(b for raw in function.raw_bindings if (b := json.loads(raw))["type"] == "httpTrigger")
    request = SimpleNamespace(
        method="GET",
        url="https://app.azurewebsites.net/api/AcquireTokenMsi?code=key",
        headers={"host": "app.azurewebsites.net", "accept": "*/*", "user-agent": "bench"},
        body=Message(bytes=b""),
        params={},
        query={"code": "key"},
    )
    given = SimpleNamespace(name=binding["name"], data=Message(http=request), WhichOneof=lambda _: "data")
    trace = SimpleNamespace(trace_parent="", trace_state="", attributes={})
    retry = SimpleNamespace(retry_count=0, max_retry_count=0, exception=None)

    async def call() -> float:
        invocation = SimpleNamespace(
            invocation_id=str(uuid.uuid4()), function_id=function.function_id, input_data=[given],
            trigger_metadata={}, trace_context=trace, retry_context=retry,
        )  # fmt: skip
        asked = SimpleNamespace(request=SimpleNamespace(invocation_request=invocation))
        started = time.perf_counter()
        answered = await runtime.invocation_request(asked)
        seconds = time.perf_counter() - started
        if answered.result.status != "Success" or answered.return_value.http.status_code != "200":
            raise RuntimeError(answered)
        return seconds

    for line in sys.stdin:
        calls, in_flight = map(int, line.split())
        turns = iter(range(calls))

        async def caller(turns: Iterator[int] = turns) -> list[float]:
            return [await call() for _ in turns]

        started = time.perf_counter()
        taken = await asyncio.gather(*[caller() for _ in range(in_flight)])
        seconds = time.perf_counter() - started
        print(json.dumps([seconds, *sorted(one for each in taken for one in each)]), flush=True)


def per_second(worker: Worker, calls: int) -> float:
    return calls / worker.ask(calls, IN_FLIGHT)[0]


def milliseconds(worker: Worker, calls: int) -> tuple[float, float]:
    """Return the median and the 99th percentile of calls one after another."""
    taken = worker.ask(calls, 1)[1:]
    return taken[calls // 2] * 1000, taken[calls * 99 // 100] * 1000


def cold(folder: Path, environment: dict[str, str]) -> float:
    worker = Worker(folder, environment)
    seconds = worker.first_answer()
    worker.end()
    return seconds * 1000


def main() -> None:
    # Here, so that the processes with an app in them do not load it: they are measured from their start.
    from keyless.cli.run import child_environment
    from keyless.local.server import LocalAzure

    with LocalAzure() as azure:
        settings = {"KEY_VAULT_URL": "https://contoso-kv.vault.azure.net", "SECRET_NAME": "db-password"}
        environment = {**child_environment(azure, os.environ), **settings, "PYTHONPATH": str(ROOT)}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        workers = {name: Worker(folder, environment) for name, folder in RIVALS.items()}
        calls = {name: CALLS.get(name, 100) for name in RIVALS}
        for name, worker in workers.items():
            worker.ask(calls[name] // 4, 4)
        rate = alternate({name: partial(per_second, worker, calls[name]) for name, worker in workers.items()})
        taken = alternate({name: partial(milliseconds, worker, calls[name]) for name, worker in workers.items()})
        p50 = {name: [one[0] for one in rounds] for name, rounds in taken.items()}
        p99 = {name: [one[1] for one in rounds] for name, rounds in taken.items()}
        close = alternate(
            {name: partial(milliseconds, workers[name], CALLS[name]) for name in ("hello-world", "keyless")},
            CLOSE_ROUNDS,
        )
        p50_close = {name: [one[0] for one in rounds] for name, rounds in close.items()}
        for worker in workers.values():
            worker.end()
        apps = {name: RIVALS[name] for name in ("hello-world", "keyless", SDK, MSAL)}
        started = alternate({name: partial(cold, folder, environment) for name, folder in apps.items()}, COLD_ROUNDS)
    rows = [
        [
            name, f"{median(rate)[name]:,.0f}", f"{median(p50)[name]:.2f}", f"{median(p99)[name]:.2f}",
            f"{ratio(rate, 'hello-world', name):.2f}", f"{ratio(rate, 'keyless', name):.2f}",
        ]
        for name in RIVALS
    ]  # fmt: skip
    hello, globals_ = ratio(p50_close, "keyless", "hello-world"), ratio(rate, "keyless", SDK)
    pairs = zip(p50_close["keyless"], p50_close["hello-world"], strict=True)
    added = statistics.median(ours - theirs for ours, theirs in pairs) * 1000
    begin, least = ratio(started, "keyless", SDK), ratio(started, MSAL, SDK)
    section = f"""
`python -m bench.function`, warm: calls through azure-functions-runtime {RUNTIME_VERSION}, {IN_FLIGHT} in flight for the rate, one for the
latencies, median of {ROUNDS} rounds.

{table(["app", "calls/s", "p50 ms", "p99 ms", "hello-world is faster by", "keyless is faster by"], rows)}

* A call of keyless took {hello:.2f} times as long as one of hello-world (p50, {CLOSE_ROUNDS} rounds of these two alone), {added:.0f} µs more. Goal: {met(hello, 1.20)}.
  By the profile, the largest part of what it adds is the JSON of a larger answer. Then come the response, the age and the look-up.
  In Azure, the Functions host and gRPC are around every call. They are in none of these figures.
* Against (c), keyless answered {globals_:.1f} times as many calls. Goal: {met(globals_, 20, at_least=True)}.

Cold: a fresh process to its first answer, which reads the secret, median of {COLD_ROUNDS} rounds.

{table(["app", "ms"], [[name, f"{value:.0f}"] for name, value in median(started).items()])}

* keyless took {begin:.2f} of (c)'s time. Goal: {met(begin, 0.60)}. MSAL and a GET alone, (d), took {least:.2f}: what reads through MSAL can
  hardly take less. By the profile, half of what keyless adds to hello-world is the import of MSAL and requests. The rest is its own import and
  the first read. OpenSSL reads the root certificates on another thread meanwhile. That takes no time where a second core is free, and as much as
  for every client where none is.
"""
    keep(
        "function",
        {
            "per_second": rate,
            "in_flight": IN_FLIGHT,
            "p50_ms": p50,
            "p99_ms": p99,
            "p50_close_ms": p50_close,
            "cold_ms": started,
        },
        section,
    )


RUNTIME_VERSION = "1.3.0"

if __name__ == "__main__":
    if len(sys.argv) == 2:
        asyncio.run(drive(Path(sys.argv[1])))
    else:
        main()
