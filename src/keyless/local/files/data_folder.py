"""The folder that a local Azure keeps its secrets in: private to its owner, and in use by one process at a time."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING, Self

from keyless.errors import LocalAzureError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_FOLDER = 0o700
_FILE = 0o600
_SMALLEST = 512
"""Bytes: the smallest page of SQLite."""


class DataFolder:
    """A private folder, held by this process from ``with`` to its end, or until the process is killed.

    A folder that is missing is made. One that other users may enter is refused rather than repaired: it may be one that they
    are meant to enter, named by mistake. The files in it are made for their owner alone, whatever the umask is.

    Attributes:
        path: Where it is.
        store_file: Where secrets are kept.
        authority_file: Where the certificate authority is kept, with its key.

    Args:
        path: Where it is, or is to be.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store_file = path / "secrets.db"
        self.authority_file = path / "authority.pem"
        self._held = -1

    def __enter__(self) -> Self:
        """Make the folder if need be, and hold it.

        Raises:
            LocalAzureError: If it cannot be made or written to, others may enter it, or another process holds it.
        """
        try:
            self.path.mkdir(mode=_FOLDER, parents=True, exist_ok=True)
            check_private(self.path)
            self._held = os.open(self.path / "secrets.lock", os.O_RDWR | os.O_CREAT, _FILE)
            self._keep_out_of_git()
        except OSError as error:
            raise LocalAzureError(
                f"The folder {self.path} cannot be used: {error.strerror}.",
                cause="It cannot be made, or it may not be written to.",
                remedy="Name a folder that can be written to, with --data, or none to keep secrets in memory.",
            ) from error
        try:
            self._hold()
        except BaseException:
            os.close(self._held)
            raise
        return self

    def _keep_out_of_git(self) -> None:
        """Write a .gitignore, unless there is one: a folder in a repository must not be committed."""
        ignored = self.path / ".gitignore"
        if not ignored.exists():
            write_private(ignored, b"# Written by keyless: this folder holds secrets and a private key.\n*\n")

    def _hold(self) -> None:
        if not _lock(self._held):
            holder = os.pread(self._held, 20, 1).decode(errors="replace") if sys.platform != "win32" else ""
            raise LocalAzureError(
                f"The folder {self.path} is in use.",
                cause=f"Another local Azure keeps its secrets there{f': process {holder}' if holder else ''}.",
                remedy="Stop that one, or give each a folder of its own with --data.",
            )
        # The first byte is the one that Windows locks; nobody could read it there.
        os.ftruncate(self._held, 0)
        os.write(self._held, f" {os.getpid()}".encode())
        if self.authority_file.is_file() and self.store_file.is_file() and self.store_file.stat().st_size < _SMALLEST:
            raise LocalAzureError(
                f"The store {self.store_file} is empty.",
                cause="The folder was in use before, so its secrets were there: something has emptied the file.",
                remedy="Put a copy of it back, or remove the file to start with no secret of before.",
            )
        for file in (*self.path.glob(f"{self.store_file.name}*"), *self.path.glob(self.authority_file.name)):
            file.chmod(_FILE)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._held)  # Whoever holds the lock lets go of it with its last handle. The file stays.


def check_private(folder: Path) -> None:
    """Refuse a folder that another user owns or may enter; where users are not told apart so, accept it.

    Raises:
        LocalAzureError: If another user could read or change what is in it.
    """
    if sys.platform == "win32":
        return
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise LocalAzureError(
            f"The folder {folder} belongs to another user.",
            cause="The owner of a folder can read and change everything in it.",
            remedy="Name a folder of your own.",
        )
    if found.st_mode & _OTHERS:
        raise LocalAzureError(
            f"The folder {folder} is open to other users (mode {stat.S_IMODE(found.st_mode):04o}).",
            cause="It must hold secrets, which only its owner may read.",
            remedy=f"Close it (chmod 700 {folder}), or name a folder that does not exist yet.",
        )


def write_private(file: Path, content: bytes) -> None:
    """Write a file that its owner alone may read, whole or not at all."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    draft.replace(file)


def _lock(descriptor: int) -> bool:
    """Take the lock of an open file, if nobody has it; the operating system gives it back when the process ends."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 (Windows alone has it)

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl  # noqa: PLC0415 (Windows does not have it)

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
