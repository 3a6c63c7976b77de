"""The releases that a requirement allows, in the ways of pip, npm, NuGet, Maven, Terraform and others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keyless.audit.rules.packages import numbers

if TYPE_CHECKING:
    from keyless.audit.rules.packages import Ecosystem, Fault, Version

_PART: Final = re.compile(r"(?P<sign>===|==|~=|~>|>=|<=|!=|\^|~|=|>|<)?\s*v?(?P<version>\d[\w.*+-]*)")
_WHOLE: Final = 3  # The numbers of a whole version.
_ANY: Final = frozenset({"*", "x", "X"})


@dataclass(frozen=True, slots=True)
class Reach:
    """The releases that a requirement allows.

    Attributes:
        lowest: The lowest.
        bound: What is above it; None where nothing is.
        includes_bound: Whether the bound itself is allowed.
    """

    lowest: Version = ()
    bound: Version | None = None
    includes_bound: bool = True

    def is_at_fault(self, fault: Fault) -> bool:
        """Return whether every release that it allows has a fault."""
        if self.bound is None or self.lowest < numbers(fault.since):
            return False
        end = numbers(fault.fixed or fault.until or "0")
        if fault.fixed:
            return self.bound < end or (self.bound == end and not self.includes_bound)
        # A bound that is left out, such as 5.0, is above the last one at fault: newer releases lie between.
        return self.bound <= end


def reach(requirement: str, ecosystem: Ecosystem) -> Reach:
    """Return what a requirement allows.

    Args:
        requirement: As the file writes it, such as ``>=1.31,<1.38``, ``^4.0.0``, ``~> 4.1`` or ``[1.0,2.0)``.
        ecosystem: Whose way of writing it is.

    Example::

        >>> reach("~=1.32.0", "pypi").bound, reach("^4.0.1", "npm").bound, reach("~> 4.1", "terraform").bound
        ((1, 33), (5,), (5,))
    """
    text = requirement.strip()
    if ecosystem in {"nuget", "maven"} and text[:1] in "[(":
        return _interval(text)
    if "||" in text:
        return Reach()
    lowest: Version = ()
    bound: Version | None = None
    included = True
    for found in _PART.finditer(text):
        low, high, is_in = _part(found["sign"] or "=", found["version"], ecosystem)
        lowest = max(lowest, low)
        if high is not None and (bound is None or high < bound):
            bound, included = high, is_in
    return Reach(lowest, bound, included)


def _part(sign: str, version: str, ecosystem: Ecosystem) -> tuple[Version, Version | None, bool]:
    """Return the lowest, the bound and whether it is in, of one comparison."""
    parts = re.split(r"[.]", re.split(r"[-+]", version)[0])
    fixed = [part for part in parts if part not in _ANY]
    given = numbers(version)
    if len(fixed) < len(parts):
        return given, _next([int(part) for part in fixed if part.isdecimal()]), False
    whole = [int(part) for part in fixed if part.isdecimal()]
    match sign:
        case "=" | "==" | "===":
            # `azure-cli: 2.60` and `npm: 4` name the newest of their line.
            short = ecosystem == "npm" and len(whole) < _WHOLE
            return (given, _next(whole), False) if short else (given, given, True)
        case "~=" | "~>":
            return given, _next(whole[:-1]), False
        case "~":
            return given, _next(whole[:2]), False
        case "^":
            leading = next((position for position, part in enumerate(whole) if part), len(whole) - 1)
            return given, _next(whole[: leading + 1]), False
        case "<":
            return (), given, False
        case "<=":
            return (), given, True
        case ">" | ">=":
            return given, None, True
    return (), None, True


def _next(parts: list[int]) -> Version | None:
    """Return the first release of the line after this one."""
    return numbers(".".join(map(str, [*parts[:-1], parts[-1] + 1]))) if parts else None


def _interval(text: str) -> Reach:
    """Return what ``[1.0,2.0)`` allows."""
    low, comma, high = text[1:].rstrip("])").partition(",")
    if not comma:
        return Reach(numbers(low), numbers(low), True)
    return Reach(numbers(low), numbers(high) if high.strip() else None, text.endswith("]"))
