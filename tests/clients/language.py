"""A language, its programs, and where a client differs from the others by design."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HERE: Final = Path(__file__).parent
SOURCES: Final = ("app-service", "imds")
# Where a token comes from makes no difference to keys and certificates.
ONE_SOURCE: Final = SOURCES[:1]
DEFAULT_ON: Final = ("app-service", "imds", "workload")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a client does otherwise than the table says, and why that is the client's own doing.

    Attributes:
        error: What must be in its error.
        why: Why.
    """

    error: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program, as its users would write it.

    Attributes:
        client: The packages that it uses.
        version: Tells their versions.
        command: How it is started, in its language's folder.
        sources: The sources of managed identities that its client can be pointed at.
        default_on: Where it also runs with the SDK's default credential, which finds out by itself what kind of host it is on.
        about: What it makes and uses.
        differences: Where it differs, by the scenario's name, or by ``SCENARIO on SOURCE``.
    """

    client: str
    version: Callable[[], str]
    command: tuple[str, ...]
    sources: tuple[str, ...] = SOURCES
    default_on: tuple[str, ...] = ()
    about: Literal["secrets", "keys", "certificates"] = "secrets"
    differences: Mapping[str, Difference] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """A language.

    Attributes:
        name: Its name, that of its folder too.
        tools: What must be on the machine.
        programs: Its programs.
        install: The command that installs what the manifest pins, and builds.
        sources: What it is made from; where that has not changed, nothing is made anew.
        built: The folder that it makes.
    """

    name: str
    tools: tuple[str, ...]
    programs: tuple[Program, ...]
    install: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    built: str = ""

    @property
    def folder(self) -> Path:
        """Where its programs are."""
        return HERE / self.name

    def missing(self) -> tuple[str, ...]:
        """Return the tools that this machine does not have."""
        return tuple(tool for tool in self.tools if shutil.which(tool) is None)

    def make_ready(self) -> str | None:
        """Install and build, one process at a time; return what the tool said if that fails."""
        if not self.install:
            return None
        made_from = self.folder / self.built / ".made-from"
        wanted = "".join(file.read_text() for pattern in self.sources for file in sorted(self.folder.glob(pattern)))
        with (self.folder / ".lock").open("w") as alone:
            fcntl.flock(alone, fcntl.LOCK_EX)
            if made_from.exists() and made_from.read_text() == wanted:
                return None
            done = subprocess.run(
                self.install, cwd=self.folder, capture_output=True, text=True, timeout=1800, check=False
            )
            if done.returncode:
                return (done.stdout + done.stderr)[-3000:]
            made_from.write_text(wanted)
        return None


def printed(*command: str) -> Callable[[], str]:
    """Return what has a program print the versions of what it runs: a registry may have given others than are pinned."""
    return lambda: ", ".join(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
