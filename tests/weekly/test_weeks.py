"""Weeks are ISO weeks of the zone that is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.errors import UsageError
from analyzer.weekly.weeks import before, last_full, week_of

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
BERLIN, KOLKATA = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("text", "zone", "start", "hours"),
    [
        ("2026-W47", UTC, at(2026, 11, 16), 168),
        ("2026W47", BERLIN, at(2026, 11, 15, 23), 168),
        ("2026-w47", KOLKATA, at(2026, 11, 15, 18, 30), 168),
        ("2026-W13", BERLIN, at(2026, 3, 22, 23), 167),  # summer time begins on its Sunday
        ("2026-W43", BERLIN, at(2026, 10, 18, 22), 169),  # and ends on this one's
        ("2020-W53", UTC, at(2020, 12, 28), 168),  # its year has 53
        ("2021-W01", UTC, at(2021, 1, 4), 168),
        ("2019-W01", UTC, at(2018, 12, 31), 168),  # begins in the calendar's year before
        (None, UTC, at(2026, 11, 16), 168),
    ],
)
def test_a_week_begins_on_its_monday_in_the_zone(text: str | None, zone: ZoneInfo, start: datetime, hours: int) -> None:
    week = week_of(text, zone, NOW)
    assert (week.start, week.hours, week.zone) == (start, hours, str(zone))
    assert week.end - week.start == timedelta(hours=hours)


@pytest.mark.parametrize(
    "text", ["2026-W54", "2021-W53", "2026-W00", "W47", "2026-47", "last", "", "0000-W01", "2026-W٤٧"]
)
def test_what_is_no_week_is_refused_with_one_that_is(text: str) -> None:
    with pytest.raises(UsageError, match=r"2026-W47"):
        week_of(text, UTC, NOW)


def test_a_week_that_has_not_begun_is_refused_and_one_that_runs_is_not() -> None:
    assert week_of("2026-W48", UTC, NOW).end > NOW
    with pytest.raises(UsageError, match="not begun"):
        week_of("2026-W49", UTC, NOW)


def test_the_last_full_week_is_over_in_its_own_zone() -> None:
    sunday_evening = at(2026, 11, 22, 22, 30)
    assert last_full(UTC, sunday_evening).label == "2026-W46"
    assert last_full(KOLKATA, sunday_evening).label == "2026-W47"  # there it is Monday
    assert last_full(BERLIN, at(2026, 11, 22, 23)).label == "2026-W47"


@given(
    st.integers(1_000_000_000, 3_700_000_000).map(lambda s: datetime.fromtimestamp(s, UTC)),
    st.sampled_from([UTC, BERLIN, KOLKATA, ZoneInfo("America/Santiago"), ZoneInfo("Africa/Cairo")]),
    st.integers(1, 60),
)
def test_weeks_follow_each_other_without_gap_or_overlap(now: datetime, zone: ZoneInfo, number: int) -> None:
    week = last_full(zone, now)
    chain = (*before(week, zone, number), week)
    assert all(one.end == other.start for one, other in pairwise(chain))
    assert len({one.label for one in chain}) == number + 1
    assert all(week_of(one.label, zone, now) == one for one in chain)
    assert week.end <= now < week.end + timedelta(hours=169)
