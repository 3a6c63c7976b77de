"""The process that serves a function app: what it is started with, and what it is given once it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from keyless.local.programs.local_settings import SETTINGS_FILE, host_section, local_settings
from keyless.local.programs.variables import IDENTITY_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

# -P: a module that happens to lie in the working directory must not stand in for an installed one.
PROGRAM: Final = ("-P", "-m", "keyless.local.functions.worker.main")
# What Core Tools listens on where nobody says.
_DEFAULT_PORT: Final = 7071
# What Core Tools sets where nobody does.
_DEFAULTS: Final = {"FUNCTIONS_WORKER_RUNTIME": "python", "AZURE_FUNCTIONS_ENVIRONMENT": "Development"}
# What a process reads at its start, and not again.
_READ_AT_START: Final = ("PYTHON", "LD_", "DYLD_", "MALLOC_", "LC_", "LANG", "TZ", "OPENSSL_")


class BegunWorker:
    """A worker that loads while its environment is made; it ends with the ``with`` unless it went on.

    Args:
        folder: The function app.
        port: The port, as for ``FunctionHost``.
        quiet: Whether no line is written for each call.
    """

    def __init__(self, folder: Path, *, port: int | None, quiet: bool) -> None:
        self._folder = folder.resolve()
        self._port = port
        self._quiet = quiet
        self._inherited = inherited(self._folder)
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._process = self._start(self._inherited)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def go_on(self, *, seed: str, environment: dict[str, str]) -> subprocess.Popen[str]:
        """Give it its environment, and return it: it loads the app.

        Variables that a process reads at its start alone have another one started.
        """
        wanted = with_site_name(self._inherited | environment)
        new = {name: value for name, value in wanted.items() if self._inherited.get(name) != value}
        process = self._process
        if process is None or any(name.upper().startswith(_READ_AT_START) for name in new):
            self._end()
            process, new = self._start(wanted), {}
        self._process = None
        send_to(process, seed=seed, environment=new)
        return process

    def _start(self, environment: Mapping[str, str]) -> subprocess.Popen[str]:
        return start_worker(PROGRAM, self._folder, port=self._port, quiet=self._quiet, environment=environment)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def start_worker(
    program: Sequence[str], folder: Path, *, port: int | None, quiet: bool, environment: Mapping[str, str]
) -> subprocess.Popen[str]:
    """Start a worker, which waits for what ``send_to`` sends.

    Args:
        program: What Python runs.
        folder: The function app.
        port: The port, as for ``FunctionHost``.
        quiet: Whether no line is written for each call.
        environment: All of its environment.
    """
    held = host_section(folder / SETTINGS_FILE)
    options = [
        *("--port", str(port if port is not None else held.port or _DEFAULT_PORT), "--seeded"),
        *(["--or-any-port"] if port is None else []),
        *(["--quiet"] if quiet else []),
        *(f"--cors={origin}" for origin in held.cors),
        *(["--cors-credentials"] if held.cors_credentials else []),
    ]
    return subprocess.Popen(  # noqa: S603 (the interpreter that runs this, and no shell)
        [sys.executable, *program, str(folder), *options],
        cwd=folder if folder.is_dir() else None,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(environment),
        encoding="utf-8",
        errors="replace",
    )


def send_to(process: subprocess.Popen[str], *, seed: str, environment: Mapping[str, str]) -> None:
    """Send a worker what its keys are made of, and variables that it is to have beside its own."""
    assert process.stdin is not None  # noqa: S101 (for the type checker: it is a pipe)
    # Not an argument or a variable: others could read those.
    with suppress(BrokenPipeError):  # One that has ended says why on its own.
        process.stdin.write(json.dumps({"seed": seed, "environment": dict(environment)}) + "\n")
        process.stdin.flush()


def inherited(folder: Path) -> dict[str, str]:
    """Return the environment of this process, after the settings of a folder, and without an identity."""
    found = _DEFAULTS | local_settings(folder / SETTINGS_FILE) | os.environ
    return {name: value for name, value in found.items() if name not in IDENTITY_VARIABLES}


def with_site_name(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with what Java's clients take an app for one in App Service by, where it has an identity."""
    named = {"WEBSITE_SITE_NAME": "local"} if "IDENTITY_ENDPOINT" in environment else {}
    return named | dict(environment)
