"""A chart of what a program did while a drill ran: how many calls were answered and refused, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keyless.local.record import Record

if TYPE_CHECKING:
    from keyless.local.wire.console.counsel import DrillAccount

_BARS: Final = 60
WIDTH: Final = 900
HEIGHT: Final = 180
_REFUSED: Final = 400


class Bar(Record, frozen=True, kw_only=True):
    """One span of time: where it is drawn, and how many calls there were."""

    x: float
    good: int
    bad: int
    good_height: float
    bad_height: float


class Chart(Record, frozen=True, kw_only=True):
    """The bars, and where the drill began and ended.

    Attributes:
        bars: The bars.
        width: How wide each bar is.
        began: Where the drill begins.
        ended: Where it ends: at the edge where it goes on.
        seconds: How long the whole is.
        most: How many calls the highest bar stands for.
        answered: How many calls were answered.
        refused: How many were refused or failed.
    """

    bars: tuple[Bar, ...]
    width: float
    began: float
    ended: float
    seconds: float
    most: int
    answered: int
    refused: int


def chart_of(account: DrillAccount, *, now: float) -> Chart:
    """Return the chart of a drill: from its start to half as long after its end, or to now."""
    began = account.began if account.began is not None else now
    ended = account.ended if account.ended is not None else now
    end = min(now, ended + max(10.0, (ended - began) / 2))
    seconds = max(end - began, 1.0)
    good, bad = [0] * _BARS, [0] * _BARS
    for entry in account.entries:
        index = int((entry.time - began) / seconds * _BARS)
        if 0 <= index < _BARS and entry.operation != "getChallenge":
            counts = bad if entry.status >= _REFUSED else good
            counts[index] += 1
    most = max(1, *(up + down for up, down in zip(good, bad, strict=True)))
    step, scale = WIDTH / _BARS, HEIGHT / most
    bars = tuple(
        Bar(x=index * step, good=up, bad=down, good_height=up * scale, bad_height=down * scale)
        for index, (up, down) in enumerate(zip(good, bad, strict=True))
    )
    return Chart(
        bars=bars,
        width=step - 2,
        began=0.0,
        ended=min(WIDTH, (ended - began) / seconds * WIDTH),
        seconds=seconds,
        most=most,
        answered=sum(good),
        refused=sum(bad),
    )
