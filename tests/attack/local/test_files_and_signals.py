"""Files of others are left alone, nothing is waited on for ever, and every signal is felt."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.attack.local.started import up

from keyless.errors import LocalAzureError
from keyless.local.files.running import announced

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX alone has these")


def run(*command: str, folder: Path, temporary: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "keyless", "run", "--", *command],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "TMPDIR": str(temporary), "XDG_RUNTIME_DIR": ""},
        check=False,
        timeout=30,
    )


def test_only_what_bears_the_mark_of_a_run_is_removed(tmp_path: Path) -> None:
    own = tmp_path / "keyless-my-notes"
    own.mkdir()
    (own / "lock").touch()
    (own / "work").write_text("mine")
    pipe = tmp_path / "keyless-pipe"
    pipe.mkdir()
    os.mkfifo(pipe / "lock")
    left = tmp_path / "keyless-killed"
    left.mkdir()
    (left / "lock").write_text("Keyless made keyless-killed, and removes it.\n")
    done = run("true", folder=tmp_path, temporary=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (own / "work").read_text() == "mine"
    assert pipe.exists()
    assert not left.exists()


def test_a_link_in_place_of_the_folder_of_runs_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir(mode=0o700)
    given = tmp_path / "runtime"
    given.mkdir()
    (given / "keyless").symlink_to(tmp_path / "private")
    with pytest.raises(LocalAzureError, match="XDG_RUNTIME_DIR"):
        announced("http://127.0.0.1", "token", environment={"XDG_RUNTIME_DIR": str(given)}).__enter__()
    assert list((tmp_path / "private").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(number: signal.Signals, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with up(folder=tmp_path, environment={"TMPDIR": str(temporary), "XDG_RUNTIME_DIR": ""}) as found:
        found.process.send_signal(number)
        assert found.process.wait(10) == 0
    left = [path for path in temporary.rglob("*") if path.is_file()]
    assert left == []


def test_a_reader_of_standard_error_that_reads_nothing_stops_nothing(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "keyless", "up", "--json"], stdout=subprocess.PIPE, stderr=writing, cwd=tmp_path
    )
    try:
        os.set_blocking(writing, False)
        with contextlib.suppress(BlockingIOError):
            while True:  # Until the pipe is full.
                os.write(writing, b"x" * 4096)
        os.set_blocking(writing, True)
        assert process.stdout is not None
        port = int(process.stdout.readline().split(b'"http": "http://127.0.0.1:')[1].split(b'"')[0])
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
                client.sendall(b"GET / HTTP/9.9\r\n\r\n")
                assert client.recv(100).startswith(b"HTTP/1")
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_exec_at_once_while_a_reference_is_read(number: signal.Signals, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asked = threading.Event()

        silent.settimeout(20)
        taken: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(silent.accept()[0])
                    taken[-1].recv(1)  # The request is on its way, so that the signal falls within the read.
                    asked.set()

        threading.Thread(target=accept, daemon=True).start()
        identity = {
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}/msi",
            "IDENTITY_HEADER": "made-up",
        }
        reference = "@Microsoft.KeyVault(VaultName=contoso-kv;SecretName=x)"
        environment = {**os.environ, **identity, "X": reference, "TMPDIR": str(temporary), "XDG_RUNTIME_DIR": ""}
        process = subprocess.Popen(
            [sys.executable, "-m", "keyless", "exec", "--", "true"],
            cwd=tmp_path,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert asked.wait(20)
        sent = time.monotonic()
        process.send_signal(number)
        _, written = process.communicate(timeout=30)
        assert time.monotonic() - sent < 3
        assert process.returncode in {128 + number, -number}
        assert "Traceback" not in written
    for client in taken:
        client.close()
    assert [path for path in temporary.rglob("*") if path.is_file()] == []
