"""Eight weeks of one gateway, 2026-W40 to W47, with known incidents: what a weekly summary must find, and how each stands week by week.

Every backend is called at least once an hour, but for one that nobody calls at the weekend. Every moment follows from the names alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from analyzer.lab import texts
from analyzer.lab.events import Event, draw, failure, success
from analyzer.lab.week import END, in_order
from analyzer.model import Kind, Status

WEEKS = 8
START = END - timedelta(weeks=WEEKS)
FIRST_WEEK = 40

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A stretch of time in which every call to a host, or every other one, failed with one text."""

    host: str
    text: str
    kind: Kind
    start: datetime
    end: datetime  # the first moment at which it is mended; calls before it fail
    statuses: Mapping[str, Status]  # by the label of each week whose summary must list it
    every: int = 1  # every how manieth call fails

    def hits(self, time: datetime, number: int) -> bool:
        """Whether the `number`th call to the host, at this time, fails."""
        return self.start <= time < self.end and number % self.every == 0


HEALTHY = "search.fabrikam.example"
WEEKDAYS_ONLY = "payroll.fabrikam.example"
_CALLS = {"orders.fabrikam.example": 4, "stock.fabrikam.example": 2}
"""Calls an hour, where it is not one."""


def at(week: int, day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of a week by its number, day 1 being Monday; UTC."""
    return START + timedelta(weeks=week - FIRST_WEEK, days=day - 1, hours=hour, minutes=minute)


def _weeks(**statuses: Status) -> dict[str, Status]:
    return {f"2026-{label}": status for label, status in statuses.items()}


INCIDENTS = (
    Incident(  # older than everything that is known
        host="archive.fabrikam.example",
        text=texts.NAME_NOT_RESOLVED.format(host="archive.fabrikam.example"),
        kind=Kind.DNS,
        start=START - timedelta(days=3),
        end=at(41, 1, 9, 30),
        statuses=_weeks(W40=Status.UNKNOWN, W41=Status.RESOLVED),
    ),
    Incident(  # begins and ends in one week
        host="orders.fabrikam.example",
        text=texts.TRUST,
        kind=Kind.TRUST_UNSPECIFIED,
        start=at(41, 2, 8, 12),
        end=at(41, 3, 14),
        statuses=_weeks(W41=Status.NEW),
    ),
    Incident(  # comes back, and again
        host="stock.fabrikam.example",
        text=texts.REFUSED_ADDRESS,
        kind=Kind.REFUSED,
        start=at(42, 1, 6),
        end=at(42, 1, 18),
        statuses=_weeks(W42=Status.NEW),
    ),
    Incident(
        host="stock.fabrikam.example",
        text=texts.REFUSED_ADDRESS,
        kind=Kind.REFUSED,
        start=at(46, 2, 3),
        end=at(46, 2, 9),
        statuses=_weeks(W46=Status.RECURRING),
    ),
    Incident(
        host="stock.fabrikam.example",
        text=texts.REFUSED_ADDRESS,
        kind=Kind.REFUSED,
        start=at(47, 3, 12),
        end=at(47, 3, 17),
        statuses=_weeks(W47=Status.RECURRING),
    ),
    Incident(  # goes on over three weeks
        host="partners.fabrikam.example",
        text=texts.TRUST,
        kind=Kind.TRUST_UNSPECIFIED,
        start=at(43, 4, 10),
        end=at(45, 1, 9),
        statuses=_weeks(W43=Status.NEW, W44=Status.ONGOING, W45=Status.RESOLVED),
    ),
    Incident(  # the last failure is of Sunday, the first answer of Monday
        host="tickets.fabrikam.example",
        text=texts.NO_RESPONSE,
        kind=Kind.TIMEOUT,
        start=at(44, 7, 20),
        end=at(45, 1, 0),
        statuses=_weeks(W44=Status.NEW, W45=Status.RESOLVED),
    ),
    Incident(  # a weekend without a call mends nothing
        host=WEEKDAYS_ONLY,
        text=texts.NO_COMMON_ALGORITHM,
        kind=Kind.TLS_VERSION,
        start=at(46, 5, 15),
        end=END + timedelta(days=2),
        statuses=_weeks(W46=Status.NEW, W47=Status.ONGOING),
    ),
    Incident(  # every other call fails
        host="maps.fabrikam.example",
        text=texts.CLOSED_UNEXPECTEDLY,
        kind=Kind.RESET,
        start=at(47, 1, 0),
        end=at(47, 2, 12),
        statuses=_weeks(W47=Status.NEW),
        every=2,
    ),
)


def eight_weeks() -> tuple[Event, ...]:
    """Every call of the eight weeks, oldest first."""
    hosts = dict.fromkeys((HEALTHY, *(one.host for one in INCIDENTS)))
    return in_order(event for host in hosts for event in _calls(host))


def _calls(host: str) -> list[Event]:
    found, number = [], 0
    hour = START
    while hour < END:
        if host != WEEKDAYS_ONLY or hour.weekday() < 5:
            for part in range(_CALLS.get(host, 1)):
                minute = draw(f"{host} {hour} {part}", 60 * 60_000)
                time = hour + timedelta(milliseconds=minute)
                hit = next((one for one in INCIDENTS if one.host == host and one.hits(time, number)), None)
                found.append(failure(host, hit.text, time) if hit else success(host, time))
                number += 1
        hour += _HOUR
    return found
