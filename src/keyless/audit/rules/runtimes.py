"""The days on which Azure's support ends for versions of languages and of the Functions host."""

from __future__ import annotations

from datetime import date
from typing import Final

from keyless.audit.rules.packages import numbers

# Functions' stacks (stacks.json of the Core Tools), its table of supported languages, and each language's own calendar.
_ENDS: Final[dict[str, tuple[tuple[str, date], ...]]] = {
    "python": (
        ("3.7", date(2023, 6, 27)),
        ("3.8", date(2024, 10, 7)),
        ("3.9", date(2025, 10, 31)),
        ("3.10", date(2026, 10, 31)),
        ("3.11", date(2027, 10, 31)),
        ("3.12", date(2028, 10, 31)),
        ("3.13", date(2029, 10, 31)),
    ),
    "node": (
        ("16", date(2023, 9, 11)),
        ("18", date(2025, 4, 30)),
        ("20", date(2026, 4, 30)),
        ("22", date(2027, 4, 30)),
    ),
    "dotnet": (
        ("6", date(2024, 11, 12)),
        ("7", date(2024, 5, 14)),
        ("8", date(2026, 11, 10)),
        ("9", date(2026, 11, 10)),
        ("10", date(2028, 11, 14)),
    ),
    "powershell": (("7.2", date(2024, 11, 8)), ("7.4", date(2026, 11, 10))),
    "java": (("8", date(2026, 11, 30)),),
    "functions": (("1", date(2026, 9, 14)), ("2", date(2022, 12, 13)), ("3", date(2022, 12, 13))),
}
_NEXT: Final = {
    "python": "3.13 or 3.14",
    "node": "24",
    "dotnet": "10",
    "powershell": "a newer one that your plan supports",
    "java": "21",
    "functions": "~4",
}
_TITLES: Final = {"python": "Python", "node": "Node.js", "dotnet": ".NET", "powershell": "PowerShell", "java": "Java"}


def end_of(language: str, version: str) -> date | None:
    """Return the day on which support for a version ends; None where no day is known.

    Args:
        language: Such as ``python``; ``functions`` means the Functions host.
        version: As it is written, such as ``3.10``, ``~3`` or ``v6.0``.

    Example::

        >>> end_of("python", "3.10.4").isoformat()
        '2026-10-31'
    """
    given = numbers(version.lstrip("~^vV"))
    dates = sorted((numbers(known), on) for known, on in _ENDS.get(language, ()))
    if not dates or len(given) < len(dates[0][0]):
        return None  # Too little is said to tell, such as `3.x`.
    # What is older than the first in the table ended before it.
    return dates[0][1] if given < dates[0][0] else dict(dates).get(given[: len(dates[0][0])])


def successor(language: str) -> str:
    """Return the version to write instead."""
    return _NEXT[language]


def title(language: str) -> str:
    """Return a language's name as people write it."""
    return _TITLES.get(language, language)
