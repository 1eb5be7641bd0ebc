"""Eight generated weeks with known incidents: each is found with its start, its end and its status, week by week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from analyzer.lab.eight_weeks import HEALTHY, INCIDENTS, WEEKDAYS_ONLY, WEEKS, eight_weeks
from analyzer.lab.events import Event
from analyzer.lab.logs import blob_lines
from analyzer.lab.week import END
from analyzer.model import Ending, Kind, Run, Status, Summary, Week, Window
from analyzer.sources import read as read_sources
from analyzer.tally import Tally
from analyzer.weekly.flow import weekly
from analyzer.weekly.history import History
from analyzer.weekly.weeks import before, last_full

NOW = END + timedelta(hours=7)
LAST = last_full(UTC, NOW)
ALL = (*before(LAST, UTC, WEEKS - 1), LAST)
Expected = tuple[str, Kind, datetime, datetime, Status]


@pytest.fixture(scope="module")
def events() -> tuple[Event, ...]:
    return eight_weeks()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory, events: tuple[Event, ...]) -> Path:
    place = tmp_path_factory.mktemp("eight") / "PT1H.json"
    place.write_text(blob_lines(events), encoding="utf-8")
    return place


def read(log: Path, window: Window) -> Tally:
    return read_sources([str(log)], window=window)


@pytest.fixture(scope="module")
def summaries(log: Path) -> dict[str, Summary]:
    """Each week's summary without a history, as the first run on a folder of logs gives it."""
    return {week.label: weekly(partial(read, log), week=week, zone=UTC, now=NOW) for week in ALL}


def expected(events: tuple[Event, ...], week: Week) -> set[Expected]:
    """What the generated log itself says of the incidents that a week must list."""
    found = set()
    for one in INCIDENTS:
        if week.label in one.statuses:
            host = f"https://{one.host}/"
            times = [
                e.time
                for e in events
                if e.is_failure and (e.backend_url or "").startswith(host) and one.start <= e.time < one.end
            ]
            until = max(t for t in times if t < week.end)
            found.add((one.host, one.kind, min(times), until, one.statuses[week.label]))
    return found


def told(run: Run) -> Expected:
    return run.backend.host, run.kind, run.start, run.end, run.status


@pytest.mark.parametrize("week", ALL, ids=lambda w: w.label)
def test_every_incident_is_found_with_start_end_and_status(
    events: tuple[Event, ...], summaries: dict[str, Summary], week: Week
) -> None:
    found = {told(run) for run in summaries[week.label].runs}
    assert found == expected(events, week)
    assert len(found) == len(summaries[week.label].runs)


def test_every_status_but_none_is_among_them() -> None:
    assert {status for one in INCIDENTS for status in one.statuses.values()} == set(Status)


@pytest.mark.parametrize("week", ALL, ids=lambda w: w.label)
def test_lost_calls_and_the_worst_hour_are_those_of_the_log(
    events: tuple[Event, ...], summaries: dict[str, Summary], week: Week
) -> None:
    summary = summaries[week.label]
    failures = [e for e in events if e.is_failure and week.start <= e.time < week.end]
    assert sum(run.lost for run in summary.runs) == len(failures) == summary.trend[-1].failures
    for run in summary.runs:
        mine = [e.time for e in failures if (e.backend_url or "").startswith(f"https://{run.backend.host}/")]
        per_hour = [sum(t.replace(minute=0, second=0, microsecond=0) == hour for t in mine) for hour in {run.peak_at}]
        assert run.peak == per_hour[0]
        assert run.lost <= (run.calls or 0) or not run.lost
        assert run.gateway_calls == sum(week.start <= e.time < week.end for e in events)


def test_what_is_over_and_what_is_not(summaries: dict[str, Summary]) -> None:
    endings = {(label, run.backend.host): run.ending for label, s in summaries.items() for run in s.runs}
    assert endings["2026-W46", WEEKDAYS_ONLY] is Ending.FAILING  # nobody called it at the weekend
    assert endings["2026-W44", "tickets.fabrikam.example"] is Ending.FAILING
    assert endings["2026-W45", "tickets.fabrikam.example"] is Ending.ANSWERED
    assert endings["2026-W47", WEEKDAYS_ONLY] is Ending.FAILING
    assert endings["2026-W41", "orders.fabrikam.example"] is Ending.ANSWERED


def test_availability_is_a_lower_bound_and_never_all(events: tuple[Event, ...], summaries: dict[str, Summary]) -> None:
    for label, summary in summaries.items():
        week = summary.week
        for one in summary.availability:
            url = f"https://{one.backend.host}/"
            mine = [e for e in events if week.start <= e.time < week.end and (e.backend_url or "").startswith(url)]
            assert (one.requests, one.failures) == (len(mine), sum(e.is_failure for e in mine)), label
            if one.at_least is None:
                assert one.failures == 0
            else:
                assert one.at_least <= 100 * (1 - one.failures / len(mine)) < 100
    assert HEALTHY in {a.backend.host for a in summaries["2026-W47"].availability}


def test_the_trend_has_eight_weeks_and_says_which_are_not_known(summaries: dict[str, Summary]) -> None:
    last, first = summaries["2026-W47"].trend, summaries["2026-W40"].trend
    assert [t.week for t in last] == list(ALL)
    assert all(t.known for t in last)
    assert [t.failures for t in last] == [summaries[w.label].trend[-1].failures for w in ALL]
    assert [t.runs for t in last] == [len([r for r in summaries[w.label].runs if r.lost]) for w in ALL]
    assert [t.known for t in first] == [False] * 7 + [True]
    assert any("Nothing is known of" in caveat and "2026-W39" in caveat for caveat in summaries["2026-W40"].caveats)


def test_with_a_history_each_week_is_read_once_and_says_the_same(
    tmp_path: Path, log: Path, summaries: dict[str, Summary]
) -> None:
    history = History(tmp_path / "history", "UTC")
    asked: list[Window] = []

    def counting(window: Window) -> Tally:
        asked.append(window)
        return read(log, window)

    for week in ALL:
        summary = weekly(counting, week=week, zone=UTC, now=NOW, history=history)
        assert [told(r) for r in summary.runs] == [told(r) for r in summaries[week.label].runs]
        assert summary.availability == summaries[week.label].availability
    assert asked.count(LAST.window) == 1
    assert all(window.end is not None and window.end <= week.end for window in asked)
    before_again = {p.name: p.read_bytes() for p in (tmp_path / "history" / "tallies").iterdir()}
    again = weekly(counting, week=LAST, zone=UTC, now=NOW, history=history)
    assert [told(r) for r in again.runs] == [told(r) for r in summaries[LAST.label].runs]
    assert {p.name: p.read_bytes() for p in (tmp_path / "history" / "tallies").iterdir()} == before_again
    assert sorted(before_again) == [f"{week.label}.parquet" for week in ALL]
