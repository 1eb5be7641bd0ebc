"""A timeline in, the runs of failure of its last week out: from when to when, whether they are over, whether they are new.

A run goes on through hours in which nobody called the backend: a certificate is not mended by a weekend. It is over when the
backend has answered for CLEAN_HOURS hours without the failure, or at all in a gap of SILENCE. Where the records hold no
successes, a SILENCE without failures ends it. Sporadic failures, in hours in which other calls were answered, are one run as
long as no SILENCE lies between them. A week of which nothing is known ends every run: what happened in it is not known.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from analyzer.model import Backend, Ending, Kind, Run, Status
from analyzer.weekly.timeline import CallHour, FailingHour, Key, Place, Timeline

CLEAN_HOURS = 3
SILENCE = timedelta(hours=24)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Failing hours of one key that belong together."""

    hours: tuple[FailingHour, ...]
    start_known: bool

    @property
    def start(self) -> datetime:
        return min(h.first for h in self.hours)

    @property
    def end(self) -> datetime:
        return max(h.last for h in self.hours)


def runs_of(timeline: Timeline, seen_to: datetime) -> tuple[Run, ...]:
    """The runs that reach into the timeline's last week, or were open when it began; most lost first.

    `seen_to`: the week's end, or the moment up to which records can be there. Their findings are still to be made.
    """
    judge = _Judge(timeline, seen_to)
    found = [run for key in timeline.failing for run in judge.runs(key)]
    return tuple(sorted(found, key=lambda r: (-r.lost, -r.lost_in_all, r.start, r.id)))


def runs_by_week(timeline: Timeline) -> tuple[int, ...]:
    """For each week of a timeline, how many runs have a failure in it."""
    judge = _Judge(timeline, timeline.weeks[-1].end)
    weeks = [{h.week for h in one.hours} for key in timeline.failing for one in judge.stretches(key)]
    return tuple(sum(position in one for one in weeks) for position in range(len(timeline.weeks)))


