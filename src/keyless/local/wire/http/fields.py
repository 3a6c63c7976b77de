"""Named values of a request that may come more than once: its headers, its query, its form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar, overload
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


_T = TypeVar("_T")
# What means something else than itself, or parts one field from the next.
_ENCODED = frozenset("&%+")


class Fields(Mapping[str, str]):
    """The fields of a query or a form; of a field that came more than once, the first counts.

    Attributes:
        pairs: All of them, in the order in which they came.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs = tuple(pairs)
        self._first = dict(reversed(self.pairs))

    @classmethod
    def of(cls, text: str) -> Fields:
        """Read what is encoded as ``application/x-www-form-urlencoded``."""
        name, mark, value = text.partition("=")
        if mark and not _ENCODED.intersection(text):
            return cls([(name, value)])  # Most queries are the version of an API.
        return cls(parse_qsl(text, keep_blank_values=True))

    def __getitem__(self, name: str) -> str:
        return self._first[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)

    def __repr__(self) -> str:
        return f"<{len(self.pairs)} fields>"  # One may be a secret.


class Headers(Mapping[str, str]):
    """The headers of a request, by name in any case; of a header that came more than once, the first counts.

    Args:
        pairs: The names, in lower case, and the values.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._first: dict[str, str] = {}
        for name, value in pairs:
            self._first.setdefault(name, value)

    def __getitem__(self, name: str) -> str:
        return self._first[name.lower()]

    # Not what Mapping makes of the one above: a vault asks for a dozen of them a request, and most are not there.
    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: _T) -> str | _T: ...
    def get(self, name: str, default: object = None) -> object:
        """Return a header, or the default where there is none."""
        return self._first.get(name.lower(), default)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._first

    def __iter__(self) -> Iterator[str]:
        return iter(self._first)

    def __len__(self) -> int:
        return len(self._first)

    def __repr__(self) -> str:
        return f"<headers {', '.join(self._first)}>"  # One may be a token.


def whole_number(text: str) -> int | None:
    """Return the number that a field is; None where it is not one, or has more digits than anybody counts to."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None
