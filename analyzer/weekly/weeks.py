"""ISO 8601 weeks in a time zone: from "2026-W47" to the moments between which it lies, weeks with changed clocks too."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from analyzer.errors import UsageError
from analyzer.model import Week

_WRITTEN = re.compile(r"(\d{4})-?W(\d{2})", re.IGNORECASE | re.ASCII)


def week_of(text: str | None, zone: tzinfo, now: datetime) -> Week:
    """The week that a text names (2026-W47); None: the last one that is over at `now`. UsageError where it is none, or not yet begun."""
    if text is None:
        return last_full(zone, now)
    match = _WRITTEN.fullmatch(text.strip())
    try:
        monday = date.fromisocalendar(int(match[1]), int(match[2]), 1) if match else None
        found = _from(monday, zone) if monday else None
    except (ValueError, OverflowError, OSError):  # no such week, or one that this system's clock does not know
        found = None
    if found is None:
        raise UsageError(f"--week {text}: no such week; write it as {last_full(zone, now).label}")
    if found.start >= now:
        raise UsageError(f"--week {text}: it has not begun yet; the last full week is {last_full(zone, now).label}")
    return found


def last_full(zone: tzinfo, now: datetime) -> Week:
    """The last week that is over at `now`."""
    today = now.astimezone(zone).date()
    return _from(today - timedelta(days=today.weekday() + 7), zone)


def before(week: Week, zone: tzinfo, number: int) -> tuple[Week, ...]:
    """The `number` weeks before one, oldest first."""
    monday = date.fromisocalendar(week.year, week.number, 1)
    return tuple(_from(monday - timedelta(weeks=back), zone) for back in range(number, 0, -1))


def _from(monday: date, zone: tzinfo) -> Week:
    year, number, _ = monday.isocalendar()
    return Week(
        year=year,
        number=number,
        zone=str(zone),
        start=_midnight(monday, zone),
        end=_midnight(monday + timedelta(weeks=1), zone),
    )


def _midnight(day: date, zone: tzinfo) -> datetime:
    """The first moment of a day, UTC; where the clocks skip midnight, the moment at which they do."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
