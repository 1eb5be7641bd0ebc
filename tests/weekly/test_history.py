"""A history keeps whole weeks, gives them back, and refuses what is not one of its own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pandas.testing import assert_frame_equal

from analyzer.errors import OutputError, SourceError, UsageError
from analyzer.weekly.history import History, check_zone
from analyzer.weekly.weeks import before, last_full
from tests.weekly.build import tally as drawn

WEEK = last_full(UTC, datetime(2026, 11, 27, tzinfo=UTC))


def test_a_week_is_kept_whole_and_given_back(tmp_path: Path) -> None:
    history = History(tmp_path / "h", "UTC")
    assert history.tally(WEEK) is None
    assert not (tmp_path / "h").exists()  # asking writes nothing
    tally = drawn(WEEK, {"a": "..FFF"})
    history.keep(WEEK, tally)
    history.keep_report(WEEK, b"{}")
    kept = History(tmp_path / "h", "UTC").tally(WEEK)
    assert kept is not None
    for name in ("failures", "traffic", "affected", "gateways"):
        assert_frame_equal(getattr(kept, name), getattr(tally, name))
    assert (kept.found, kept.intake.records) == (tally.found, tally.intake.records)
    assert History(tmp_path / "h", "UTC").report(WEEK) == {}
    (earlier,) = before(WEEK, UTC, 1)
    assert history.tally(earlier) is None


def test_keeping_the_same_again_changes_no_byte(tmp_path: Path) -> None:
    history = History(tmp_path, "UTC")
    for _ in range(2):
        history.keep(WEEK, drawn(WEEK, {"a": "..FFF"}))
        history.keep_report(WEEK, b'{"a": 1}')
        files = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
        assert sorted(p.name for p in files) == ["2026-W47.json", "2026-W47.parquet", "history.json"]
    assert files == {p: p.read_bytes() for p in files}


def test_weeks_of_another_zone_are_not_mixed_in(tmp_path: Path) -> None:
    History(tmp_path, "Europe/Berlin").keep(WEEK, drawn(WEEK, {"a": "F"}))
    with pytest.raises(UsageError, match="Europe/Berlin"):
        History(tmp_path, "UTC")


@pytest.mark.parametrize("mark", [b"", b"[]", b"{}", b'{"schema": "apim-triage/history/2", "zone": "UTC"}', b"\xff"])
def test_a_folder_that_is_no_history_is_refused(tmp_path: Path, mark: bytes) -> None:
    History(tmp_path, "UTC").keep(WEEK, drawn(WEEK, {"a": "F"}))
    (tmp_path / "history.json").write_bytes(mark)
    with pytest.raises(SourceError, match="history"):
        History(tmp_path, "UTC")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"")
    with pytest.raises(SourceError, match="folder"):
        History(tmp_path / "f", "UTC")


def test_a_broken_tally_is_one_clear_error_and_a_broken_report_is_passed_over(tmp_path: Path) -> None:
    history = History(tmp_path, "UTC")
    place = history.keep(WEEK, drawn(WEEK, {"a": "FFF"}))
    place.write_bytes(place.read_bytes()[:-20])
    with pytest.raises(SourceError, match=r"2026-W47\.parquet"):
        history.tally(WEEK)
    history.keep_report(WEEK, b"{").write_bytes(b"{")
    assert history.report(WEEK) is None
    assert history.concluded(WEEK) == {}


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "tallies").write_bytes(b"")
    (tmp_path / "history.json").write_text(json.dumps({"schema": "apim-triage/history/1", "zone": "UTC"}))
    with pytest.raises(OutputError, match="cannot be written"):
        History(tmp_path, "UTC").keep(WEEK, drawn(WEEK, {"a": "F"}))


def test_what_earlier_reports_were_sure_of_is_remembered_and_nothing_else(tmp_path: Path) -> None:
    history = History(tmp_path, "UTC")
    one = {"gateway": "g", "backend": {"label": "a:443"}, "kind": "trust_unspecified"}
    second, first = reversed(before(WEEK, UTC, 2))
    sure = {**one, "cause": "untrusted_root", "verdict": "confirmed"}
    unsure = {**one, "cause": "unknown", "verdict": "unknown"}
    hostile = [{**one, "cause": "<script>", "verdict": "confirmed"}, 7, None, {"gateway": "g"}]
    history.keep_report(first, json.dumps({"incidents": [sure]}).encode())
    history.keep_report(second, json.dumps({"incidents": [unsure, *hostile]}).encode())
    history.keep_report(WEEK, json.dumps({"incidents": [{**sure, "cause": "expired"}]}).encode())
    assert history.concluded(WEEK) == {("g", "a:443", "trust_unspecified"): f"{first.label}: untrusted_root, confirmed"}


@pytest.mark.parametrize("zone", ["UTC", str(ZoneInfo("Europe/Berlin"))])
def test_zones_that_mean_the_same_everywhere_are_kept(zone: str) -> None:
    assert check_zone(zone) == zone
    with pytest.raises(UsageError, match="IANA"):
        check_zone("this machine's zone")
