"""Forks a process at a random moment of its reader's very first read, or under load, and lets the child read.

Each trial is a process that has read nothing yet. Run as ``python -m tests.attack.forks --count 1000 --seed 1``.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

from tests.attack.lab import Counts, main, watch
from tests.attack.services import value_of

from keyless import KeylessError, SecretReader

if TYPE_CHECKING:
    import random

TIMEOUT = 8.0
_FIRST_READ = 0.03
_ALIVE_SECONDS = 20
_LOST, _WRONG = 3, 4
# One in so many is forked while four threads read all the time.
_LOADED_EACH = 5


def read(reader: SecretReader, name: str) -> int:
    """Read a secret; return what a process that does so exits with."""
    try:
        secret = reader.get(name, timeout=TIMEOUT)
    except KeylessError as error:
        sys.stderr.write(f"lost: {error}\n")
        return _LOST
    return 0 if secret.value == value_of(name) else _WRONG


def trial(vault_url: str, *, delay: float, loaded: bool) -> int:
    """Fork in the midst of reading; return what the child and the parent exit with, the worse of the two."""
    reader = SecretReader(vault_url, ttl=0.01 if loaded else 300, on_event=lambda _: None)
    ended = threading.Event()

    def keep_reading(name: str) -> None:
        while not ended.is_set():
            with suppress(KeylessError):
                reader.get(name)

    if loaded:
        threads = [threading.Thread(target=keep_reading, args=(f"s-{number}",), daemon=True) for number in range(4)]
    else:
        threads = [threading.Thread(target=reader.get, args=("s-first",), daemon=True)]
    for thread in threads:
        thread.start()
    time.sleep(delay)  # Real time: the fork is to fall at any moment of what the threads do, and no clock moves those.
    child = os.fork()
    if child == 0:
        signal.alarm(_ALIVE_SECONDS)
        os._exit(max(read(reader, "s-first"), read(reader, "s-child")))
    outcome = _exit_code(child)
    mine = read(reader, "s-first")
    ended.set()
    return max(outcome, mine)


def _exit_code(child: int) -> int:
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def forks(vault_url: str, count: int, chance: random.Random) -> Counts:
    """Try so often, and count what came of it."""
    warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*multi-threaded")
    counts = Counts()
    for number in range(count):
        watch()
        delay, loaded = chance.random() * _FIRST_READ, number % _LOADED_EACH == 0
        process = os.fork()
        if process == 0:
            signal.alarm(2 * _ALIVE_SECONDS)
            os._exit(abs(trial(vault_url, delay=delay, loaded=loaded)))
        outcome = _exit_code(process)
        counts.tried += 1
        counts.lost += outcome == _LOST
        counts.wrong += outcome == _WRONG
        counts.hung += outcome not in {0, _LOST, _WRONG}
    return counts


if __name__ == "__main__":
    main(forks, 1000)
