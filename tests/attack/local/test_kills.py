"""What was acknowledged is there after SIGKILL at any moment, and the next start comes up."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from keyless.local.server import LocalAzure

if TYPE_CHECKING:
    from pathlib import Path

COUNT = int(os.environ.get("KEYLESS_ATTACK_KILLS", "3"))
SEED = int(os.environ.get("KEYLESS_ATTACK_SEED", "25"))

WRITER = """
import os, sys, threading
from pathlib import Path
from keyless.local.server import LocalAzure

with LocalAzure(data=Path(sys.argv[1])) as azure:
    vault = azure.vault("contoso-kv")
    def write(thread):
        number = 0
        while True:
            value = f"{sys.argv[2]}-{thread}-{number}"
            vault.set_secret(f"s-{thread}", value)
            os.write(1, f"s-{thread} {value}\\n".encode())
            number += 1
    for thread in range(3):
        threading.Thread(target=write, args=(thread,), daemon=True).start()
    threading.Event().wait()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_no_acknowledged_write_is_lost_by_a_kill(tmp_path: Path) -> None:
    chance, folder = random.Random(SEED), tmp_path / "data"
    acknowledged = 0
    for kill in range(COUNT):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), str(kill)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        first = process.stdout.readline() if kill % 4 else b""  # Every fourth is killed while it starts.
        time.sleep(chance.uniform(0.02, 0.4))  # Real time: the kill is to fall at any moment of another process.
        process.kill()
        out, errors = process.communicate(timeout=20)
        whole = [line.split() for line in (first + out).decode().splitlines(keepends=True) if line.endswith("\n")]
        assert b"Traceback" not in errors
        last = dict(whole)
        acknowledged += len(whole)
        with LocalAzure(data=folder) as azure:
            for name, value in last.items():
                found = azure.vault("contoso-kv").get_secret(name).value
                # The write after the last that was acknowledged may have been made, too.
                run, thread, number = value.split("-")
                assert found in {value, f"{run}-{thread}-{int(number) + 1}"}
    print(f"{COUNT} kills, seed {SEED}: {acknowledged} acknowledged writes, 0 lost")  # noqa: T201 (the table)
    assert acknowledged