class _Judge:
    """Reads runs off one timeline; what is the same for all of them is kept here."""

    def __init__(self, timeline: Timeline, seen_to: datetime) -> None:
        self.timeline, self.seen_to = timeline, seen_to
        self.last = len(timeline.weeks) - 1
        self.answered = {place: [c.hour for c in hours if c.answered] for place, hours in timeline.calls.items()}
        self.gateway_calls: dict[str, int] = defaultdict(int)
        for place, hours in timeline.calls.items():
            self.gateway_calls[place[0]] += sum(c.requests for c in hours if c.week == self.last)

    def stretches(self, key: Key) -> list[_Stretch]:
        place, kind = key
        hours = self.timeline.failing[key]
        clean = self._clean(place, kind)
        mixed = self._mixed(place)
        cuts = [0, *(i for i, pair in enumerate(pairwise(hours), 1) if self._is_over(place, clean, *pair)), len(hours)]
        cuts = _without_lulls(cuts, hours, mixed, self.timeline.known)
        return [
            _Stretch(hours[begin:end], self._start_known(place, clean, hours[begin])) for begin, end in pairwise(cuts)
        ]

    def runs(self, key: Key) -> Iterator[Run]:
        place, kind = key
        stretches = self.stretches(key)
        clean = self._clean(place, kind)
        week = self.timeline.weeks[self.last]
        mine = [s for s in stretches if any(h.week == self.last for h in s.hours)]
        open_before = not mine and self._open_at(place, clean, stretches[-1], week.start)
        for position, stretch in enumerate(stretches):
            if stretch in mine or (open_before and position == len(stretches) - 1):
                previous = stretches[position - 1].end if position else None
                yield self._run(key, stretch, clean, previous, alike=max(len(mine), 1))

    def _run(self, key: Key, one: _Stretch, clean: Sequence[datetime], previous: datetime | None, alike: int) -> Run:
        place, kind = key
        week = self.timeline.weeks[self.last]
        inside = [h for h in one.hours if h.week == self.last]
        peak = max(inside, key=lambda h: (h.failures, h.hour), default=None)
        ending = self._ending(place, clean, one)
        counting = (place[0], self.last) in self.timeline.counting
        return Run(
            id=_id(place, kind, one.start if one.start_known else None),
            gateway=place[0],
            backend=self.timeline.backends.get(place, _backend(place)),
            kind=kind,
            status=self._status(one, ending, previous, began_before=one.start < week.start),
            ending=ending,
            start=one.start,
            end=one.end,
            start_known=one.start_known,
            lost=sum(h.failures for h in inside),
            lost_in_all=sum(h.failures for h in one.hours),
            peak=peak.failures if peak else 0,
            peak_at=peak.hour if peak else None,
            calls=self._calls(place, inside) if counting and inside else None,
            gateway_calls=self.gateway_calls[place[0]] if counting else None,
            previous_end=previous,
            alike=alike,
        )

    def _clean(self, place: Place, kind: Kind) -> list[datetime]:
        """Hours in which the backend answered, and did not fail so."""
        failing = {h.hour for h in self.timeline.failing[place, kind]}
        return [hour for hour in self.answered.get(place, ()) if hour not in failing]

    def _mixed(self, place: Place) -> frozenset[datetime]:
        """Hours in which some calls to the backend failed and others were answered."""
        return frozenset(c.hour for c in self.timeline.calls.get(place, ()) if c.answered and c.failures)

    def _is_over(self, place: Place, clean: Sequence[datetime], one: FailingHour, other: FailingHour) -> bool:
        """Whether the failures of two hours, with none between them, belong to two runs."""
        if not all(self.timeline.known[one.week : other.week + 1]):
            return True
        apart = other.hour - one.hour
        if not {(place[0], one.week), (place[0], other.week)} <= self.timeline.counting:
            return apart > SILENCE
        between = bisect_left(clean, other.hour) - bisect_right(clean, one.hour)
        return between >= CLEAN_HOURS or (between > 0 and apart >= SILENCE)

    def _start_known(self, place: Place, clean: Sequence[datetime], first: FailingHour) -> bool:
        """Whether anything seen before a run's first failure says that it had not begun."""
        week = first.week
        while week > 0 and self.timeline.known[week - 1]:
            week -= 1  # the first week of those without gap that lead to it
        since = self.timeline.weeks[week].start
        if bisect_left(clean, first.hour) > bisect_left(clean, since - _HOUR):
            return True
        if (place[0], first.week) in self.timeline.counting:
            return week < first.week  # a whole known week without one failure
        return first.first - since > SILENCE

    def _ending(self, place: Place, clean: Sequence[datetime], one: _Stretch) -> Ending:
        """What was seen after a run's last failure."""
        if self._answered_after(place, clean, one, self.seen_to):
            sporadic = {h.hour for h in one.hours} <= self._mixed(place)
            return Ending.SPORADIC if sporadic and self.seen_to - one.end < SILENCE else Ending.ANSWERED
        if (place[0], self.last) in self.timeline.counting or self.seen_to - one.end <= SILENCE:
            return Ending.FAILING
        return Ending.QUIET

    def _open_at(self, place: Place, clean: Sequence[datetime], one: _Stretch, moment: datetime) -> bool:
        """Whether a run whose failures all lie before a moment was not over by then."""
        if self._answered_after(place, clean, one, moment):
            return False
        if {(place[0], one.hours[-1].week), (place[0], self.last)} <= self.timeline.counting:
            return True
        return moment - one.end <= SILENCE

    def _answered_after(self, place: Place, clean: Sequence[datetime], one: _Stretch, end: datetime) -> bool:
        last = one.hours[-1].hour
        if bisect_left(clean, end) > bisect_right(clean, last):
            return True
        same = (c for c in self.timeline.calls.get(place, ()) if c.hour == last and c.last_success is not None)
        return any(c.last_success is not None and one.end < c.last_success < end for c in same)

    def _status(self, one: _Stretch, ending: Ending, previous: datetime | None, *, began_before: bool) -> Status:
        if began_before:
            return Status.ONGOING if ending in (Ending.FAILING, Ending.SPORADIC) else Status.RESOLVED
        if not one.start_known or not any(self.timeline.known[: self.last]):
            return Status.UNKNOWN
        return Status.RECURRING if previous else Status.NEW

    def _calls(self, place: Place, inside: Sequence[FailingHour]) -> int:
        first, last = inside[0].hour, inside[-1].hour
        calls: Sequence[CallHour] = self.timeline.calls.get(place, ())
        return sum(c.requests for c in calls if c.week == self.last and first <= c.hour <= last)


def _without_lulls(
    cuts: Sequence[int], hours: Sequence[FailingHour], mixed: frozenset[datetime], known: Sequence[bool]
) -> list[int]:
    """The cuts between stretches, without those between two sporadic ones that are less than a SILENCE apart."""
    sporadic = [all(h.hour in mixed for h in hours[begin:end]) for begin, end in pairwise(cuts)]
    kept = [cuts[0]]
    for position, cut in enumerate(cuts[1:-1], 1):
        one, other = hours[cut - 1], hours[cut]
        near = other.hour - one.hour < SILENCE and all(known[one.week : other.week + 1])
        if not (near and sporadic[position - 1] and sporadic[position]):
            kept.append(cut)
    return [*kept, cuts[-1]]


def _backend(place: Place) -> Backend:
    return Backend(scheme=place[1], host=place[2], port=place[3], backend_ids=(place[4],) if place[4] else ())


def _id(place: Place, kind: Kind, start: datetime | None) -> str:
    """First 12 hex digits of SHA-256 over what makes a run this one."""
    parts = (*map(str, place), kind.value, start.isoformat() if start else "")
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]
