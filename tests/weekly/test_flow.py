"""A week is read, held against the weeks before, judged and kept, whatever the sources and the history still hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from analyzer.errors import SourceError
from analyzer.model import Evidence, Status, Summary, Week, Window
from analyzer.probing import Target
from analyzer.report.week import contract
from analyzer.tally import Tally, merge
from analyzer.weekly.flow import weekly
from analyzer.weekly.history import History
from analyzer.weekly.judging import Judging
from analyzer.weekly.weeks import before, last_full
from tests.weekly.build import LAST, NOW, tally, weeks

Reader = Callable[[Window], Tally]


def reader(held: Mapping[Week, Tally], asked: list[Window] | None = None) -> Reader:
    """A source that holds some weeks, and notes what it is asked for."""

    def read(window: Window) -> Tally:
        if asked is not None:
            asked.append(window)
        assert window.start is not None
        assert window.end is not None
        return merge(one for week, one in held.items() if window.start <= week.start < window.end)

    return read


def broken(_: Window) -> Tally:
    raise SourceError("logs: there is no file in it; name files or folders that hold gateway logs")


def lines(*drawn: str) -> dict[Week, Tally]:
    return {week: tally(week, {"a": one}) for week, one in zip(weeks(len(drawn)), drawn, strict=True)}


def summed(read: Reader, history: History | None = None, **more: object) -> Summary:
    return weekly(read, week=LAST, zone=UTC, now=NOW, history=history, **more)  # type: ignore[arg-type]


def test_earlier_weeks_are_read_in_one_go_and_only_where_the_history_lacks_them(tmp_path: Path) -> None:
    held, asked = lines("F" * 168, "." * 168, "FF......"), list[Window]()
    history = History(tmp_path, "UTC")
    first = summed(reader(held, asked), history)
    earlier = before(LAST, UTC, 7)
    assert asked == [LAST.window, Window(start=earlier[0].start, end=earlier[-1].end)]
    assert [run.status for run in first.runs] == [Status.RECURRING]
    asked.clear()
    again = summed(reader({LAST: held[LAST]}, asked), history)
    assert asked == [LAST.window, Window(start=earlier[0].start, end=earlier[4].end)]  # those that nothing is known of
    assert [(r.id, r.status, r.start, r.end) for r in again.runs] == [
        (r.id, r.status, r.start, r.end) for r in first.runs
    ]
    assert [t.failures for t in again.trend] == [t.failures for t in first.trend]
    assert [t.source for t in again.trend[-3:]] == ["history", "history", "sources"]


def test_weeks_that_do_not_meet_on_the_hour_are_read_one_by_one() -> None:
    asked: list[Window] = []
    kolkata = ZoneInfo("Asia/Kolkata")
    week = last_full(kolkata, NOW)
    weekly(reader({}, asked), week=week, zone=kolkata, now=NOW, weeks=3)
    assert asked == [w.window for w in (week, *before(week, kolkata, 2))]


def test_a_source_that_has_lost_a_week_does_not_overwrite_it(tmp_path: Path) -> None:
    history = History(tmp_path, "UTC")
    full = summed(reader(lines("." * 168, "..FF....")), history)
    kept = (tmp_path / "tallies" / f"{LAST.label}.parquet").read_bytes()
    poorer = summed(reader(lines("." * 168, "..F")), history)
    assert poorer.runs[0].lost == full.runs[0].lost == 4
    assert any("the history's stand" in caveat for caveat in poorer.caveats)
    gone = summed(broken, history)
    assert gone.runs[0].lost == 4
    assert any("could not be read" in caveat for caveat in gone.caveats)
    assert (tmp_path / "tallies" / f"{LAST.label}.parquet").read_bytes() == kept
    richer = summed(reader(lines("." * 168, "..FFFF......")), history)
    assert richer.runs[0].lost == 8
    assert (tmp_path / "tallies" / f"{LAST.label}.parquet").read_bytes() != kept


def test_without_a_history_a_source_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(SourceError, match="there is no file"):
        summed(broken)


def test_an_earlier_week_that_cannot_be_read_is_not_known_and_said() -> None:
    def read(window: Window) -> Tally:
        return tally(LAST, {"a": "..FF...."}) if window == LAST.window else broken(window)

    found = summed(read)
    assert [t.known for t in found.trend] == [False] * 7 + [True]
    assert [run.status for run in found.runs] == [Status.UNKNOWN]
    assert any("there is no file" in caveat and "2026-W40" in caveat for caveat in found.caveats)


def test_standard_input_is_read_once_and_earlier_weeks_come_from_the_history_alone(tmp_path: Path) -> None:
    asked: list[Window] = []
    history = History(tmp_path, "UTC")
    (week,) = before(LAST, UTC, 1)
    history.keep(week, tally(week, {"a": "FF......"}))
    found = summed(reader(lines("..FF...."), asked), history, once=True)
    assert asked == [LAST.window]
    assert [run.status for run in found.runs] == [Status.RECURRING]
    assert any("read only once" in caveat for caveat in found.caveats)


def test_a_week_that_is_not_over_is_summed_up_and_not_kept(tmp_path: Path) -> None:
    history = History(tmp_path, "UTC")
    now = LAST.start + timedelta(days=2)
    found = weekly(reader(lines("." * 168, "F" * 48)), week=LAST, zone=UTC, now=now, history=history)
    assert found.seen_to == now
    assert any("is not over" in caveat for caveat in found.caveats)
    assert history.tally(LAST) is None
    assert history.tally(before(LAST, UTC, 1)[0]) is not None


def test_the_history_reaches_farther_back_than_the_trend(tmp_path: Path) -> None:
    history = History(tmp_path, "UTC")
    for week in before(LAST, UTC, 12):
        history.keep(week, tally(week, {"a": "F" * 168}))
    found = summed(reader(lines("F" * 168)), history)
    (run,) = found.runs
    assert run.start < before(LAST, UTC, 12)[0].start + timedelta(hours=1)
    assert len(found.trend) == 8


def test_a_run_without_a_failure_in_the_week_has_no_finding_and_is_resolved() -> None:
    found = summed(reader(lines("." * 160 + "F" * 8, "." * 8)))
    (run,) = found.runs
    assert (run.status, run.lost, run.finding, run.peak_at) == (Status.RESOLVED, 0, None, None)


def test_two_runs_of_one_kind_share_their_consumers_and_say_so() -> None:
    found = summed(reader(lines("." * 168, "FF......FF....")))
    assert [run.alike for run in found.runs] == [2, 2]
    consumers = {run.finding.cluster.subscriptions[0].value for run in found.runs if run.finding}
    assert consumers == {"mobile"}


@pytest.mark.parametrize(("everyone", "asked"), [(False, {"a"}), (True, {"a", "b"})])
def test_the_probe_asks_failing_backends_and_with_probe_all_every_one(everyone: bool, asked: set[str]) -> None:
    targets: list[Target] = []

    def probe(those: Sequence[Target]) -> Sequence[Evidence]:
        targets.extend(those)
        return ()

    held = {LAST: tally(LAST, {"a": "..FF....", "b": "." * 8})}
    summed(reader(held), judging=Judging(probe=probe, probe_all=everyone))
    assert {target.host for target in targets} == asked
    targets.clear()
    found = summed(reader(held))
    assert targets == []
    assert found.outlook.why_not
    assert found.outlook.of == 2


def test_what_an_earlier_report_was_sure_of_is_told_again(tmp_path: Path) -> None:
    history = History(tmp_path, "UTC")
    earlier = before(LAST, UTC, 1)[0]
    held = lines("F" * 168, "FFFF....")
    first = weekly(reader(held), week=earlier, zone=UTC, now=NOW, history=history)
    assert first.runs[0].finding is not None
    assert first.runs[0].finding.lead.verdict.value == "likely"
    history.keep_report(earlier, contract.dumps(first))
    assert summed(reader(held), history).runs[0].known_from == f"{earlier.label}: refused, likely"


def test_what_would_decide_an_unknown_cause_can_be_done_with_what_a_week_writes() -> None:
    found = summed(reader({LAST: tally(LAST, {"a": "..VV...."})}))
    (run,) = found.runs
    assert run.finding is not None
    assert run.finding.lead.cause.value == "unknown"
    (step,) = run.finding.remedies
    assert "apim-triage check a:443" in step.text
    assert "report.json" not in step.text
