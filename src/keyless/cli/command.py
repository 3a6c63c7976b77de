"""Runs a command as if it had been started itself: with this terminal, with its signals, to its exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_T = TypeVar("_T")
_NOT_FOUND: Final = 127
_NOT_EXECUTABLE: Final = 126
# What people leave out: by the end of a file's name, the program that runs it.
_INTERPRETERS: Final = MappingProxyType({".py": "python", ".js": "node", ".mjs": "node", ".sh": "sh", ".ps1": "pwsh"})
# The kernel's word, on Linux, for a signal of its own: Ctrl+C at the terminal, and not another program's kill.
_FROM_KERNEL: Final = 0x80


@contextmanager
def blocked_signals() -> Iterator[set[int]]:
    """Hold signals back, for this thread and those that it starts, and give those that were held back before.

    A signal that comes before the command runs is then not lost: the command gets it.
    """
    if sys.platform == "win32":
        yield set()
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*_passed_on(), signal.SIGCHLD})
    try:
        yield {int(number) for number in before}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def interruptible(work: Callable[[], _T]) -> _T:
    """Do work in a thread of its own, while ``blocked_signals``; a signal that would end this program ends the wait at once.

    Raises:
        SystemExit: If one came, with 128 and its number, as in shells.
    """
    if sys.platform == "win32":
        return work()
    done: Future[_T] = Future()
    waiting = threading.get_ident()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 (it is raised where it is waited for)
            done.set_exception(error)
        signal.pthread_kill(waiting, signal.SIGCHLD)  # It ends the wait, and means nothing else here.

    threading.Thread(target=run, name="keyless-work", daemon=True).start()
    while not done.done():
        number, _ = _next_signal({*_ending(), signal.SIGCHLD})
        if number != signal.SIGCHLD:
            raise SystemExit(128 + number)
    return done.result()


def run_command(command: Sequence[str], environment: Mapping[str, str], *, signal_mask: set[int]) -> int:
    """Run a command to its end, while ``blocked_signals``.

    It stays in this process's group, so that the terminal is its own and Ctrl+C reaches it once, from the terminal. What
    another program sends to this process is passed on.

    Args:
        command: The program, looked up in PATH, and its arguments.
        environment: The whole of its environment.
        signal_mask: The signals that it is to start with held back: those that were before.

    Returns:
        Its exit code; 128 and the signal's number where a signal ended it; 127 where there is no such program and 126
        where it cannot be run, as shells answer.
    """
    try:
        if sys.platform == "win32":
            return _run_on_windows(command, environment)
        # Python ignores SIGPIPE for itself; a command expects to end by it.
        child = os.posix_spawnp(
            command[0], list(command), dict(environment), setsigmask=signal_mask, setsigdef=[signal.SIGPIPE]
        )
    except OSError as error:
        _show_why(command[0], error)
        return _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE
    return _wait(child)


def _show_why(program: str, error: OSError) -> None:
    """Show why a program cannot be run, and what to type in its place."""
    from keyless.cli.shown_error import show_parts  # noqa: PLC0415 (a command that runs need not load it)

    here = Path(program)
    if not here.is_file():
        cause = f"There is no program {program} here or on PATH."
        remedy = "Check how it is written, and install it in the environment that is active here."
    elif interpreter := _INTERPRETERS.get(here.suffix):
        cause = f"{program} is a file for {interpreter}, not a program."
        remedy = f"Put {interpreter} before it: {interpreter} {program}."
    elif isinstance(error, FileNotFoundError):
        cause = f"{program} is in this folder, which is not on PATH, or what its first line names does not exist."
        remedy = f"Name its path: ./{program}. Or put its interpreter before it."
    else:
        cause = "The file is not executable, or is not a program."
        remedy = f"Make it executable: chmod +x {program}. Or put its interpreter before it."
    show_parts(f"{program} cannot be run: {error.strerror}.", cause=cause, remedy=remedy)


if sys.platform != "win32":

    def _passed_on() -> set[signal.Signals]:
        return {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2}

    def _ending() -> set[signal.Signals]:
        return {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}

    def _wait(child: int) -> int:
        """Pass signals on until the child ends."""
        while True:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
            number, by_terminal = _next_signal({*_passed_on(), signal.SIGCHLD})
            if number != signal.SIGCHLD and not by_terminal:
                os.kill(child, number)

    def _next_signal(awaited: set[signal.Signals]) -> tuple[int, bool]:
        """Return the next signal, and whether the terminal sent it, which has then sent it to the child as well."""
        if sys.platform == "linux":
            info = signal.sigwaitinfo(awaited)
            return info.si_signo, info.si_code == _FROM_KERNEL
        number = signal.sigwait(awaited)
        return number, number in {signal.SIGINT, signal.SIGQUIT} and os.isatty(0)


def _run_on_windows(command: Sequence[str], environment: Mapping[str, str]) -> int:
    child = subprocess.Popen(list(command), env=dict(environment))  # noqa: S603 (what the user asked for)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:  # The console sends Ctrl+C to the command as well.
            continue
