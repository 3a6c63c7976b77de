"""One request to the control API, with its fields checked."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from msgspec import field

from keyless.errors import ConfigurationError
from keyless.local.azure.config.declaration import Table
from keyless.local.azure.config.declared import read_declared
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

_T = TypeVar("_T")
_Table = TypeVar("_Table", bound=Table)


class ControlRequest(Record, frozen=True):
    """A request.

    Attributes:
        path: The parts of the path that have a name.
        query: The query.
        body: The fields of the JSON body, which no representation shows: one may be a secret's value.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"body"})

    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, *, path: Mapping[str, str], query: Mapping[str, str], text: str) -> Self:
        """Read a request.

        Raises:
            ConfigurationError: If the body is not a JSON object.
        """
        try:
            body = json.loads(text) if text else {}
            json.dumps(body, ensure_ascii=False).encode()  # Half a character can be escaped, and not be kept.
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise ConfigurationError(
                "The body is not a JSON object.",
                cause="The control API is asked in JSON.",
                remedy='Send an object, such as {"value": "..."}.',
            )
        return cls(path, query, body)

    def declared(self, kind: type[_Table]) -> _Table:
        """Return the body as a table that is declared, as a keyless.toml would say it.

        Raises:
            ConfigurationError: If the table cannot be so, or there is a query.
        """
        for name in self.query:
            raise _wrong(name, "it is in the query", "fields in the body")
        return read_declared(
            kind, self.body, wrong=lambda path, problem, allowed: _wrong(".".join(path), problem, allowed)
        )

    def check_fields(self, *allowed: str) -> None:
        """Refuse a body with a field that is not allowed, and a query likewise."""
        for name in (*self.body, *self.query):
            if name not in allowed:
                raise _wrong(name, "it is not known here", ", ".join(allowed) or "no field at all")

    def text(self, name: str) -> str:
        """Return a string that must be there."""
        found = self.optional_text(name)
        if found is None:
            raise _wrong(name, "it is missing", "a string")
        return found

    def optional_text(self, name: str) -> str | None:
        """Return a string, or None where it is not given; from the query where the body does not have it."""
        return self._typed(name, str, "a string") if name in self.body else self.query.get(name)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return true or false; in a query written ``true`` or ``false``."""
        if name in self.query:
            if self.query[name] not in {"true", "false"}:
                raise _wrong(name, "it is something else", "true or false")
            return self.query[name] == "true"
        found = self._typed(name, bool, "true or false")
        return default if found is None else found

    def number(self, name: str, *, default: float = 0.0) -> float:
        """Return a number that is not negative; in a query, written out."""
        allowed = "a number that is not negative"
        found: Any = self.query.get(name, self.body.get(name, default))
        try:
            number = math.nan if isinstance(found, bool) else float(found)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not 0 <= number < math.inf:
            raise _wrong(name, "it is something else", allowed)
        return number

    def texts(self, name: str) -> dict[str, str] | None:
        """Return an object of strings, or None where it is not given."""
        allowed = "an object whose values are strings"
        found: dict[Any, Any] | None = self._typed(name, dict, allowed)
        if found is not None and not all(isinstance(value, str) for value in found.values()):
            raise _wrong(name, "a value in it is not a string", allowed)
        return found

    def _typed(self, name: str, kind: type[_T], allowed: str) -> _T | None:
        found = self.body.get(name)
        if found is None or isinstance(found, kind):
            return found
        raise _wrong(name, "it is something else", allowed)


def _wrong(name: str, problem: str, allowed: str) -> ConfigurationError:
    end = "" if problem.endswith("?") else "."
    return ConfigurationError(
        f"The field {name!r} cannot be used: {problem}{end}" if name else f"The body cannot be used: {problem}{end}",
        cause="The control API checks every field before it does anything.",
        remedy=f"Allowed: {allowed}.",
    )
