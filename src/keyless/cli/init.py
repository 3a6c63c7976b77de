"""``keyless init``: a small start that works, for one kind of project."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import click

from keyless.cli.examples import examples
from keyless.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOML: Final = "toml"
_FILE: Final = "keyless.toml"


@dataclass(frozen=True, slots=True)
class Start:
    """A start.

    Attributes:
        files: The names of its files, each in the package's folder of that start.
        next: The commands to run next, each with what it does.
        needs: The packages that those commands need, as pip takes them.
    """

    files: tuple[str, ...]
    next: tuple[tuple[str, str], ...]
    needs: tuple[str, ...] = ()


STARTS: Final[Mapping[str, Start]] = MappingProxyType(
    {
        _TOML: Start(
            (), (("keyless run CMD", "runs your program CMD with it"), ("keyless up", "runs it until Ctrl+C"))
        ),
        "pytest": Start(("test_secrets.py",), (("pytest", "runs the tests"),), ("pytest",)),
        "fastapi": Start(
            ("app.py", "test_app.py", "requirements.txt"),
            (("keyless run fastapi dev app.py", "serves the application"), ("pytest", "runs its tests")),
            ("fastapi[standard]", "pytest"),
        ),
        "functions": Start(
            ("function_app.py", "test_function_app.py", "host.json", "local.settings.json", "requirements.txt"),
            (("keyless up --functions . --reload", "serves the functions"), ("pytest", "runs their tests")),
            ("azure-functions", "pytest"),
        ),
    }
)


@click.command(epilog=examples("keyless init", "keyless init pytest", "keyless init functions shop"))
@click.argument("kind", type=click.Choice(list(STARTS)), metavar="[KIND]", default=_TOML)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
def init(*, kind: str, folder: Path) -> None:
    """Write a small project that works into FOLDER, and print what to run next.

    KIND is toml (a keyless.toml, the default), pytest, fastapi or functions. FOLDER is this folder if you name none. No file
    is overwritten: a keyless.toml that you have stays as it is.
    """
    start = STARTS[kind]
    texts = {name: _text(kind, name) for name in start.files} | {_FILE: _text(_TOML, _FILE)}
    there = [name for name in texts if (folder / name).exists()]
    kept = kind != _TOML and there == [_FILE]
    if there and not kept:
        raise ConfigurationError(
            f"Nothing was written: {', '.join(there)} {'exist' if len(there) > 1 else 'exists'} already.",
            cause="keyless init does not overwrite a file.",
            remedy=f"Name a new folder: keyless init {kind} FOLDER.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        if name not in there:
            (folder / name).write_text(text, encoding="utf-8")
        click.echo(f"{'kept ' if name in there else 'wrote'}  {folder / name}")
    if kept and (folder / _FILE).read_text(encoding="utf-8", errors="replace") != texts[_FILE]:
        click.echo("\nThe code reads db-password in the vault contoso-kv. Change it to what your keyless.toml has.")
    _show_next(start, folder)


def _show_next(start: Start, folder: Path) -> None:
    missing = [need for need in start.needs if not _is_installed(need.partition("[")[0])]
    install = f"pip install {' '.join(shlex.quote(need) for need in missing)}"
    commands = [
        *([(f"cd {folder}", "")] if folder != Path() else []),
        *([(install, "not installed here yet")] if missing else []),
        *start.next,
    ]
    width = max(len(command) for command, what in commands if what)
    click.echo("\nNext:")
    for command, what in commands:
        click.echo(f"  {command.ljust(width)}    # {what}" if what else f"  {command}")


def _is_installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _text(kind: str, name: str) -> str:
    # Git, and so the package, ignores a file that is called local.settings.json.
    stored = "local_settings.json" if name == "local.settings.json" else name
    return resources.files("keyless.cli").joinpath("starts", kind, stored).read_text(encoding="utf-8")
