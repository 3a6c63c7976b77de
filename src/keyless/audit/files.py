"""The files of a project that are read, and the reader of each."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keyless.audit.readers import arm, bicep, docker, npm, python, requirements, shell, terraform, toml, workflows, xml
from keyless.audit.source import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keyless.audit.facts import Fact
    from keyless.audit.source import Source

    Reader = Callable[[Source], Iterator[Fact]]

LARGEST: Final = 8_000_000
"""Bytes of a file that is still read: more than any template may have, and than most lock files do."""

_SKIPPED: Final = frozenset(
    {
        *(".git", ".hg", ".svn", "node_modules", ".venv", "venv", "__pycache__", "site-packages", ".tox", ".nox"),
        *(".terraform", ".azure", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".idea", ".vs"),
    }
)
_BY_NAME: Final[dict[str, Reader]] = {
    "pyproject.toml": toml.read,
    "poetry.lock": toml.read_lock,
    "uv.lock": toml.read_lock,
    "pdm.lock": toml.read_lock,
    "package.json": npm.read,
    "package-lock.json": npm.read_lock,
    "npm-shrinkwrap.json": npm.read_lock,
    "packages.lock.json": npm.read_nuget,
    "pom.xml": xml.read,
    "directory.packages.props": xml.read,
    ".terraform.lock.hcl": terraform.read_lock,
    "azure.yaml": workflows.read,
    "azure.yml": workflows.read,
    "action.yml": workflows.read,
    "action.yaml": workflows.read,
    "dockerfile": docker.read,
    "containerfile": docker.read,
}
_BY_SUFFIX: Final[dict[str, Reader]] = {
    ".bicep": bicep.read,
    ".bicepparam": bicep.read_parameters,
    ".tf": terraform.read,
    ".tfvars": terraform.read_variables,
    ".sh": shell.read_bash,
    ".bash": shell.read_bash,
    ".ps1": shell.read_powershell,
    ".psm1": shell.read_powershell,
    ".psd1": shell.read_powershell,
    ".csproj": xml.read,
    ".fsproj": xml.read,
    ".vbproj": xml.read,
    ".dockerfile": docker.read,
}
_PIPELINE: Final = re.compile(
    r"(^|/)(\.github/(workflows|actions)/|\.gitlab/|\.?azure-?pipelines|\.azuredevops/|\.pipelines?/|\.ado/|pipelines?/)"
    r"|(^|/)(\.gitlab-ci[^/]*|[^/]*pipelines?[^/]*)\.ya?ml$",
    re.IGNORECASE,
)
_REQUIREMENTS: Final = re.compile(
    r"(^|/)((requirements|constraints)[^/]*\.(txt|in)|requirements/[^/]*\.(txt|in))$", re.IGNORECASE
)


def reader_of(path: str) -> Reader | None:
    """Return what reads a file of this name; None where the audit has no use for it."""
    name = path.rpartition("/")[2].lower()
    suffix = f".{name.rpartition('.')[2]}" if "." in name[1:] else ""
    if name in _BY_NAME:
        return _BY_NAME[name]
    if name.startswith("dockerfile."):
        return docker.read
    if suffix in {".yml", ".yaml"}:
        return workflows.read if _PIPELINE.search(path) else None
    if suffix == ".json":
        return _json
    if suffix == ".py":
        return _python
    if _REQUIREMENTS.search(path):
        return requirements.read
    return _BY_SUFFIX.get(suffix)


def _json(source: Source) -> Iterator[Fact]:
    if arm.is_template(source.data):
        yield from arm.read(source)
    elif arm.is_parameters(source.data):
        yield from arm.read_parameters(source)


def _python(source: Source) -> Iterator[Fact]:
    if python.concerns(source.data):
        yield from python.read(source)


def files(root: Path, problems: list[Problem]) -> Iterator[tuple[str, Path]]:
    """Yield each file to be read below a path, or the file itself, with the name that it is reported by.

    A link is not followed: what it leads to inside the project is read there, and what is outside is not the project's.
    """
    if not root.is_dir():
        yield root.as_posix(), root
        return
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            problems.append(Problem(folder.as_posix(), 0, f"The folder cannot be read: {error.strerror}."))
            continue
        below = [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False) and _is_own(entry)]
        waiting += reversed(below)
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                yield Path(entry.path).as_posix(), Path(entry.path)


def _is_own(entry: os.DirEntry[str]) -> bool:
    """Return whether a folder holds the project's own files, and not what was installed or built."""
    return entry.name not in _SKIPPED and not Path(entry.path, "pyvenv.cfg").exists()


def content(shown: str, path: Path, problems: list[Problem]) -> bytes | None:
    """Return a file's bytes; None, and a problem, where it cannot be read or is too large."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # A pipe would keep the reader waiting.
            problems.append(Problem(shown, 0, "This is not a regular file."))
            return None
        if status.st_size > LARGEST:
            size = f"{status.st_size / 1e6:.0f} MB"
            problems.append(Problem(shown, 0, f"The file is too large to be read: {size}, of at most 8."))
            return None
        return path.read_bytes()
    except OSError as error:
        problems.append(Problem(shown, 0, f"The file cannot be read: {error.strerror}."))
        return None
