"""From a cluster's hours to bars: bucketed by hour, day or week as the span asks, and drawn to scale."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from analyzer.model import Hour
from analyzer.report.words import count, when

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
NAMES = {HOUR: "hour", DAY: "day", WEEK: "week"}
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)

WIDTH, HEIGHT = 1000, 100  # of the drawing's own units; the page stretches it


def step_of(span: timedelta) -> timedelta:
    """How long a bar lasts: an hour up to four days, a day up to half a year, else a week."""
    return HOUR if span <= 4 * DAY else DAY if span <= 184 * DAY else WEEK


def bucketed(hours: Iterable[Hour], step: timedelta) -> dict[datetime, int]:
    """Failures by the start of their bucket, UTC, in order; weeks begin on Monday. Buckets without failures are left out."""
    sums: dict[datetime, int] = defaultdict(int)
    for hour in hours:
        if hour.failures:
            sums[hour.start - (hour.start - _MONDAY) % step] += hour.failures
    return dict(sorted(sums.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One cluster's failures, drawn; `told` says in words what the drawing shows."""

    path: str  # SVG path data in WIDTH × HEIGHT units
    start: datetime
    end: datetime
    told: str


def timeline_of(hours: tuple[Hour, ...], start: datetime | None, end: datetime | None) -> Timeline | None:
    """The drawing over the report's span, widened where the hours need it; None where no hour holds a failure."""
    failing = [h.start for h in hours if h.failures]
    if not failing:
        return None
    first = min(failing) if start is None else min(start, min(failing))
    last = max(failing) + HOUR if end is None else max(end, max(failing) + HOUR)
    step = step_of(last - first)
    first -= (first - _MONDAY) % step
    last += (_MONDAY - last) % step
    bars = bucketed(hours, step)
    top, peak = max((failures, at) for at, failures in bars.items())
    slots = (last - first) // step
    wide = WIDTH / slots
    drawn = (_bar((at - first) / step * wide, wide, failures / top * HEIGHT) for at, failures in bars.items())
    name = NAMES[step]
    told = f"Failures per {name}: in {len(bars):,} of {count(slots, name)}, most in the {name} from {when(peak)} ({top:,})."
    return Timeline(path="".join(drawn), start=first, end=last, told=told)


def _bar(x: float, wide: float, high: float) -> str:
    gap = wide * 0.12
    return f"M{x + gap:.1f} {HEIGHT}h{max(wide - 2 * gap, 1):.1f}v-{max(high, 3):.1f}h-{max(wide - 2 * gap, 1):.1f}z"
