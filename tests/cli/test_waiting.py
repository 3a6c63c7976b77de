"""What a command shows while you wait for it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def test_a_terminal_shows_what_is_waited_for_and_a_pipe_does_not(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    shown, terminal = pty.openpty()
    command = [sys.executable, "-m", "keyless", "audit", str(tmp_path)]
    piped = subprocess.run(command, capture_output=True, check=True, timeout=60)
    subprocess.run(command, stdout=subprocess.PIPE, stderr=terminal, check=True, timeout=60)

    line = b"Reading the files ..."
    assert (piped.stderr, line in piped.stdout) == (b"", False)
    # The line is overwritten with spaces, so that what comes next has its place.
    assert os.read(shown, 4096) == line + b"\r" + b" " * len(line) + b"\r"
