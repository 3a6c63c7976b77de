"""Azure's own Functions host with its own Python worker, started for tests where its archive lies beside the checkout.

``../shared/tools/functions-host.md`` says what is in the archive. It needs Linux on x86-64 and some packages of Debian 12,
which ``make functions-host`` installs.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest
import requests

import keyless
from keyless.local.functions.endpoint import FunctionEndpoint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

ROOT = Path(__file__).parents[2]
ARCHIVE = ROOT.parent / "shared" / "tools" / "functions-host.tar.xz"
UNPACKED = ROOT / "build" / "functions-host"
FUNCTION_KEY, MASTER_KEY, EVENT_KEY = "function-key", "master-key", "event-key"
EVENTS = "/runtime/webhooks/EventGrid?functionName="
_START_SECONDS = 120.0
_NEEDED = "import sys, grpc, google.protobuf, dateutil; assert sys.version_info[:2] == (3, 11)"


def why_absent() -> str | None:
    """Return why the host cannot run here; None where it can."""
    if not ARCHIVE.exists():
        return f"its archive is not beside this checkout ({ARCHIVE.name})"
    if sys.platform != "linux" or platform.machine() != "x86_64":
        return "it needs Linux on x86-64"
    if sys.version_info[:2] != (3, 11):
        return "its worker runs on Python 3.11, and so must the app's packages"
    found = subprocess.run(["/usr/bin/python3", "-c", _NEEDED], capture_output=True, check=False)
    if found.returncode:
        return "Debian's python3-grpcio, python3-protobuf and python3-dateutil are not installed: make functions-host"
    return None


def needs_real_host() -> None:
    """Skip where the host cannot run, and say so."""
    why = why_absent()
    if why:
        pytest.skip(f"AZURE'S OWN FUNCTIONS HOST IS NOT TESTED HERE: {why}.")


def unpack() -> Path:
    """Return the folder of the host, which is unpacked at the first use."""
    if not UNPACKED.exists():
        UNPACKED.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=UNPACKED.parent) as made:
            subprocess.run(["tar", "xJf", str(ARCHIVE), "-C", made], check=True)
            try:
                (Path(made) / "functions-host").rename(UNPACKED)
            except OSError:  # Another process was first.
                assert UNPACKED.exists()
    return UNPACKED


class RealHost:
    """Serves a folder from ``with`` to its end, as the development host does.

    Args:
        folder: The function app. A copy of it is served, with the Event Grid extension and without a bundle of others.
        environment: The environment of the host.
        through: A command that is put before the host's own, such as ``keyless run ... --``.
    """

    def __init__(self, folder: Path, *, environment: Mapping[str, str], through: tuple[str, ...] = ()) -> None:
        self._folder = folder
        self._environment = dict(environment)
        self._through = through
        self._temporary = tempfile.TemporaryDirectory(prefix="keyless-real-host-")
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.functions: dict[str, FunctionEndpoint] = {}
        self.event_functions: dict[str, FunctionEndpoint] = {}

    def __enter__(self) -> Self:
        self.launch()
        try:
            self._wait()
        except BaseException:
            self.close()
            raise
        return self

    def launch(self) -> None:
        """Start the host, and wait for nothing."""
        state = Path(self._temporary.name)
        app = self._copied(state / "app")
        self._write_keys(state)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        packages = f"{Path(keyless.__file__).parents[1]}{os.pathsep}{Path(requests.__file__).parents[1]}"
        settings = [
            f"{name}={self._environment[name]}"
            for name in ("KEY_VAULT_URL", "SECRET_NAME")
            if name in self._environment
        ]
        with (state / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*self._through, str(unpack() / "run.sh"), str(app), str(port), *settings],
                env={**self._environment, "PYTHONPATH": packages, "FUNCTIONS_HOST_STATE": str(state)},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.url = f"http://127.0.0.1:{port}"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def log(self) -> str:
        """What the host wrote."""
        return (Path(self._temporary.name) / "log").read_text("utf-8", "replace")

    def _copied(self, app: Path) -> Path:
        shutil.copytree(self._folder, app, ignore=shutil.ignore_patterns("__pycache__", "local.settings.json"))
        shutil.copytree(unpack() / "eventgrid", app / "bin")
        host = (
            json.loads((app / "host.json").read_text("utf-8")) if (app / "host.json").exists() else {"version": "2.0"}
        )
        host.pop("extensionBundle", None)
        (app / "host.json").write_text(json.dumps(host), "utf-8")
        return app

    def _write_keys(self, state: Path) -> None:
        def key(name: str, value: str) -> dict[str, object]:
            return {"name": name, "value": value, "encrypted": False}

        held = {
            "masterKey": key("master", MASTER_KEY),
            "functionKeys": [key("default", FUNCTION_KEY)],
            "systemKeys": [key("eventgrid_extension", EVENT_KEY)],
            "hostName": "localhost",
            "source": "runtime",
        }
        (state / "secrets").mkdir()
        (state / "secrets" / "host.json").write_text(json.dumps(held), "utf-8")

    def _wait(self) -> None:
        """Wait until the host has its functions, and note where they are."""
        until = time.monotonic() + _START_SECONDS
        while not self.functions:
            assert self._process is not None
            if time.monotonic() > until or self._process.poll() is not None:
                raise RuntimeError(f"Azure's Functions host did not start:\n{self.log[-4000:]}")
            time.sleep(0.2)
            try:
                answer = requests.get(
                    f"{self.url}/admin/functions", headers={"x-functions-key": MASTER_KEY}, timeout=30
                )
            except requests.ConnectionError:
                continue
            if answer.status_code == 200:
                self._note(answer.json())

    def _note(self, found: list[dict[str, object]]) -> None:
        for function in found:
            name, config = str(function["name"]), function["config"]
            assert isinstance(config, dict)
            kinds = {binding["type"]: binding for binding in config["bindings"]}
            if "eventGridTrigger" in kinds:
                end = FunctionEndpoint(url=f"{self.url}{EVENTS}{name}", key=EVENT_KEY, methods=("POST",))
                self.event_functions[name] = end
            elif "httpTrigger" in kinds:
                level = str(kinds["httpTrigger"].get("authLevel", "function")).lower()
                key = {"anonymous": None, "admin": MASTER_KEY}.get(level, FUNCTION_KEY)
                path = str(function["invoke_url_template"]).split("/", 3)[3]
                self.functions[name] = FunctionEndpoint(url=f"{self.url}/{path}", key=key, methods=())

    def close(self) -> None:
        """End the host and its worker."""
        process, self._process = self._process, None
        if process is not None:
            # The host takes its time, and its worker outlives it: both are in a session of their own.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._temporary.cleanup()
