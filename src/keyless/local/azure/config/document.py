"""The text of a keyless.toml, which knows where each key stands, so that an error can name the file, the line and the key."""

from __future__ import annotations

import re
import tomllib
from typing import Any, ClassVar, Self

from keyless.errors import ConfigurationError
from keyless.local.record import Record


class Document(Record, frozen=True):
    """A configuration as written, before it is checked against the declaration.

    Attributes:
        source: What it is called in errors.
        values: Its tables, which no representation shows: they hold secrets.
        text: The text that it was read from; empty where it was never text, and errors name no line.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"values", "text"})

    source: str
    values: dict[str, Any]
    text: str = ""

    @classmethod
    def parse(cls, source: str, text: str) -> Self:
        """Read a whole file.

        Args:
            source: What the file is called in errors.
            text: What is in it.

        Raises:
            ConfigurationError: If it is not TOML.
        """
        try:
            return cls(source, tomllib.loads(text), text)
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"at line (\d+)", str(error))
            raise ConfigurationError(
                f"{source}:{place[1] if place else text.count(chr(10)) + 1}: the file is not valid TOML: {error}.",
                cause="The text breaks the rules of TOML.",
                remedy="Fix that line; https://toml.io shows how each thing is written.",
            ) from None
        except (RecursionError, ValueError):
            raise ConfigurationError(
                f"{source}: the file cannot be read as TOML.",
                cause="It is nested too deeply, or a number in it has thousands of digits.",
                remedy="Write it flatter, and numbers shorter.",
            ) from None

    def place(self, path: tuple[str, ...]) -> str:
        """Return the file, with the line of a path where it has one."""
        line = _line_of(self.text, path)
        return self.source if line is None else f"{self.source}:{line}"

    def wrong(self, path: tuple[str, ...], problem: str, allowed: str) -> ConfigurationError:
        """Make the error about what a path leads to, which says what is allowed there."""
        place = self.place(path)
        return ConfigurationError(
            f"{place}: {'.'.join(_quoted(part) for part in path)}: {problem}{'' if problem.endswith('?') else '.'}",
            cause="The local Azure does not know this key or value.",
            remedy=f"Allowed: {allowed}.",
        )


def _quoted(part: str) -> str:
    return part if re.fullmatch(r"[\w-]+", part) else f'"{part}"'


def _line_of(text: str, path: tuple[str, ...]) -> int | None:
    """Return the number of the line that says the most of a path; None where no line says any of it.

    tomllib keeps no positions, so headers and keys are found again here. What is inside an inline table is found
    at the line of the table.
    """
    best: int | None = None
    most = 0
    header: tuple[str, ...] = ()
    in_text = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if in_text:
            in_text = "" if in_text in line else in_text
            continue
        if line.lstrip().startswith("["):
            header = found = _names(line)
        else:
            key, equals, value = line.partition("=")
            found = (*header, *_names(f"{key}=0")) if equals else ()
            in_text = next((quote for quote in ('"""', "'''") if value.count(quote) == 1), "")
        said = next(
            (at for at, (a, b) in enumerate(zip(found, path, strict=False)) if a != b), min(len(found), len(path))
        )
        if said > most:
            best, most = number, said
    return best


def _names(line: str) -> tuple[str, ...]:
    """Return the names of a header or of a key, as tomllib reads them; none where the line is neither."""
    try:
        found: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    names = []
    while isinstance(found, dict) and found:
        ((name, found),) = found.items()
        names.append(name)
    return tuple(names)
