"""The keys of an app: which there are, and what each opens.

Source: https://learn.microsoft.com/en-us/azure/azure-functions/function-keys-how-to
"""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING, ClassVar

from keyless.local.functions.worker.target import first_query_value
from keyless.local.record import Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keyless.local.functions.worker.loaded import HttpFunction
    from keyless.local.functions.worker.messages import Asked

MASTER, DEFAULT, EVENT_GRID = "master", "default", "eventgrid_extension"


class FunctionKeys(Record, frozen=True):
    """The keys of an app, the same wherever they are made from the same seed; the admin API adds others.

    Attributes:
        master: Opens everything.
        host: Open every function that asks for a key, by their names.
        system: Open what extensions take, such as events, by their names.
        functions: Open one function each, by their names, by the function's name in small letters.
    """

    hidden: ClassVar[frozenset[str]] = frozenset({"master", "host", "system", "functions"})

    master: str
    host: dict[str, str]
    system: dict[str, str]
    functions: dict[str, dict[str, str]]

    @classmethod
    def make(cls, names: Iterable[str], *, seed: bytes) -> FunctionKeys:
        """Return the keys for functions of these names; the seed is random and as secret as they are."""

        def key(name: str) -> str:
            return base64.urlsafe_b64encode(hmac.digest(seed, name.encode(), "sha256")).decode().rstrip("=")

        # No function can have a name with a slash.
        return cls(
            master=key(""),
            host={DEFAULT: key("/host")},
            system={EVENT_GRID: key("/eventgrid")},
            functions={name.lower(): {DEFAULT: key(name)} for name in names},
        )

    def of(self, function: HttpFunction) -> str | None:
        """Return the least key that opens a function; None where none is needed."""
        if function.auth_level == "anonymous":
            return None
        return self.master if function.auth_level == "admin" else self.functions[function.name.lower()][DEFAULT]

    def opens(self, function: HttpFunction, given: str) -> bool:
        """Tell whether a request that brings this key may call a function."""
        own = [] if function.auth_level == "admin" else [*self.host.values(), *self._own(function.name)]
        return _is_one_of(given, [self.master, *own]) or function.auth_level == "anonymous"

    def is_master(self, given: str) -> bool:
        """Tell whether a key is the master key."""
        return _is_one_of(given, [self.master])

    def is_known(self, given: str) -> bool:
        """Tell whether a key is one of the whole app, which are not those of single functions."""
        return _is_one_of(given, [self.master, *self.host.values(), *self.system.values()])

    def opens_event_grid(self, given: str) -> bool:
        """Tell whether a request that brings this key may deliver events."""
        return _is_one_of(given, [self.master, self.system[EVENT_GRID]])

    def hide(self, text: str) -> str:
        """Return a text without any key in it."""
        scopes: list[Mapping[str, str]] = [self.host, self.system, *self.functions.values()]
        for key in [self.master, *(value for scope in scopes for value in scope.values())]:
            text = text.replace(key, "***")
        return text

    def _own(self, name: str) -> Iterable[str]:
        return self.functions.get(name.lower(), {}).values()


def given_key(asked: Asked) -> str:
    """Return the key that a request brings; empty where it brings none. The header is looked at first."""
    header = asked.headers.get("x-functions-key")
    # Of a header that is there twice, the first counts.
    return (first_query_value(asked.query, "code") or "") if header is None else header.partition(",")[0]


def _is_one_of(given: str, keys: Iterable[str]) -> bool:
    # Every key is compared, and in a time that does not depend on how much of it was right.
    matches = [hmac.compare_digest(given.encode(errors="surrogateescape"), key.encode()) for key in keys]
    return any(matches)
