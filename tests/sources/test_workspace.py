"""A workspace is one source among others: counted there, equal to its exported rows, and honest about what it did not answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from analyzer.errors import SourceError, UsageError
from analyzer.lab import insights as lab
from analyzer.lab import logs
from analyzer.lab.query_moods import Mood
from analyzer.lab.rows import diagnostics_row
from analyzer.lab.workspace_demo import connect
from analyzer.model import Window
from analyzer.sources import read
from analyzer.sources.workspace.places import Place, resource, workspace
from analyzer.sources.workspace.plan import estimates, plan
from analyzer.tally import Tally
from tests.queries.test_insights import START as BEGIN
from tests.queries.test_insights import at_random
from tests.queries.test_insights import tables as tables_of_insights
from tests.sources.test_tallied import TABLES, events
from tests.sources.test_tallied import same as same_counts
from tests.sources.workspaces import DAY, ID, NOW, OTHER, PLACE, START, Desk, day, desk, specific

EVENTS = [replace(e, time=e.time.replace(year=2026, month=11, day=16)) for e in events()]


@pytest.fixture
def asked() -> Iterator[Desk]:
    with desk() as opened:
        yield opened


def from_file(folder: Path, *of: logs.Event, window: Window = DAY) -> Tally:
    """The tally of the same records, exported."""
    path = folder / "exported.json"
    path.write_text(logs.export_lines(of), encoding="utf-8")
    return read([str(path)], window=window)


def same(one: Tally, other: Tally) -> None:
    same_counts(replace(one, caveats=()), replace(other, caveats=()))


@pytest.mark.parametrize(
    ("name", "slice_"),
    [*((name, None) for name in TABLES if name != "without errors"), ("by hour", timedelta(minutes=40))],
)
def test_a_workspace_and_its_exported_rows_count_alike(tmp_path: Path, name: str, slice_: timedelta | None) -> None:
    tables = TABLES[name](EVENTS)
    with desk(tables) as opened:
        tally = opened.read(
            slice_=slice_, window=Window(start=START + timedelta(hours=9), end=START + timedelta(hours=11))
        )
    same(tally, from_file(tmp_path, *EVENTS))


def test_the_source_says_what_it_took(asked: Desk) -> None:
    tally = asked.read(slice_=timedelta(hours=12))
    (source,) = tally.intake.sources
    assert source.name == f"workspace {ID}"
    assert re.fullmatch(r"Log Analytics: [0-9,]+ rows, [0-9.,]+ kB, 2 queries", source.shape)
    assert (source.records, source.failures) == (48, 24)
    assert tally.asked == ((source.name, DAY),)
    assert not tally.caveats


def test_files_and_several_workspaces_are_one_tally(tmp_path: Path) -> None:
    path = tmp_path / "exported.json"
    path.write_text(logs.export_lines(day(host="files.example")), encoding="utf-8")
    with desk(more=specific(day(host="other.example"))) as opened:
        tally = opened.read(str(path), places=(PLACE, workspace(OTHER)))
    assert [s.name for s in tally.intake.sources] == [str(path), f"workspace {ID}", f"workspace {OTHER}"]
    assert tally.intake.failures == 72
    assert set(tally.failures["host"]) == {"orders.example", "other.example", "files.example"}
    assert any("twice" in caveat for caveat in tally.caveats)  # of the same gateway and hours


def test_a_truncated_answer_is_halved_until_all_is_there(asked: Desk) -> None:
    whole = asked.read()
    asked.api.temper.most_rows = 20
    asked.api.requests.clear()
    same(asked.read(), whole)
    assert len(asked.api.requests) == 7


def test_a_mere_warning_is_no_truncation(asked: Desk) -> None:
    whole = asked.read()
    asked.api.temper.mood = Mood.WARN
    asked.api.requests.clear()
    same(asked.read(), whole)
    assert len(asked.api.requests) == 1


@pytest.mark.parametrize("mood", [Mood.THROTTLE, Mood.THROTTLE_MUTELY, Mood.BAD_GATEWAY, Mood.UNAVAILABLE, Mood.CUT])
def test_what_passes_is_waited_out(asked: Desk, mood: Mood) -> None:
    asked.api.temper.moods.extend([mood, mood])
    tally = asked.read()
    assert tally.intake.failures == 24
    assert [r.mood for r in asked.api.requests] == [mood, mood, Mood.FINE]


def test_a_timeout_is_answered_by_shorter_queries(asked: Desk) -> None:
    whole = asked.read()
    asked.api.requests.clear()
    asked.api.temper.moods.append(Mood.TIME_OUT)
    same(asked.read(), whole)
    assert [r.mood for r in asked.api.requests] == [Mood.TIME_OUT, Mood.FINE, Mood.FINE]
    assert len({r.query for r in asked.api.requests}) == 3


def test_a_window_that_fails_among_good_ones_is_named(asked: Desk) -> None:
    asked.api.temper.moods.extend([Mood.FINE, Mood.UNAVAILABLE, Mood.UNAVAILABLE, Mood.UNAVAILABLE])
    patience = replace(asked.workspaces().patience, pause=0.0, repeats=3)
    tally = asked.read(slice_=timedelta(hours=12), patience=patience)
    (source,) = tally.intake.sources
    assert source.shape.startswith(
        "unreadable after 24 records: 1 of 2 queries were not answered (2026-11-16 12:00 to 2026-11-17 00:00 UTC): "
    )
    assert "503 ServiceUnavailable" in source.shape
    assert len(tally.asked) == 1  # the other may be asked later


@pytest.mark.parametrize(
    ("mood", "words"),
    [
        (Mood.FORBID, "Log Analytics Reader"),
        (Mood.REFUSE_TOKEN, "az login --tenant"),
        (Mood.PRIVATE, "private link scope"),
        (Mood.HTML, "HTTPS_PROXY"),
        (Mood.THROTTLE_MUTELY, "throttles"),
    ],
)
def test_where_nothing_was_answered_one_line_says_what_to_do(asked: Desk, mood: Mood, words: str) -> None:
    asked.api.temper.mood = mood
    with pytest.raises(SourceError, match=words) as error:
        asked.read(slice_=timedelta(hours=6))
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"workspace {ID}: ")


def test_a_workspace_that_fails_costs_the_others_nothing() -> None:
    with desk() as opened:
        tally = opened.read(places=(workspace(OTHER), PLACE))
    missing, good = tally.intake.sources
    assert "there is no such workspace" in missing.shape
    assert missing.shape.startswith("unreadable")
    assert good.failures == 24


def test_an_empty_workspace_says_when_its_newest_record_is_of(asked: Desk) -> None:
    later = Window(start=START + timedelta(days=3), end=START + timedelta(days=4))
    with pytest.raises(
        SourceError, match="newest in ApiManagementGatewayLogs is of 2026-11-16 23:30 UTC: ask for that time"
    ):
        asked.read(window=later)


def test_a_workspace_that_never_had_a_record_says_what_is_missing() -> None:
    with (
        desk({"ApiManagementGatewayLogs": [], "Heartbeat": []}) as opened,
        pytest.raises(SourceError, match="diagnostic setting"),
    ):
        opened.read()


def test_a_workspace_without_either_table_says_so() -> None:
    with (
        desk({"Heartbeat": [{"TimeGenerated": "2026-11-16T00:00:00Z"}]}) as opened,
        pytest.raises(SourceError) as error,
    ):
        opened.read()
    assert "GatewayLogs" in str(error.value)


def test_what_was_not_looked_for_is_not_denied(asked: Desk) -> None:
    later = Window(start=START + timedelta(days=3), end=START + timedelta(days=4))
    asked.api.temper.basic = frozenset({"ApiManagementGatewayLogs"})
    with pytest.raises(SourceError, match="was not looked for, because that costs"):
        asked.read(window=later, slice_=timedelta(days=1))
    asked.api.temper.basic = frozenset()
    asked.api.temper.moods.extend([Mood.FINE, Mood.UNAVAILABLE])
    with pytest.raises(SourceError, match="could not be asked"):
        asked.read(window=later)


def test_the_future_is_not_asked_for(asked: Desk) -> None:
    with pytest.raises(UsageError, match="lies ahead"):
        asked.read(window=Window(start=NOW + timedelta(days=1)))
    assert asked.api.requests == []


def test_one_empty_workspace_among_others_is_a_caveat() -> None:
    with desk(more={"ApiManagementGatewayLogs": []}) as opened:
        tally = opened.read(places=(PLACE, workspace(OTHER)))
    assert any(OTHER in caveat and "no gateway record" in caveat for caveat in tally.caveats)
    assert not any(s.shape.startswith("unreadable") for s in tally.intake.sources)


def test_workspaces_asked_as_one_count_an_hour_once(tmp_path: Path) -> None:
    old = {"AzureDiagnostics": [diagnostics_row(e) for e in day()]}
    with desk(more=old) as opened:
        both = opened.read(places=(Place(id=ID, also=(OTHER,)),))
        assert opened.api.requests[0].workspaces == (OTHER,)
        apart = opened.read(places=(PLACE, workspace(OTHER)))
    same(both, from_file(tmp_path, *day()))
    assert apart.intake.failures == 2 * both.intake.failures
    assert any("twice" in caveat for caveat in apart.caveats)


def test_a_resource_is_asked_wherever_its_logs_are() -> None:
    with desk(specific([*day(), *day(host="v2.example")]), more=specific(day(host="third.example"))) as opened:
        tally = opened.read(places=(resource(logs.CLASSIC.resource_id),))
    assert tally.intake.failures == 72
    assert tally.intake.sources[0].name == "logs of contoso-apim"


def test_a_table_on_the_basic_plan_is_searched(tmp_path: Path) -> None:
    tables = {**specific(EVENTS), "AzureDiagnostics": [diagnostics_row(e) for e in day()]}
    with desk(tables) as opened:
        opened.api.temper.basic = frozenset({"ApiManagementGatewayLogs"})
        tally = opened.read()
        searches = [r for r in opened.api.requests if r.path.endswith("/search")]
    same(tally, from_file(tmp_path, *EVENTS))
    assert len(searches) == 6  # four hours each
    spans = [r.timespan.split("/") for r in sorted(searches, key=lambda r: r.timespan)]
    assert all(a[1] < b[0] for a, b in pairwise(spans))
    assert "Basic plan" in tally.intake.sources[0].shape
    assert any("AzureDiagnostics has 48 gateway records" in caveat for caveat in tally.caveats)


def test_a_search_that_is_truncated_is_not_repeated(asked: Desk) -> None:
    asked.api.temper.basic = frozenset({"ApiManagementGatewayLogs"})
    asked.api.temper.most_rows = 3
    with pytest.raises(SourceError, match="--slice"):
        asked.read()
    searches = [r.timespan for r in asked.api.requests if r.path.endswith("/search")]
    assert len(searches) == len(set(searches))
    assert 3 <= len(searches) <= 4  # each is billed: where none helps, the others are left


def test_application_insights_is_asked_for_where_that_is_wanted(tmp_path: Path) -> None:
    rows = at_random(40)
    path = tmp_path / "rows.json"
    path.write_text("".join(json.dumps(lab.workspace(row)) + "\n" for row in rows), encoding="utf-8")
    window = Window(start=BEGIN, end=BEGIN + timedelta(hours=2))
    place = replace(PLACE, insights=True)
    with desk(tables_of_insights(rows)) as opened:
        tally = opened.read(window=window, places=(place,))
        (request,) = opened.api.requests
        assert request.timespan.startswith("2026-03-14T05:00")  # operations that the window's edge cuts
        halves = opened.read(window=window, places=(place,), slice_=timedelta(hours=1))
    same(tally, read([str(path)], window=window))
    assert halves.intake.failures == tally.intake.failures > 5
    assert tally.intake.sources[0].name == f"workspace {ID} (Application Insights)"
    assert any("estimates" in caveat for caveat in tally.caveats)


def test_the_window_is_half_open_to_the_second(asked: Desk) -> None:
    exactly = START + timedelta(hours=1, minutes=10)
    before = asked.read(window=Window(start=START, end=exactly))
    after = asked.read(window=Window(start=exactly, end=START + timedelta(days=1)))
    assert (before.intake.records, after.intake.records) == (2, 46)


def test_without_a_window_the_last_week_is_asked_for_and_said(asked: Desk) -> None:
    tally = asked.read(window=Window(), slice_=timedelta(days=7))
    assert tally.intake.failures == 24
    assert any("last 7 days" in caveat for caveat in tally.caveats)


def test_the_plan_is_what_would_be_sent(asked: Desk) -> None:
    made = asked.workspaces(PLACE, slice_=timedelta(hours=12))
    (lines,) = plan(made, DAY, NOW)
    assert asked.api.requests == []
    text = "\n".join(line for line in lines if not line.startswith("//"))
    assert lines[0].endswith(f"/v1/workspaces/{ID}/query")
    assert "1 more up to 2026-11-17 00:00" in lines[1]
    asked.read(slice_=timedelta(hours=12))
    sent = "\n".join(line for line in asked.api.requests[0].query.splitlines() if not line.startswith("//"))
    assert text == sent


def test_the_estimate_comes_from_usage_and_counts() -> None:
    usage = [
        {"TimeGenerated": "2026-11-16T05:00:00Z", "DataType": "ApiManagementGatewayLogs", "Quantity": 1234.5},
        {"TimeGenerated": "2026-11-16T06:00:00Z", "DataType": "ApiManagementGatewayLogs", "Quantity": 765.5},
        {"TimeGenerated": "2026-11-16T06:00:00Z", "DataType": "Heartbeat", "Quantity": 9.0},
    ]
    with desk({**specific(day()), "Usage": usage}) as opened:
        lines = estimates(opened.workspaces(), DAY, NOW)
    assert lines[0] == f"workspace {ID}, 2026-11-16 00:00 to 2026-11-17 00:00 UTC: 1 query"
    assert "  ApiManagementGatewayLogs: 48 gateway records, the newest of 2026-11-16 23:30 UTC" in lines
    assert "  ApiManagementGatewayLogs: 2.000 GB taken in" in lines
    assert "Heartbeat" not in "".join(lines)


def test_an_estimate_that_is_not_allowed_teaches(asked: Desk) -> None:
    asked.api.temper.mood = Mood.REFUSE_TOKEN
    with pytest.raises(SourceError, match="az login"):
        estimates(asked.workspaces(), DAY, NOW)


def test_the_client_is_given_up_at_the_end(asked: Desk) -> None:
    made = connect(asked.api, None)
    read([], window=DAY, workspaces=replace(asked.workspaces(), connect=lambda: made), now=NOW)
    assert made._client._pipeline._transport.session is None
