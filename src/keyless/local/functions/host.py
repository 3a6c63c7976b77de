"""Start the development host for functions as a process with an environment of its own, and stop it."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from keyless.errors import KeylessError, LocalAzureError
from keyless.local.functions.endpoint import FunctionEndpoint
from keyless.local.functions.worker_process import PROGRAM, inherited, send_to, start_worker, with_site_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import IO, TextIO

    from keyless.local.azure.event_grid import EventGrid
    from keyless.local.functions.worker_process import BegunWorker

_START_SECONDS = 30.0
# A little more than the host gives the calls that are under way.
_STOP_SECONDS = 6.0
# A worker that ends again and again is started so often within this time.
_MOST_RESTARTS, _RESTART_SECONDS = 5, 60.0


class FunctionHost:
    """Serves the HTTP and Event Grid functions of a folder, from ``with`` to its end.

    The functions see the folder's ``local.settings.json``, before it this process's environment, and before both what is
    given. Variables that lead to a managed identity count only if they are given: without one, 169.254.169.254 is not
    asked for one either.

    Example:
        >>> from keyless.local.functions.bundled import bundled_function_app
        >>> with FunctionHost(bundled_function_app(), environment={"SECRET_NAME": "db-password"}) as host:
        ...     sorted(host.functions)
        ['AcquireTokenMsi', 'doctor', 'health']

    Args:
        folder: The folder that holds ``function_app.py``, as a path or as text.
        environment: What is added to the environment, such as ``LocalAzure.environment()`` and the app's settings.
        port: The port on 127.0.0.1. 0 means any free one. None means that of ``local.settings.json``, else 7071, and any free
            one where another program has it.
        log: Where the functions' output goes; None means this process's standard error.
        events: What is delivered to the functions that Event Grid calls, ``LocalAzure.event_grid``; None delivers nothing.
        quiet: Whether no line is written for each call.
        begun: A worker of this folder and port that was begun before, while the environment was made.

    Attributes:
        url: Where the host listens.
        functions: The functions that HTTP requests can call, by their names: each has its ``url``, ``key`` and ``methods``.
        event_functions: The functions that events of Event Grid call, and where they take them.
        not_served: What keeps each of the other functions from being served, such as the types of its triggers and
            bindings, by name.
        master_key: What opens every function, and the admin API.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        environment: Mapping[str, str],
        port: int | None = 0,
        log: TextIO | None = None,
        events: EventGrid | None = None,
        quiet: bool = False,
        begun: BegunWorker | None = None,
    ) -> None:
        self.url = ""
        self.functions: dict[str, FunctionEndpoint] = {}
        self.event_functions: dict[str, FunctionEndpoint] = {}
        self.not_served: dict[str, str] = {}
        self.master_key = ""
        self._folder = Path(folder)
        self._environment = dict(environment)
        self._port = port
        self._log = log
        self._events = events
        self._quiet = quiet
        self._begun = begun
        self._delivery = ExitStack()
        # Held while the process changes: a reload and a worker that ended may come together.
        self._changing = threading.RLock()
        self._restarts: list[float] = []
        self._seed = secrets.token_urlsafe(32)
        self._process: subprocess.Popen[str] | None = None
        self._relay: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start, and return when every function can be called.

        Raises:
            LocalAzureError: If the folder holds no function app, it cannot be loaded, or the port is in use.
        """
        if self._process is not None:
            raise LocalAzureError(
                "The function host cannot be started.", cause="It runs already.", remedy="Make another FunctionHost."
            )
        self._open()
        if self._events is not None:
            from keyless.local.functions.delivery import delivered  # noqa: PLC0415 (few hosts deliver events)

            self._delivery.enter_context(delivered(self._events, lambda: self.event_functions))
        return self

    def _open(self) -> None:
        process = self._start()
        self._relay = threading.Thread(target=_relay, args=(process.stderr, self._log), daemon=True)
        self._relay.start()
        self._process = process
        try:
            ready = self._wait_until_ready(process)
        except BaseException:
            self._stop()
            raise
        threading.Thread(target=self._watch, args=(process,), daemon=True).start()
        self.url, self.not_served, self.master_key = ready["url"], ready["notServed"], ready["masterKey"]
        self.functions, self.event_functions = (
            {
                name: FunctionEndpoint(url=found["url"], key=found["key"], methods=tuple(found["methods"]))
                for name, found in ready[kind].items()
            }
            for kind in ("functions", "eventFunctions")
        )

    def restart(self, environment: Mapping[str, str] | None = None) -> None:
        """Load the folder again; the address and the functions' keys stay, and events wait for it.

        Args:
            environment: What is added to the environment from now on; None leaves that as it is.

        Raises:
            LocalAzureError: If it cannot be loaded. Nothing is served then, until a restart that succeeds.
        """
        with self._changing:
            self._stop()
            if environment is not None:
                self._environment = dict(environment)
            self._port = int(self.url.rpartition(":")[2])
            self._open()

    def _watch(self, process: subprocess.Popen[str]) -> None:
        """Start the worker again where a function ended it, as Azure does."""
        status = process.wait()
        with self._changing:
            if self._process is not process:
                return  # It had to stop.
            now = time.monotonic()
            self._restarts = [*(moment for moment in self._restarts if now - moment < _RESTART_SECONDS), now]
            ended = f"The worker ended (exit status {status})"
            if len(self._restarts) > _MOST_RESTARTS:
                self._process = None
                self._say(
                    f"{ended}, {_MOST_RESTARTS} times within a minute: it is not started again until a file changes."
                )
                return
            self._say(f"{ended}. Azure starts another, and so does this host: what its modules held is gone.")
            try:
                self.restart()
            except KeylessError as error:
                self._say(str(error))

    def _say(self, line: str) -> None:
        target = self._log or sys.stderr
        target.write(f"{line}\n")
        target.flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._delivery.close()
        with self._changing:
            self._stop()

    def _program(self) -> tuple[str, ...]:
        """Return what Python runs; the tests put Azure's own runtime in its place."""
        return PROGRAM

    def _start(self) -> subprocess.Popen[str]:
        begun, self._begun = self._begun, None
        if begun is not None:
            return begun.go_on(seed=self._seed, environment=self._environment)
        folder = self._folder.resolve()
        environment = with_site_name(inherited(folder) | self._environment)
        process = start_worker(self._program(), folder, port=self._port, quiet=self._quiet, environment=environment)
        send_to(process, seed=self._seed, environment={})
        return process

    def _wait_until_ready(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        assert process.stdout is not None  # noqa: S101 (for the type checker: it is a pipe)
        # A process that is ended closes its output, which ends the wait.
        watchdog = threading.Timer(_START_SECONDS, process.kill)
        watchdog.start()
        try:
            line = process.stdout.readline()
        finally:
            watchdog.cancel()
        answer: dict[str, Any] = json.loads(line) if line else {"error": self._silent()}
        if "error" in answer:
            told = answer["error"]
            raise LocalAzureError(told["what"], cause=told["cause"], remedy=told["remedy"])
        return answer

    def _silent(self) -> dict[str, str]:
        return {
            "what": f"The function host for {self._folder} did not become ready.",
            "cause": f"It ended, or took more than {_START_SECONDS:.0f} s to load function_app.py.",
            "remedy": "Read what it wrote to standard error.",
        }

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None  # noqa: S101 (for the type checker: each is a pipe)
        assert process.stdout is not None  # noqa: S101 (as above)
        # It stops when its input closes: the same way as when this process dies.
        process.stdin.close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        if self._relay is not None:
            self._relay.join(1.0)


def _relay(source: IO[str] | None, log: TextIO | None) -> None:
    """Pass on what the host's process writes, line by line, until it ends."""
    assert source is not None  # noqa: S101 (for the type checker: it is a pipe)
    with source:
        for line in source:
            target = log or sys.stderr
            target.write(line)
            target.flush()
