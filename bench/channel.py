"""A warm call through a real gRPC channel: Azure's Python worker in a process of its own, against one that says hello.

The other end of the channel is a host of this script's own, which asks for one function and writes no HTTP: what is added to
`bench.function` is the channel, its messages and the worker. It needs the worker in the archive of the Functions host beside the
checkout (see tests/function/real_host.py), and says so where it is not there. Run as ``python -m bench.channel``.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

from bench.results import ROOT, alternate, keep, median, met, ratio, table

APPS = {"hello-world": ROOT / "bench" / "apps" / "hello", "keyless": ROOT / "function_app"}
# Debian's, which has gRPC: the worker runs on it, too.
PYTHON = "/usr/bin/python3"
CALLS, IN_FLIGHT, ROUNDS = 1000, 16, 21
NOT_CALLED = {"health", "doctor", "SecretRotated"}


class Channel:
    """The worker's end of the protocol, https://github.com/Azure/azure-functions-language-worker-protobuf."""

    def __init__(self, protos: Any) -> None:
        self.protos = protos
        self.stream: asyncio.Queue[Any] = asyncio.Queue()
        self._asked: dict[str, asyncio.Future[Any]] = {}
        self._out: asyncio.Queue[Any] = asyncio.Queue()

    async def EventStream(self, messages: AsyncIterator[Any], _: object) -> AsyncIterator[Any]:  # noqa: N802 (the protocol's name)
        reading = asyncio.ensure_future(self._read(messages))
        while not reading.done():
            yield await self._out.get()

    async def _read(self, messages: AsyncIterator[Any]) -> None:
        try:
            async for message in messages:
                kind = message.WhichOneof("content")
                if kind == "start_stream":
                    self.stream.put_nowait(message)
                elif kind == "invocation_response":
                    self._asked.pop(message.invocation_response.invocation_id).set_result(message.invocation_response)
                elif kind == "rpc_log" and message.rpc_log.level >= message.rpc_log.Error:
                    print(message.rpc_log.message, file=sys.stderr)
                elif kind != "rpc_log":
                    self._asked.pop(kind).set_result(getattr(message, kind))
        finally:
            for waiting in self._asked.values():
                waiting.cancel()  # The worker has gone.

    async def ask(self, answer: str, **content: Any) -> Any:
        """Send a message, and return its answer: the one of a kind, or with an invocation's id."""
        found = self._asked[answer] = asyncio.get_running_loop().create_future()
        self._out.put_nowait(self.protos.StreamingMessage(request_id=str(uuid.uuid4()), **content))
        return await found


