"""The path of a log in, the hours out in which its records arrived: Azure Monitor's folders say them, y=/m=/d=/h=."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from analyzer.model import Window

_LATE = timedelta(hours=1)  # a record arrives after it happened, and may do so in the hour that follows
_PARTS = re.compile(r"(?:^|/)y=(\d{4})(?:/m=(\d\d)(?:/d=(\d\d)(?:/h=(\d\d))?)?)?(?=/|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """The time that a folder's name says: half-open, UTC."""

    start: datetime
    end: datetime
    depth: int  # 1 a year, 2 a month, 3 a day, 4 an hour (folders of minutes below it are as wide as their hour)


DAY = 3


def arrivals(path: str) -> Arrivals | None:
    """When the records below a path arrived; None: it does not say."""
    found = _PARTS.search(path)
    if found is None:
        return None
    numbers = [int(part) for part in found.groups() if part is not None]
    year, month, day, hour = (*numbers, *(1, 1, 1, 0)[len(numbers) :])
    try:
        start = datetime(year, month, day, hour, tzinfo=UTC)
        return Arrivals(start=start, end=_NEXT[len(numbers)](start), depth=len(numbers))
    except (ValueError, OverflowError):  # m=13: whatever it counts, it is no month
        return None


_NEXT: dict[int, Callable[[datetime], datetime]] = {
    1: lambda t: t.replace(year=t.year + 1),
    2: lambda t: (t + timedelta(days=31)).replace(day=1),
    3: lambda t: t + timedelta(days=1),
    4: lambda t: t + timedelta(hours=1),
}


def may_hold(path: str, window: Window) -> bool:
    """Whether a path can hold records of the window. A path that says no time always can."""
    said = arrivals(path)
    if said is None:
        return True
    after = window.start is None or said.end > _moved(window.start, -_LATE)
    return after and (window.end is None or said.start < _moved(window.end, _LATE))


def holds_only(path: str, window: Window) -> bool:
    """Whether all that is below a path is wanted: then it need not be looked through folder by folder."""
    said = arrivals(path)
    if said is None:
        return window.start is None and window.end is None
    after = window.start is None or said.start >= _moved(window.start, -_LATE)
    return after and (window.end is None or said.end <= _moved(window.end, _LATE))


def _moved(time: datetime, by: timedelta) -> datetime:
    try:
        return time.astimezone(UTC) + by
    except OverflowError:  # the year 1, or 9999: nothing lies beyond it
        return time
