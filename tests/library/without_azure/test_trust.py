"""The root certificates that are read ahead, and the end of a process that does not wait to use them."""

from __future__ import annotations

import subprocess
import sys

ENDS_AT_ONCE = """
import sys
import time

from keyless._wire import trust

read = trust.SteppedContext.trusting


def slowly(**options):
    time.sleep(0.3)  # Real time: the process ends meanwhile.
    found = read(**options)
    print("read")
    return found


trust.SteppedContext.trusting = slowly
trust.Trust().read_ahead()
sys.exit(3)
"""


def test_a_process_that_ends_while_its_roots_are_read_waits_for_that() -> None:
    """OpenSSL crashes where a thread still reads while it is taken down."""
    done = subprocess.run([sys.executable, "-c", ENDS_AT_ONCE], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "read\n", "")
