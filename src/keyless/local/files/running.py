"""How commands find a running local Azure: a private file a run, in a folder of this user's, gone when the run is."""

from __future__ import annotations

import getpass
import json
import os
import re
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from keyless.errors import LocalAzureError
from keyless.local.files.data_folder import check_private, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Running:
    """Where a control API is.

    Attributes:
        url: Its address.
        token: What it must be shown; in no representation.
        file: The file that says so.
        network: The network in which the address is that of the run; nothing where this system does not tell.
    """

    url: str
    token: str = field(repr=False)
    file: Path | None = None
    network: str = ""

    def forget(self) -> None:
        """Remove the file of a run that was killed, unless it is of another network, where this process cannot judge it."""
        if self.file is not None and self.network == this_network():
            self.file.unlink(missing_ok=True)


def this_network() -> str:
    """Return what tells this process's network from others on the same machine, such as those of containers.

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
def announced(url: str, token: str, *, environment: Mapping[str, str]) -> Iterator[Path]:
    """Let commands find a control API until the end.

    Raises:
        LocalAzureError: If the folder cannot be made, or is another user's, or open to others: they could give commands a
            server of theirs.
    """
    folder = runtime_folder(environment)
    file = folder / f"up-{os.getpid()}.json"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        _check(folder)
        write_private(file, json.dumps({"url": url, "token": token, "network": this_network()}).encode())
    except OSError as error:
        raise LocalAzureError(
            f"The file {file} cannot be written: {error.strerror}.",
            cause="Commands such as `keyless secret` find the local Azure by it.",
            remedy="Let XDG_RUNTIME_DIR name a folder that can be written to.",
        ) from error
    try:
        yield file
    finally:
        file.unlink(missing_ok=True)


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
    for file in sorted(folder.glob("up-*.json")):
        if not file.is_file():  # A pipe would be waited on.
            continue
        try:
            said = json.loads(file.read_text(encoding="utf-8"))
            found.append(Running(said["url"], said["token"], file, said.get("network", "")))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # It has just gone, or is not one of ours.
    return found


def _check(folder: Path) -> None:
    """Refuse a folder that somebody else may have put there.

    Raises:
        LocalAzureError: If it is a link, another user's, or open to others.
    """
    remedy = "Have XDG_RUNTIME_DIR, or TMPDIR, name a folder of your own that nobody else may enter."
    if folder.is_symlink():
        raise LocalAzureError(
            f"The folder {folder} is a link.", cause="Whoever made it decides where it leads.", remedy=remedy
        )
    try:
        check_private(folder)
    except LocalAzureError as error:
        raise LocalAzureError(error.what, cause=error.cause, remedy=remedy) from None