async def drive(app: Path, worker: Path) -> None:
    """Start a worker, load the app, and call it as often as standard input says."""
    import grpc
    from azure_functions_worker import protos

    channel, server = Channel(protos), grpc.aio.server()
    protos.add_FunctionRpcServicer_to_server(channel, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    process = await asyncio.create_subprocess_exec(
        PYTHON, str(worker / "worker.py"), "--host", "127.0.0.1", "--port", str(port), "--workerId", "bench",
        "--requestId", "bench", "--grpcMaxMessageLength", "2147483647", "--log-level", "ERROR",
        env=worker_environment(app), stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await asyncio.wait_for(channel.stream.get(), 60)
        call = await asyncio.wait_for(loaded(channel, app), 120)
        for line in sys.stdin:
            calls, in_flight = map(int, line.split())
            turns = iter(range(calls))

            async def caller(turns: Any = turns) -> list[float]:
                return [await call() for _ in turns]

            started = time.perf_counter()
            taken = await asyncio.gather(*[caller() for _ in range(in_flight)])
            print(
                json.dumps([time.perf_counter() - started, *sorted(one for each in taken for one in each)]), flush=True
            )
    finally:
        process.kill()
        await process.wait()


def worker_environment(app: Path) -> dict[str, str]:
    """Return what Azure's host gives its worker; this script's own modules are not among the app's."""
    packages = os.environ["PYTHONPATH"].split(os.pathsep)[2:]
    # The worker takes a machine with this one for a Linux plan of Azure, and looks for packages there.
    kept = {name: value for name, value in os.environ.items() if name != "CONTAINER_NAME"}
    return {
        **kept,
        "AzureWebJobsScriptRoot": str(app),
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "PYTHON_ENABLE_INIT_INDEXING": "0",
        "PYTHONPATH": os.pathsep.join(packages),
    }


async def loaded(channel: Channel, app: Path) -> Any:
    """Load the app's function, and return what calls it once and returns the seconds that it took."""
    protos = channel.protos
    await channel.ask(
        "worker_init_response",
        worker_init_request=protos.WorkerInitRequest(host_version="4.0", function_app_directory=str(app)),
    )
    found = await channel.ask(
        "function_metadata_response",
        functions_metadata_request=protos.FunctionsMetadataRequest(function_app_directory=str(app)),
    )
    function = next(one for one in found.function_metadata_results if one.name not in NOT_CALLED)
    await channel.ask(
        "function_load_response",
        function_load_request=protos.FunctionLoadRequest(function_id=function.function_id, metadata=function),
    )
    binding = next(b for raw in function.raw_bindings if (b := json.loads(raw))["type"] == "httpTrigger")
    request = protos.RpcHttp(
        method="GET",
        url="https://app.azurewebsites.net/api/AcquireTokenMsi?code=key",
        headers={"host": "app.azurewebsites.net", "accept": "*/*", "user-agent": "bench"},
        query={"code": "key"},
    )
    given = protos.ParameterBinding(name=binding["name"], data=protos.TypedData(http=request))

    async def call() -> float:
        invocation = str(uuid.uuid4())
        started = time.perf_counter()
        answered = await channel.ask(
            invocation,
            invocation_request=protos.InvocationRequest(
                invocation_id=invocation, function_id=function.function_id, input_data=[given]
            ),
        )
        seconds = time.perf_counter() - started
        if answered.result.status != protos.StatusResult.Success or answered.return_value.http.status_code != "200":
            raise RuntimeError(answered)
        return seconds

    return call


class Host:
    """The process with one app's host in it; the worker is its child."""

    def __init__(self, app: Path, worker: Path, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [PYTHON, "-m", "bench.channel", str(app), str(worker)],
            env=environment, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def ask(self, calls: int, in_flight: int) -> list[float]:
        """Have the app called; return the seconds that all calls took, and the sorted seconds of each."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(calls, in_flight, file=self._process.stdin, flush=True)
        found: list[float] = json.loads(self._process.stdout.readline())
        return found

    def end(self) -> None:
        self._process.communicate()


def per_second(host: Host) -> float:
    return CALLS / host.ask(CALLS, IN_FLIGHT)[0]


def milliseconds(host: Host) -> float:
    """Return the median of calls one after another."""
    return statistics.median(host.ask(CALLS // 3, 1)[1:]) * 1000


def main() -> None:
    """Measure, and keep what was measured."""
    import requests
    from tests.function.real_host import unpack, why_absent

    import keyless
    from keyless.cli.run import child_environment
    from keyless.local.server import LocalAzure

    why = why_absent()
    if why:
        print(f"A CALL THROUGH A GRPC CHANNEL IS NOT MEASURED HERE: {why}.")
        return
    worker, load = unpack() / "workers" / "python", os.getloadavg()[0]
    packages = (ROOT, worker, Path(keyless.__file__).parents[1], Path(requests.__file__).parents[1])
    with LocalAzure() as azure, tempfile.TemporaryDirectory() as home:
        environment = {
            **child_environment(azure, os.environ),
            "KEY_VAULT_URL": "https://contoso-kv.vault.azure.net",
            "SECRET_NAME": "db-password",
            "PYTHONPATH": os.pathsep.join(map(str, packages)),
            "HOME": home,
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        hosts = {name: Host(app, worker, environment) for name, app in APPS.items()}
        for host in hosts.values():
            host.ask(CALLS // 4, 4)
        rate = alternate({name: partial(per_second, host) for name, host in hosts.items()}, ROUNDS)
        taken = alternate({name: partial(milliseconds, host) for name, host in hosts.items()}, ROUNDS)
        for host in hosts.values():
            host.end()
    held = ratio(taken, "keyless", "hello-world")
    rows = [[name, f"{median(rate)[name]:,.0f}", f"{median(taken)[name]:.2f}"] for name in APPS]
    section = f"""
`python -m bench.channel`: Azure's Python worker over a gRPC channel, without the Functions host and without HTTP. {IN_FLIGHT} calls in
flight for the rate, one for the latency, median of {ROUNDS} rounds in turn. The load of the machine, which has {os.cpu_count()} cores, was
{load:.1f} before, without the benchmark's own.

{table(["app", "calls/s", "p50 ms"], rows)}

* A call of keyless took {held:.2f} times as long as one of hello-world (p50); goal: {met(held, 1.20)}.
"""
    keep("channel", {"load": load, "per_second": rate, "in_flight": IN_FLIGHT, "p50_ms": taken}, section)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        asyncio.run(drive(Path(sys.argv[1]), Path(sys.argv[2])))
    else:
        main()
