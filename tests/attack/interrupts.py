"""Interrupts a caller's thread at random: between any two instructions, by a timer, and by handlers that read themselves.

Run as ``python -m tests.attack.interrupts --count 10000 --seed 1``.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.attack.lab import Counts, main, watch
from tests.attack.services import value_of

from keyless import KeylessError, SecretReader

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from types import FrameType

TIMEOUT = 10.0
# Between the interrupts, names are read again: what one left behind would show.
_CHECKED_EACH = 25
_LONGEST_DELAY = 0.0015
_OPCODES = {"get": 900, "get_many": 1500, "aget": 700, "invalidate": 500, "stats": 400, "token": 400}


class _Interrupted(KeyboardInterrupt):
    """Raised where an interrupt falls."""


class Attack:
    """One reader that is interrupted, and what is counted."""

    def __init__(self, vault_url: str, chance: random.Random) -> None:
        self.reader = SecretReader(vault_url, ttl=0, timeout=TIMEOUT, on_event=lambda _: None)
        self.counts = Counts()
        self._chance = chance
        self._credential: Any = None

    def call(self) -> tuple[str, Callable[[], object]]:
        """Return one thing that a caller does, by its name."""
        name = self._name()
        kept, scope = "s-kept", "https://vault.azure.net"
        calls: dict[str, Callable[[], object]] = {
            "get": partial(self.read, name),
            "get_many": lambda: self.reader.get_many([name, self._name()]),
            "aget": lambda: asyncio.run(self._aread(name)),
            "invalidate": lambda: self.reader.invalidate(kept),
            "stats": self.reader.stats,
            "token": lambda: self.reader._refresher.token(scope, None),
        }
        chosen = self._chance.choices(list(calls), weights=[6, 1, 2, 1, 1, 1])[0]
        return chosen, calls[chosen]

    def read(self, name: str) -> None:
        """Read a secret, and see whether it is the one that was asked for."""
        self._see(name, self.reader.get(name).value)

    def check(self) -> None:
        """Read some names as a program does that nobody interrupts."""
        for name in ("s-kept", "s-0", self._name()):
            try:
                self.read(name)
            except KeylessError as error:
                self.counts.lost += 1
                sys.stderr.write(f"lost: {error}\n")
        landed = threading.Event()
        until = time.monotonic() + TIMEOUT
        while self.reader.stats().in_flight and time.monotonic() < until:
            landed.wait(0.002)  # What an interrupted caller has asked for lands, though nobody waits.
        self.counts.lost += self.reader.stats().in_flight > 0

    async def _aread(self, name: str) -> None:
        self._see(name, (await self.reader.aget(name)).value)

    def _see(self, name: str, value: str) -> None:
        if value != value_of(name):
            self.counts.wrong += 1

    def _name(self) -> str:
        return f"s-{self._chance.randrange(200)}"


def interrupt_at(step: int, call: Callable[[], object], *, everywhere: bool) -> bool:
    """Call, and raise an interrupt before the instruction of that number; return whether it came to that.

    Args:
        step: Which instruction.
        call: What is called.
        everywhere: Whether those of the standard library count; else the library's own alone.
    """
    left = step

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        # What is raised in a __del__ is printed and goes no further.
        if frame.f_code.co_name == "__del__" or not (everywhere or "/keyless/" in frame.f_code.co_filename):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left <= 0:
                sys.settrace(None)
                raise _Interrupted
        return trace

    try:
        sys.settrace(trace)
        call()
    except _Interrupted:
        return True
    finally:
        sys.settrace(None)
    return False


def at_any_instruction(attack: Attack, chance: random.Random) -> bool:
    """Interrupt one call between two instructions."""
    name, call = attack.call()
    # What asyncio does between two instructions of its own is not this library's.
    return interrupt_at(chance.randrange(1, _OPCODES[name]), call, everywhere=name != "aget")


def by_a_timer(attack: Attack, chance: random.Random) -> bool:
    """Interrupt one call by a signal, in whatever C or Python it is."""

    def fall(*_: object) -> None:
        raise _Interrupted

    name, call = attack.call()
    if name == "aget":
        return False
    signal.signal(signal.SIGALRM, fall)
    try:
        signal.setitimer(signal.ITIMER_REAL, chance.random() * _LONGEST_DELAY + 1e-6)
        call()
        signal.setitimer(signal.ITIMER_REAL, 0)
    except _Interrupted:
        return True
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0)
    return False


def by_a_handler_that_reads(attack: Attack, chance: random.Random) -> bool:
    """Let a signal's handler do what a caller does while the same thread is in the midst of another call."""
    handled = 0

    def read(*_: object) -> None:
        nonlocal handled
        handled += 1
        name, call = attack.call()
        if name != "aget":
            call()

    name, call = attack.call()
    if name == "aget":
        return False
    signal.signal(signal.SIGALRM, read)
    signal.setitimer(signal.ITIMER_REAL, chance.random() * _LONGEST_DELAY + 1e-6)
    call()
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    return handled > 0


_WAYS = ((at_any_instruction, 6), (by_a_timer, 3), (by_a_handler_that_reads, 1))


def interrupts(vault_url: str, count: int, chance: random.Random) -> Counts:
    """Interrupt so often, and count what came of it."""
    # Between the making of a coroutine and its being awaited an interrupt may fall, too.
    warnings.filterwarnings("ignore", message=".*was never awaited")
    attack = Attack(vault_url, chance)
    attack.check()
    while attack.counts.tried < count:
        watch()
        (way,) = chance.choices([way for way, _ in _WAYS], weights=[weight for _, weight in _WAYS])
        fell = way(attack, chance)
        attack.counts.tried += fell
        if fell and attack.counts.tried % _CHECKED_EACH == 0:
            attack.check()
    attack.check()
    attack.reader.close()
    return attack.counts


if __name__ == "__main__":
    main(interrupts, 10_000)
