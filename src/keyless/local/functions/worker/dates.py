"""The texts that .NET's ``DateTime.TryParse`` takes with the invariant culture, and so ``{when:datetime}``."""

from __future__ import annotations

import re
from datetime import datetime

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_TIME = r"(?P<hour>\d{1,2})(?::(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:\.\d+)?)?)?\s*(?P<half>am|pm|a|p)?"
_ZONE = r"(?P<zone>z|gmt|[+-]\d{1,2}(?::?\d{2})?)?"
_NAME = r"(?P<name>[a-z]{3,9})\.?"
_WEEKDAY = rf"(?:(?:{'|'.join(f'{day}|{day[:3]}' for day in _DAYS)}),?\s+)?"
# Compiled when a route first asks for a date, which few do: that takes as long as loading several modules.
_DATES = tuple(
    _WEEKDAY + form
    for form in (
        r"(?P<year>\d{4})(?P<between>[-/.])(?P<month>\d{1,2})(?P=between)(?P<day>\d{1,2})",
        r"(?P<month>\d{1,2})(?P<between>[-/.])(?P<day>\d{1,2})(?P=between)(?P<year>\d{4}|\d{2})",
        r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})",
        r"(?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
        rf"{_NAME}\s+(?P<day>\d{{1,2}}),?\s+(?P<year>\d{{4}}|\d{{2}})",
        rf"(?P<day>\d{{1,2}})[\s-]+{_NAME},?[\s-]+(?P<year>\d{{4}}|\d{{2}})",
        rf"{_NAME}\s+(?P<year>\d{{4}})",
        rf"{_NAME}\s+(?P<day>\d{{1,2}})",
    )
)
_CLOCK = rf"{_TIME}\s*{_ZONE}"
_LATEST_HALF_HOUR = 12


def is_date(value: str) -> bool:
    """Tell whether a text is a date, a time, or both."""
    text = value.strip().lower()
    if _is_time(text):
        return True
    for form in _DATES:
        found = re.match(form, text, re.ASCII)
        if found and _exists(found.groupdict()):
            rest = text[found.end() :]
            clock = re.sub(r"^(t|\s+|,\s*)", "", rest)
            if rest in {"", "z"} or (clock != rest and _is_time(clock)):
                return True
    return False


def _is_time(text: str) -> bool:
    found = re.fullmatch(_CLOCK, text, re.ASCII)
    if found is None or (found["minute"] is None and not found["half"]):
        return False
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    if found["half"] and not hour <= _LATEST_HALF_HOUR:
        return False
    return hour < 24 and minute < 60 and second < 60  # noqa: PLR2004 (the hours of a day, and what else a clock has)


def _exists(found: dict[str, str | None]) -> bool:
    month = found.get("month") or _month_of(found.get("name") or "")
    if not month:
        return False
    try:
        datetime(int(found.get("year") or 2000), int(month), int(found.get("day") or 1))  # noqa: DTZ001 (no time is shown)
    except ValueError:
        return False
    return True


def _month_of(name: str) -> int | None:
    return next((number for number, month in enumerate(_MONTHS, 1) if name in {month, month[:3]}), None)
