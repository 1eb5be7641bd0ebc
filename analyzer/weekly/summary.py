"""A timeline, runs and findings in, a week's sums out: availability, trend, who was hit, the hours of the worst backends."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from analyzer.model import Availability, Hour, Kind, Share, Trend, Week, Window
from analyzer.tally import Tally
from analyzer.weekly.runs import runs_by_week
from analyzer.weekly.timeline import Place, Timeline

TOP = 10
_DAY = timedelta(days=1)
_MOST = 99.99  # percent that is ever printed: nobody has seen every call


def at_least(failures: int, requests: int) -> float | None:
    """The share of calls answered, in percent, rounded down to two places; None where no call failed, or none was made."""
    if requests <= 0 or failures <= 0:
        return None
    return min(_MOST, math.floor(max(requests - failures, 0) * 10_000 / requests) / 100)


def at_most(failures: int, requests: int) -> float:
    """The share of calls lost, in percent, rounded up to two places: diagnostics may sample successes, and log every failure."""
    return math.ceil(min(failures, requests) * 10_000 / requests) / 100 if requests > 0 else 0.0


def availability_of(timeline: Timeline) -> tuple[Availability, ...]:
    """What each backend answered in the last week, worst first: most failures, then most calls."""
    last = len(timeline.weeks) - 1
    failures = _failures(timeline)
    requests: dict[tuple[Place, int], int] = defaultdict(int)
    for place, hours in timeline.calls.items():
        for one in hours:
            requests[place, one.week] += one.requests
    hit: dict[Place, set[datetime]] = defaultdict(set)
    for (place, _), failing in timeline.failing.items():
        hit[place].update(h.hour for h in failing if h.week == last)
    found = []
    for place, backend in timeline.backends.items():
        lost, asked = failures[place, last], requests[place, last]
        if not lost and not asked:
            continue
        counting = (place[0], last) in timeline.counting
        had = last > 0 and (place[0], last - 1) in timeline.counting
        found.append(
            Availability(
                gateway=place[0],
                backend=backend,
                failures=lost,
                requests=asked if counting else None,
                at_least=at_least(lost, asked) if counting else None,
                failing_hours=len(hit[place]),
                before=at_least(failures[place, last - 1], requests[place, last - 1]) if had else None,
            )
        )
    return tuple(sorted(found, key=lambda a: (-a.failures, -(a.requests or 0), a.backend.label, a.gateway)))


def trend_of(
    timeline: Timeline, tallies: Sequence[Tally | None], origins: Sequence[str], seen_to: datetime, most: int
) -> tuple[Trend, ...]:
    """The sums of the timeline's last `most` weeks; `origins` says where each week's tally comes from, or why there is none."""
    runs = runs_by_week(timeline)
    kinds: dict[int, Counter[Kind]] = defaultdict(Counter)
    for (_, kind), hours in timeline.failing.items():
        for one in hours:
            kinds[one.week][kind] += one.failures
    requests: Counter[int] = Counter()
    for hours_ in timeline.calls.values():
        for call in hours_:
            requests[call.week] += call.requests
    counting = {position for _, position in timeline.counting}
    found = []
    for position, (week, tally) in enumerate(zip(timeline.weeks, tallies, strict=True)):
        ranked = sorted(kinds[position].items(), key=lambda item: (-item[1], item[0]))
        found.append(
            Trend(
                week=week,
                known=tally is not None,
                partial=tally is not None
                and position in counting
                and _is_partial(week, tally.found, min(seen_to, week.end)),
                failures=kinds[position].total(),
                requests=requests[position] if position in counting else None,
                runs=runs[position],
                kinds=tuple(Share(value=kind.value, failures=number) for kind, number in ranked),
                source=origins[position],
            )
        )
    return tuple(found[-most:])


def affected_of(tally: Tally, dimension: str) -> tuple[Share, ...]:
    """The ten values of a dimension (api, product, subscription) that were hit most."""
    mine = tally.affected[tally.affected["dimension"] == dimension]
    sums = mine.groupby("value", observed=True)["count"].sum().to_dict()
    ranked = sorted(sums.items(), key=lambda item: (-item[1], str(item[0])))
    return tuple(Share(value=str(value), failures=int(number)) for value, number in ranked[:TOP])


def heat_of(timeline: Timeline, names: Mapping[str, str]) -> tuple[tuple[str, tuple[Hour, ...]], ...]:
    """The ten backends that failed most in the last week, each with its failing hours; `names`: gateways by id, where there are several."""
    last = len(timeline.weeks) - 1
    hours: dict[Place, Counter[datetime]] = defaultdict(Counter)
    for (place, _), failing in timeline.failing.items():
        for one in failing:
            if one.week == last:
                hours[place][one.hour] += one.failures
    worst = sorted(hours, key=lambda place: (-hours[place].total(), str(place)))[:TOP]
    several = len({place[0] for place in hours}) > 1
    return tuple(
        (
            timeline.backends[place].label + (f" · {names.get(place[0], place[0])}" if several else ""),
            tuple(Hour(start=at, failures=n, requests=None) for at, n in sorted(hours[place].items())),
        )
        for place in worst
    )


def _failures(timeline: Timeline) -> Counter[tuple[Place, int]]:
    found: Counter[tuple[Place, int]] = Counter()
    for (place, _), hours in timeline.failing.items():
        for one in hours:
            found[place, one.week] += one.failures
    return found


def _is_partial(week: Week, found: Window, end: datetime) -> bool:
    """Whether a week's records begin a day late, or end a day early."""
    if found.start is None or found.end is None:
        return False
    return found.start - week.start > _DAY or end - found.end > _DAY
