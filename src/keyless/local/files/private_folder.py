"""Folders for the files of one run, which nobody else can read, and which a killed run does not leave behind for good."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX: Final = "keyless-"
_LOCK: Final = "lock"
_NO_WAITING: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)


@contextmanager
def private_folder() -> Iterator[Path]:
    """Make a folder and remove it at the end; remove those, too, whose run was killed before it could.

    The kernel drops a killed run's lock, so a folder whose lock can be had is nobody's.
    """
    remove_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        # Locked before it has the name under which others look for it: nobody can find it unlocked.
        new = folder / "lock.new"
        with new.open("xb") as file:
            _try_lock(file.fileno())
            file.write(_mark(folder))
            file.flush()
            new.rename(folder / _LOCK)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned() -> None:
    """Remove the folders of this user's runs that were killed: those alone that bear the mark of a run."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError):  # Another run removes it at the same time, or it is another user's, or a link.
            if not lock.parent.is_symlink() and _is_ours(lock.parent.lstat()):
                # A pipe that nobody writes to would be waited on.
                descriptor = os.open(lock, os.O_RDONLY | _NO_WAITING)
                with open(descriptor, "rb") as file:  # noqa: PTH123 (a descriptor)
                    found = os.fstat(descriptor)
                    ours = stat.S_ISREG(found.st_mode) and _is_ours(found) and file.read(256) == _mark(lock.parent)
                    if ours and _try_lock(descriptor):
                        shutil.rmtree(lock.parent, ignore_errors=True)


def _mark(folder: Path) -> bytes:
    """Return what the lock of a run's folder holds, and no other file that is called so."""
    return f"Keyless made {folder.name}, and removes it.\n".encode()


def _is_ours(found: os.stat_result) -> bool:
    return sys.platform == "win32" or found.st_uid == os.geteuid()


def _try_lock(descriptor: int) -> bool:
    """Take a file's lock, until the file is closed; False if another program has it, or this system has no such locks."""
    if sys.platform == "win32":
        return False
    import fcntl  # noqa: PLC0415 (Windows has none)

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
