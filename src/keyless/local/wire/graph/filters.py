"""The filters that clients put to Microsoft Graph: as much of OData as the Azure CLI says.

https://learn.microsoft.com/en-us/graph/filter-query-parameter
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXT: Final = r"'(?P<{}>(?:[^']|'')*)'"
_TERM: Final = re.compile(
    rf"(?:(?P<equal>\w+) eq {_TEXT.format('is')}"
    rf"|startswith\((?P<starts>\w+), ?{_TEXT.format('start')}\)"
    rf"|(?P<any>\w+)/any\((?P<each>\w+):(?P=each) eq {_TEXT.format('one')}\))(?: and |$)"
)


def terms_of(text: str) -> list[re.Match[str]] | None:
    """Return the terms that a filter joins by ``and``; None where it is something else."""
    found, at = [], 0
    while at < len(text):
        term = _TERM.match(text, at)
        if term is None:
            return None
        found.append(term)
        at = term.end()
    return found


def passes(term: re.Match[str], found: Mapping[str, Any]) -> bool:
    """Return whether an object passes a term; texts are compared without case, as Graph does."""
    said = term.groupdict()
    wanted = next(said[name] for name in ("is", "start", "one") if said[name] is not None).replace("''", "'").lower()
    if said["any"] is not None:
        return wanted in [str(each).lower() for each in found.get(said["any"], ())]
    held = str(found.get(said["equal"] or said["starts"], "")).lower()
    return held == wanted if said["equal"] is not None else held.startswith(wanted)
