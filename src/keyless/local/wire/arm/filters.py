"""The filters of lists, as far as the Azure CLI and the SDKs send them: a language of OData.

https://learn.microsoft.com/en-us/rest/api/resources/resources/list#uri-parameters
"""

from __future__ import annotations

import re
from typing import Final

from keyless.local.azure.management.refusals import ArmError
from keyless.local.record import Record

_TERM: Final = re.compile(
    r"\s*(?:(?P<field>[A-Za-z/]+)\s+(?P<verb>eq|ne)\s+'(?P<value>(?:[^']|'')*)'"
    r"|(?P<call>[A-Za-z]+)\(\s*(?:'(?P<argument>[^']*)')?\s*\))\s*(?P<and>and\b|$)",
    re.IGNORECASE,
)


class Filter(Record, frozen=True):
    """A filter of a list.

    Attributes:
        equal: The values that fields must have, by the field's name in lower case.
        unequal: Those that they must not have.
        calls: The functions that are called, in lower case, with their argument.
    """

    equal: dict[str, str]
    unequal: dict[str, str]
    calls: dict[str, str]

    def takes(self, found: dict[str, str]) -> bool:
        """Return whether fields are as they must be, whatever their case."""
        lower = {name.lower(): value.lower() for name, value in found.items()}
        return all(lower.get(name) == value.lower() for name, value in self.equal.items()) and all(
            lower.get(name) != value.lower() for name, value in self.unequal.items()
        )

    def expect(self, *fields: str, calls: tuple[str, ...] = ()) -> None:
        """Refuse a field or a function that a list does not know.

        Raises:
            ArmError: If there is one: nothing that was asked for is left out in silence.
        """
        unknown = ({*self.equal, *self.unequal} - {*fields}) | (set(self.calls) - {*calls})
        if unknown:
            raise _wrong(f"{', '.join(sorted(unknown))} cannot be filtered by")


def read_filter(text: str | None) -> Filter:
    """Read a filter; None filters nothing.

    Raises:
        ArmError: If it is not one, or one that the local Azure does not know.
    """
    found, at, rest = Filter({}, {}, {}), 0, text or ""
    while at < len(rest):
        term = _TERM.match(rest, at)
        if term is None:
            raise _wrong(f"'{rest[:200]}' cannot be read")
        if term["call"]:
            found.calls[term["call"].lower()] = term["argument"] or ""
        else:
            held = found.equal if term["verb"].lower() == "eq" else found.unequal
            held[term["field"].lower()] = term["value"].replace("''", "'")
        at = term.end()
    return found


def _wrong(problem: str) -> ArmError:
    return ArmError(400, "InvalidFilterInQueryString", f"Invalid $filter specified in the query string: {problem}.")
