"""Where a run of failure begins and ends, and how it stands against earlier weeks."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from analyzer.model import Ending, Kind, Run, Status
from analyzer.tally import Tally
from analyzer.weekly.runs import runs_by_week, runs_of
from analyzer.weekly.timeline import timeline_of
from tests.weekly.build import HOUR, LAST, tally, weeks, without_successes

WHOLE = 168


def runs(*drawn: Mapping[str, str] | None, bare: bool = False) -> list[Run]:
    """The runs of the last of some weeks, in the order in which they began; None: nothing is known of a week."""
    span = weeks(len(drawn))
    tallies: list[Tally | None] = [
        None if lines is None else tally(week, lines) for week, lines in zip(span, drawn, strict=True)
    ]
    if bare:
        tallies = [t and without_successes(t) for t in tallies]
    found = runs_of(timeline_of(list(zip(span, tallies, strict=True))), LAST.end)
    return sorted(found, key=lambda r: (r.start, r.kind))


def hours(run: Run) -> tuple[int, int]:
    """The first and the last failing hour, counted from the beginning of the last week."""
    return (run.start - LAST.start) // HOUR, (run.end - LAST.start) // HOUR


QUIET = {"a": "." * WHOLE}


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("..FFF.....", [(2, 4)]),
        ("..FF.FF...", [(2, 6)]),  # one answered hour between is no end
        ("..FF..FF..", [(2, 7)]),
        ("..FF...FF.", [(2, 3), (7, 8)]),  # three are
        ("..FF" + " " * 70 + "FF..", [(2, 75)]),  # nobody called: it was not mended
        ("..FF" + " " * 12 + "." + " " * 9 + "FF..", [(2, 27)]),  # one answer, no day
        ("..FF" + " " * 12 + "." + " " * 10 + "FF..", [(2, 3), (27, 28)]),
        ("xxxxxx....", [(0, 5)]),  # every other call fails
        ("x....xx....x", [(0, 11)]),  # sporadic: one run, as long as no day lies between
        ("x" + "." * 22 + "x", [(0, 23)]),
        ("x" + "." * 23 + "x", [(0, 0), (24, 24)]),
        ("xFFx....x..", [(0, 3), (8, 8)]),  # an outage is none
    ],
)
def test_a_run_ends_when_the_backend_has_answered_for_a_while(drawn: str, expected: list[tuple[int, int]]) -> None:
    assert [hours(run) for run in runs(QUIET, {"a": drawn})] == expected


@pytest.mark.parametrize(
    ("drawn", "expected"),
    [
        ("FF" + " " * 20 + "FF", [(0, 23)]),
        ("FF" + " " * 23 + "FF", [(0, 26)]),
        ("FF" + " " * 24 + "FF", [(0, 1), (26, 27)]),
    ],
)
def test_without_successes_a_day_of_silence_ends_a_run(drawn: str, expected: list[tuple[int, int]]) -> None:
    assert [hours(run) for run in runs(QUIET, {"a": drawn}, bare=True)] == expected


@pytest.mark.parametrize(
    ("before", "now", "status", "ending"),
    [
        ("." * WHOLE, "..FF....", Status.NEW, Ending.ANSWERED),
        ("." * WHOLE, "..FFFFFF", Status.NEW, Ending.FAILING),
        ("." * 160 + "F" * 8, "FF......", Status.RESOLVED, Ending.ANSWERED),
        ("." * 160 + "F" * 8, "." * 8, Status.RESOLVED, Ending.ANSWERED),  # the first answer is this week's
        ("." * 160 + "F" * 8, "F" * 8, Status.ONGOING, Ending.FAILING),
        ("." * 160 + "F" * 8, " " * 8, Status.ONGOING, Ending.FAILING),  # nobody called: nothing says that it is over
        ("FF......", "..FF....", Status.RECURRING, Ending.ANSWERED),
        ("FF......", "..FFFFFF", Status.RECURRING, Ending.FAILING),
        ("." * 150 + "x...x...x...x...x.", "x...x...x" + "." * 159, Status.RESOLVED, Ending.ANSWERED),
        ("." * 150 + "x...x...x...x...x.", "....x..." * 21, Status.ONGOING, Ending.SPORADIC),
        (None, "..FF....", Status.UNKNOWN, Ending.ANSWERED),
        (None, "FFFFFFFF", Status.UNKNOWN, Ending.FAILING),
    ],
)
def test_each_status(before: str | None, now: str, status: Status, ending: Ending) -> None:
    other = {"b": "." * WHOLE}  # the gateway's records hold successes
    found = runs({**other, "a": before} if before else None, {**other, "a": now})
    assert [(run.status, run.ending) for run in found] == [(status, ending)]


def test_what_was_over_before_the_week_is_not_listed() -> None:
    assert runs({"a": "FF" + "." * 166}, QUIET) == []
    assert runs({"a": "." * 160 + "FF" + "." * 6}, QUIET) == []


def test_a_week_of_which_nothing_is_known_ends_a_run_and_its_start() -> None:
    found = runs({"a": "F" * WHOLE}, None, {"a": "F" * WHOLE})
    (one,) = found
    assert hours(one) == (0, WHOLE - 1)
    assert not one.start_known
    assert one.status is Status.UNKNOWN
    assert one.previous_end is not None


def test_a_run_at_the_edge_of_what_is_known_has_no_known_start() -> None:
    (one,) = runs({"a": "F" * WHOLE}, {"a": "FF" + "." * 20})
    assert not one.start_known
    assert one.status is Status.RESOLVED
    (two,) = runs({"a": "." + "F" * 167}, {"a": "FF" + "." * 20})
    assert two.start_known
    assert hours(two) == (-167, 1)


def test_an_id_stays_the_same_while_a_run_goes_on() -> None:
    first = runs(QUIET, {"a": "." * 160 + "F" * 8})[0]
    assert first.status is Status.NEW
    moved = {run.id for run in runs({"a": "." * 160 + "F" * 8}, {"a": "FF......"})}
    assert len(moved) == 1
    again = {run.id for run in runs({"a": "." * 160 + "F" * 8}, {"a": "FFFFF..."})}
    assert moved == again


def test_two_kinds_at_one_backend_are_two_runs_and_a_vague_one_joins_the_plainer() -> None:
    found = runs(QUIET, {"a": "..FF....", "a2": "..TT...."})
    assert [run.kind for run in found] == [Kind.REFUSED, Kind.TIMEOUT]
    joined = runs(QUIET, {"a": "..PP....", "a2": "..VVVV.."})
    assert [(run.kind, run.lost) for run in joined] == [(Kind.EXPIRED, 8), (Kind.TRUST_UNSPECIFIED, 4)]


def test_lost_peak_and_shares_are_of_the_week_alone() -> None:
    (one,) = runs({"a": "." * 160 + "F" * 8, "b": "." * WHOLE}, {"a": "Fx......", "b": "." * 10})
    assert (one.lost, one.lost_in_all) == (4, 20)
    assert (one.peak, one.peak_at) == (2, LAST.start + HOUR)
    assert one.calls == 6
    assert one.gateway_calls == 2 + 4 + 12 + 20


def test_without_successes_shares_are_not_known() -> None:
    (one,) = runs(QUIET, {"a": "FF"}, bare=True)
    assert (one.calls, one.gateway_calls) == (None, None)
    assert one.ending is Ending.QUIET


def test_runs_are_counted_in_every_week_that_they_fail_in() -> None:
    span = weeks(3)
    lines = [{"a": "." * 160 + "F" * 8}, {"a": "FFF" + "." * 50 + "FF" + "." * 10}, {"a": "." * 20}]
    timeline = timeline_of([(w, tally(w, line)) for w, line in zip(span, lines, strict=True)])
    assert runs_by_week(timeline) == (1, 2, 0)
