"""Tables of a TOML file that know where they stand, so that an error can name the file, the line and the key."""

from __future__ import annotations

import re
import tomllib
import uuid
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

from keyless.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_T = TypeVar("_T")


class Table:
    """One table of a file.

    Each getter checks the type of what it returns, and raises ConfigurationError with the place in the file.
    """

    def __init__(self, source: str, text: str, values: dict[str, Any], path: tuple[str, ...] = ()) -> None:
        self._source = source
        self._text = text
        self._values = values
        self._path = path

    @classmethod
    def parse(cls, source: str, text: str) -> Table:
        """Read a whole file.

        Args:
            source: What the file is called in errors.
            text: What is in it.

        Raises:
            ConfigurationError: If it is not TOML.
        """
        try:
            return cls(source, text, tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            place = re.search(r"at line (\d+)", str(error))
            raise ConfigurationError(
                f"{source}:{place[1] if place else text.count(chr(10)) + 1}: the file is not valid TOML: {error}.",
                cause="The text breaks the rules of TOML.",
                remedy="Mend that line; https://toml.io shows how each thing is written.",
            ) from None

    def wrong(self, key: str | None, problem: str, allowed: str) -> ConfigurationError:
        """Make the error about a key of this table, or about the table itself, that says what is allowed."""
        path = self._path if key is None else (*self._path, key)
        line = _line_of(self._text, path)
        place = self._source if line is None else f"{self._source}:{line}"
        return ConfigurationError(
            f"{place}: {'.'.join(_quoted(part) for part in path)}: {problem}.",
            cause="The file says something that the local Azure does not know.",
            remedy=f"Allowed: {allowed}.",
        )

    def check_keys(self, allowed: Collection[str]) -> None:
        """Refuse every key that is not allowed here, and suggest the one that was meant."""
        for key in self._values:
            if key not in allowed:
                near = get_close_matches(key, allowed, n=1)
                hint = f", did you mean {near[0]!r}?" if near else ""
                raise self.wrong(key, f"unknown key{hint}", ", ".join(allowed))

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def is_text(self, key: str) -> bool:
        """Say whether a key's value is a string."""
        return isinstance(self._values.get(key), str)

    def text(self, key: str) -> str | None:
        """Return a string, or None where the key is absent."""
        return self._typed(key, str, "a string")

    def flag(self, key: str, *, default: bool) -> bool:
        """Return a boolean, or the default where the key is absent."""
        found = self._typed(key, bool, "true or false")
        return default if found is None else found

    def seconds(self, key: str) -> int | None:
        """Return a whole number of seconds, at least one, or None where the key is absent."""
        allowed = "a whole number of seconds, 1 or more"
        found = self._typed(key, int, allowed)
        if isinstance(found, bool) or (found is not None and found < 1):
            raise self.wrong(key, f"it is {_kind(found) if isinstance(found, bool) else 'too small'}", allowed)
        return found

    def number(self, key: str, *, default: float, lowest: float) -> float:
        """Return a number, at least the lowest, or the default where the key is absent."""
        allowed = f"a number from {lowest:g}"
        found = self._values.get(key, default)
        if isinstance(found, bool) or not isinstance(found, (int, float)):
            raise self.wrong(key, f"it is {_kind(found)}", allowed)
        if not lowest <= found < float("inf"):
            raise self.wrong(key, f"it is {found}", allowed)
        return float(found)

    def moment(self, key: str) -> datetime | None:
        """Return a date and time with its zone, or None where the key is absent."""
        allowed = "a date and time with its zone, such as 2030-01-31T12:00:00Z"
        found = self._typed(key, datetime, allowed)
        if found is not None and found.tzinfo is None:
            raise self.wrong(key, "the time has no zone", allowed)
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """Return one or several strings, none where the key is absent."""
        found = self._values.get(key, [])
        several = [found] if isinstance(found, str) else found
        if not isinstance(several, list) or not all(isinstance(item, str) for item in several):
            raise self.wrong(key, f"it is {_kind(found)}", "a string, or a list of strings")
        return tuple(several)

    def table(self, key: str) -> Table:
        """Return a table, an empty one where the key is absent."""
        found = self._typed(key, dict, "a table")
        return Table(self._source, self._text, found or {}, (*self._path, key))

    def guid(self, key: str) -> str | None:
        """Return a GUID in lower case, or None where the key is absent."""
        found = self.text(key)
        if found is None:
            return None
        try:
            guid = str(uuid.UUID(found))
        except ValueError:
            guid = ""
        if guid != found.lower():
            raise self.wrong(key, "it is not a GUID", "a GUID such as 00001111-aaaa-2222-bbbb-3333cccc4444")
        return guid

    def strings(self) -> dict[str, str]:
        """Return all that is in this table, each a string."""
        return {key: self.text(key) or "" for key in self}

    def refuse_twins(self) -> None:
        """Refuse keys that differ only in case, since Azure takes them for one name."""
        seen: dict[str, str] = {}
        for name in self:
            twin = seen.setdefault(name.lower(), name)
            if twin != name:
                raise self.wrong(name, f"it is the same name as {twin!r}", "names that differ in more than case")

    def _typed(self, key: str, kind: type[_T], allowed: str) -> _T | None:
        found = self._values.get(key)
        if found is None or isinstance(found, kind):
            return found
        raise self.wrong(key, f"it is {_kind(found)}", allowed)


def _kind(value: object) -> str:
    """Say what a value is, and never what it says: it may be a secret."""
    names = {
        str: "a string",
        bool: "true or false",
        int: "an integer",
        float: "a number",
        list: "a list",
        dict: "a table",
    }
    return names.get(type(value), "a date or time")


def _quoted(part: str) -> str:
    return part if re.fullmatch(r"[\w-]+", part) else f'"{part}"'


def _line_of(text: str, path: tuple[str, ...]) -> int | None:
    """Return the number of the line that says the most of a path; None where no line says any of it.

    tomllib keeps no positions, so headers and keys are found again here. What stands inside an inline table is found
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
