"""The files by which commands find a running local Azure: each run has a private file with its number, gone when the run ends."""

from __future__ import annotations

import errno
import getpass
import json
import os
import re
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keyless.errors import LocalAzureError
from keyless.local.files.data_folder import check_private, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_PREFIX: Final = "up-"
# A person runs a few at once; this many mean that something else is wrong.
_MOST: Final = 1000


# No record: completion in a shell loads this module, and msgspec takes longer to load than one such class to make.
@dataclass(frozen=True, slots=True)
class Running:
    """A local Azure that runs, and where its control API is.

    Attributes:
        url: Its address.
        token: What it must be shown; in no representation.
        file: The file that says so.
        network: The network in which the address is that of the run; nothing where this system does not tell.
        what: How it was started, such as ``keyless up``.
        folder: Where it was started.
    """

    url: str
    token: str = field(repr=False)
    file: Path | None = None
    network: str = ""
    what: str = ""
    folder: str = ""

    @property
    def number(self) -> int:
        """Its number, by which commands name it; 0 where it has no file."""
        return int(self.file.stem.removeprefix(_PREFIX)) if self.file else 0

    def forget(self) -> None:
        """Remove the file of a run that was killed, unless it is of another network, where this process cannot judge it."""
        if self.file is not None and self.network == this_network():
            self.file.unlink(missing_ok=True)


def this_network() -> str:
    """Return what separates this process's network from others on the same machine, such as those of containers.

    Source: https://man7.org/linux/man-pages/man7/network_namespaces.7.html
    """
    try:
        return str(Path("/proc/self/ns/net").readlink())
    except OSError:
        return ""


def runtime_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of the files, which may not exist: in ``XDG_RUNTIME_DIR`` where the system gives one."""
    given = environment.get("XDG_RUNTIME_DIR")
    if given and Path(given).is_dir() and os.access(given, os.W_OK):
        return Path(given, "keyless")
    user = getpass.getuser() if sys.platform == "win32" else str(os.geteuid())
    return Path(tempfile.gettempdir(), f"keyless-user-{re.sub('[^A-Za-z0-9]', '-', user)}")


@contextmanager
def announced(url: str, token: str, *, environment: Mapping[str, str], what: str = "") -> Iterator[int]:
    """Show a control API to commands until the end; give the number by which they name it.

    Args:
        url: Its address.
        token: What it must be shown.
        environment: Says where the folder of the files is.
        what: How it was started.

    Raises:
        LocalAzureError: If the folder cannot be made, or is another user's, or open to others: they could give commands a
            server of theirs.
    """
    folder = runtime_folder(environment)
    said = {"url": url, "token": token, "network": this_network(), "what": what, "folder": str(Path.cwd())}
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        _check(folder)
        file = _claim(folder)
        write_private(file, json.dumps(said).encode())
    except OSError as error:
        raise LocalAzureError(
            f"The folder {folder} cannot be written to: {error.strerror}.",
            cause="Commands such as `keyless secret` find the local Azure by it.",
            remedy="Set XDG_RUNTIME_DIR to a folder that can be written to.",
        ) from error
    try:
        yield int(file.stem.removeprefix(_PREFIX))
    finally:
        file.unlink(missing_ok=True)


def _claim(folder: Path) -> Path:
    """Return the file with the first number that no other run has, which is then this one's."""
    for number in range(1, _MOST):
        file = folder / f"{_PREFIX}{number}.json"
        try:
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            continue
        return file
    raise OSError(errno.EEXIST, "it has too many files of runs")


def find_running(environment: Mapping[str, str]) -> list[Running]:
    """Return every run that a file speaks of; one that was killed may be among them.

    Raises:
        LocalAzureError: If the folder is another user's, or open to others.
    """
    folder = runtime_folder(environment)
    if not folder.is_dir():
        return []
    _check(folder)
    found = []
    for file in sorted(folder.glob(f"{_PREFIX}[0-9]*.json")):
        # A pipe would be waited on.
        if not file.is_file() or not file.stem.removeprefix(_PREFIX).isdecimal():
            continue
        try:
            said = json.loads(file.read_text(encoding="utf-8"))
            network, what, where = (str(said.get(name, "")) for name in ("network", "what", "folder"))
            found.append(Running(said["url"], said["token"], file, network, what, where))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # It has just gone, or is not one of ours.
    return sorted(found, key=lambda each: each.number)


def _check(folder: Path) -> None:
    """Refuse a folder that somebody else may have put there.

    Raises:
        LocalAzureError: If it is a link, another user's, or open to others.
    """
    remedy = "Have XDG_RUNTIME_DIR, or TMPDIR, name a folder of your own that nobody else may enter."
    if folder.is_symlink():
        raise LocalAzureError(
            f"The folder {folder} is a link.", cause="The user who made it decides where it leads.", remedy=remedy
        )
    try:
        check_private(folder)
    except LocalAzureError as error:
        raise LocalAzureError(error.what, cause=error.cause, remedy=remedy) from None
