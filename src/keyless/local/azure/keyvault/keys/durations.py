"""Durations of ISO 8601 in years, months and days, as rotation policies have them."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from keyless.local.azure.keyvault.keys.refusal import RefusedKeyError

_DURATION: Final = re.compile(r"P(?:(\d{1,5})Y)?(?:(\d{1,5})M)?(?:(\d{1,5})D)?", re.ASCII)
_LONGEST_DAYS: Final = 36_525
_YEAR_DAYS, _MONTH_DAYS = 365.25, 30.4375


def shifted(moment: float, duration: str, *, sign: Literal[1, -1] = 1) -> float:
    """Return the moment a duration after another, or before it; both in Unix seconds.

    Args:
        moment: From when.
        duration: Such as ``P90D`` or ``P1Y6M``.
        sign: -1 for before.

    Raises:
        OverflowError: If the calendar does not reach so far.
    """
    years, months, days = _parts(duration)
    try:
        start = datetime.fromtimestamp(moment, UTC)
        month = start.year * 12 + start.month - 1 + sign * (years * 12 + months)
        year, zero_based = divmod(month, 12)
        day = min(start.day, calendar.monthrange(year, zero_based + 1)[1])
        return (start.replace(year=year, month=zero_based + 1, day=day) + sign * timedelta(days=days)).timestamp()
    except (ValueError, OSError, calendar.IllegalMonthError) as error:
        raise OverflowError(f"there is no such moment: {error}") from None


def days_in(duration: str) -> float:
    """Return how many days a duration has on average.

    Raises:
        RefusedKeyError: If it is none, or longer than a century.
    """
    years, months, days = _parts(duration)
    found = years * _YEAR_DAYS + months * _MONTH_DAYS + days
    if found > _LONGEST_DAYS:
        raise RefusedKeyError("A duration is longer than a century.", allowed="durations of up to 100 years")
    return found


def _parts(duration: str) -> tuple[int, int, int]:
    found = _DURATION.fullmatch(duration)
    if found is None or not any(found.groups()):
        raise RefusedKeyError(
            f"{duration[:20]!r} is not a duration.",
            allowed="ISO 8601 durations of years, months and days, such as P90D",
        )
    years, months, days = (int(part or 0) for part in found.groups())
    return years, months, days
