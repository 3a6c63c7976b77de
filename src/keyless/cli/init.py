"""``keyless init``: a small start that works, for one kind of project."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import click

from keyless.cli.examples import examples
from keyless.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOML: Final = "toml"


@dataclass(frozen=True, slots=True)
class Start:
    """A start.

    Attributes:
        files: The names of its files, each in the package's folder of that start.
        next: The commands to run next, each with what it does.
    """

    files: tuple[str, ...]
    next: tuple[tuple[str, str], ...]


STARTS: Final[Mapping[str, Start]] = MappingProxyType(
    {
        _TOML: Start((), (("keyless run CMD", "runs your program CMD with it"), ("keyless up", "keeps it running"))),
        "pytest": Start(("test_secrets.py",), (("pytest", "runs the tests"),)),
        "fastapi": Start(
            ("app.py", "test_app.py", "requirements.txt"),
            (("keyless run fastapi dev app.py", "serves the application"), ("pytest", "runs its tests")),
        ),
        "functions": Start(
            ("function_app.py", "test_function_app.py", "host.json", "local.settings.json", "requirements.txt"),
            (("keyless up --functions . --reload", "serves the functions"), ("pytest", "runs their tests")),
        ),
    }
)


@click.command(epilog=examples("keyless init", "keyless init pytest", "keyless init functions shop"))
@click.argument("kind", type=click.Choice(list(STARTS)), default=_TOML)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
def init(*, kind: str, folder: Path) -> None:
    """Write a small start that works into FOLDER, and print what to run next.

    KIND is toml (a keyless.toml, the default), pytest, fastapi or functions. No file is overwritten.
    """
    start = STARTS[kind]
    texts = {name: _text(kind, name) for name in start.files} | {"keyless.toml": _text(_TOML, "keyless.toml")}
    there = [name for name in texts if (folder / name).exists()]
    if there:
        raise ConfigurationError(
            f"Nothing was written: {', '.join(there)} {'exist' if len(there) > 1 else 'exists'} already.",
            cause="keyless init does not overwrite a file.",
            remedy=f"Name a new folder: keyless init {kind} FOLDER.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        click.echo(f"wrote  {folder / name}")
    click.echo("\nNext:")
    if folder != Path():
        click.echo(f"  cd {folder}")
    for command, what in start.next:
        click.echo(f"  {command}    # {what}")


def _text(kind: str, name: str) -> str:
    # Git, and so the package, ignores a file that is called local.settings.json.
    stored = "local_settings.json" if name == "local.settings.json" else name
    return resources.files("keyless.cli").joinpath("starts", kind, stored).read_text(encoding="utf-8")
