"""A saved tally comes back as it was, is cut to a window, and says what has been asked; a file that is none, or damaged, is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from analyzer.errors import OutputError, SourceError
from analyzer.lab import logs
from analyzer.lab.query_moods import Mood
from analyzer.model import Window
from analyzer.sources import read, saved
from analyzer.tally import Tally
from analyzer.tally_file import SCHEMA, write
from tests.sources.test_tallied import events
from tests.sources.test_tallied import same as same_counts
from tests.sources.workspaces import DAY, ID, PLACE, START, day, desk, specific


def tally_of(folder: Path, of: list[logs.Event]) -> Tally:
    path = folder / "exported.json"
    path.write_text(logs.blob_lines(of), encoding="utf-8")
    return read([str(path)])


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A saved tally of every kind of record."""
    path = tmp_path / "kept.parquet"
    write(tally_of(tmp_path, events()), path)
    return path


def test_a_saved_tally_comes_back_as_it_was(tmp_path: Path, kept: Path) -> None:
    before, after = tally_of(tmp_path, events()), read([str(kept)])
    same_counts(after, before)
    (source,) = after.intake.sources
    assert source.name == f"{kept}: {tmp_path / 'exported.json'}"
    assert after.caveats == before.caveats


def test_an_empty_tally_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "kept.parquet"
    write(replace(tally_of(tmp_path, day(hours=1)), caveats=("said",)), path)
    again = tmp_path / "again.parquet"
    write(saved.cut(loaded(path), Window(end=START - timedelta(days=1))), again)
    back = read([str(again)])
    assert back.intake.failures == len(back.failures) == len(back.traffic) == 0
    assert "said" in back.caveats


def loaded(path: Path) -> saved.Saved:
    found = saved.load(str(path), lambda: path.open("rb"))
    assert isinstance(found, saved.Saved)
    return found


def test_no_record_and_no_secret_is_in_the_file(kept: Path) -> None:
    assert b"CANARY" not in kept.read_bytes()
    assert {p.name for p in kept.parent.iterdir()} == {"kept.parquet", "exported.json"}  # nor anything beside it


def test_the_schema_is_in_the_metadata(kept: Path) -> None:
    keys = duckdb.sql(f"SELECT key::VARCHAR FROM parquet_kv_metadata('{kept}')").fetchall()
    assert ("apim-triage/tally/1",) in keys
    parts = duckdb.sql(f"SELECT DISTINCT part FROM '{kept}' ORDER BY part").fetchall()
    assert parts == [("affected",), ("failures",), ("gateways",), ("traffic",)]


def test_it_mixes_with_files(tmp_path: Path, kept: Path) -> None:
    more = tmp_path / "more.json"
    more.write_text(logs.export_lines(day()), encoding="utf-8")
    alone = read([str(kept)]).intake
    both = read([str(more), str(kept)])
    assert both.intake.failures == alone.failures + 24
    assert both.intake.records == alone.records + 48
    assert [s.name.split(": ")[0] for s in both.intake.sources] == [str(more), str(kept)]


def test_the_same_hours_twice_are_said(tmp_path: Path) -> None:
    path = tmp_path / "kept.parquet"
    write(tally_of(tmp_path, day()), path)
    both = read([str(tmp_path / "exported.json"), str(path)])
    assert any("twice" in caveat for caveat in both.caveats)


@pytest.mark.parametrize(
    ("start", "end", "failures", "rounded"),
    [(6, 12, 6, False), (6.5, 12, 6, True), (6.5, 11.5, 6, True), (0, 24, 24, False), (23.5, 40, 1, True)],
)
def test_a_window_is_rounded_outward_and_that_is_said(
    tmp_path: Path, start: float, end: float, failures: int, rounded: bool
) -> None:
    path = tmp_path / "kept.parquet"
    write(tally_of(tmp_path, day()), path)
    window = Window(start=START + timedelta(hours=start), end=START + timedelta(hours=end))
    cut = read([str(path)], window=window)
    assert cut.intake.failures == cut.failures["count"].sum() == failures
    assert cut.intake.records == cut.intake.failures + cut.intake.lookalikes + cut.intake.others
    assert any("rounded outward" in c for c in cut.caveats) is rounded
    assert any("reaches beyond the window" in c for c in cut.caveats) is (failures < 24)


def test_what_was_affected_stays_with_its_failures(tmp_path: Path) -> None:
    path = tmp_path / "kept.parquet"
    unnamed = [logs.failure(None, "Error connecting", START + timedelta(hours=2), backend_id="entity")]
    late = day(START + timedelta(hours=20), hours=2, host="late.example")
    write(tally_of(tmp_path, [*unnamed, *late]), path)
    whole = read([str(path)]).affected
    cut = read([str(path)], window=Window(end=START + timedelta(hours=12))).affected
    assert cut["port"].isna().all()
    assert 0 < len(cut) == (whole["backend_id"].astype(str) == "entity").sum() < len(whole)


def test_going_on_asks_only_for_what_was_not_answered(tmp_path: Path) -> None:
    path = tmp_path / "kept.parquet"
    noon = START + timedelta(hours=12, minutes=15)
    with desk() as opened:
        write(opened.read(window=Window(start=START, end=noon)), path)
        whole = opened.read()
        opened.api.requests.clear()
        went_on = opened.read(str(path))
        (request,) = opened.api.requests
    assert "let window_start = datetime(2026-11-16T12:15:00.000000Z);" in request.query
    same_counts(replace(went_on, intake=whole.intake), whole)
    assert went_on.intake.failures == whole.intake.failures
    assert not any("twice" in caveat for caveat in went_on.caveats)
    write(went_on, path)  # over itself
    assert set(loaded(path).tally.asked) == {
        (f"workspace {ID}", Window(start=START, end=noon)),
        (f"workspace {ID}", Window(start=noon, end=DAY.end)),
    }
    with desk() as opened:
        again = opened.read(str(path))
        assert opened.api.requests == []  # nothing is left to ask
    assert again.intake.failures == whole.intake.failures


def test_a_gap_that_is_filled_is_no_gap_any_more(tmp_path: Path) -> None:
    path = tmp_path / "kept.parquet"
    with desk() as opened:
        whole = opened.read(slice_=timedelta(hours=12))
        opened.api.temper.moods.extend([Mood.FINE, Mood.NONSENSE])
        write(opened.read(slice_=timedelta(hours=12)), path)
        assert "1 of 2 queries" in read([str(path)]).intake.sources[0].shape  # alone, it is one still
        opened.api.requests.clear()
        went_on = opened.read(str(path), slice_=timedelta(hours=12))
        assert len(opened.api.requests) == 1
    assert went_on.intake.failures == whole.intake.failures
    assert not any(s.shape.startswith("unreadable") for s in went_on.intake.sources)


def test_another_workspace_is_asked_for_all(tmp_path: Path) -> None:
    path = tmp_path / "kept.parquet"
    with desk(more=specific(day(host="other.example"))) as opened:
        write(opened.read(), path)
        opened.api.requests.clear()
        both = opened.read(str(path), places=(replace(PLACE, id=PLACE.id.replace("111122223333", "444455556666")),))
    assert both.intake.failures == 48


def rewritten(path: Path, select: str, *, key: str = SCHEMA, about: str | None = None) -> Path:
    """The file with other rows or other metadata."""
    db = duckdb.connect()
    if about is None:
        about = bytes(db.sql(f"SELECT value FROM parquet_kv_metadata('{path}')").fetchall()[0][0]).decode()
    other = path.with_name("other.parquet")
    quoted = about.replace("'", "''")
    db.execute(f"COPY ({select.format(path)}) TO '{other}' (FORMAT parquet, KV_METADATA {{'{key}': '{quoted}'}})")
    return other


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda p: rewritten(p, "FROM '{0}'", key="apim-triage/tally/2"), "a saved tally of version '2'"),
        (lambda p: rewritten(p, "FROM '{0}'", about="{}"), "a broken saved tally"),
        (lambda p: rewritten(p, "SELECT * REPLACE (-count AS count) FROM '{0}'"), "count that cannot be"),
        (lambda p: cut_off(p), "its Parquet is damaged"),
    ],
)
def test_what_no_tally_can_be_is_refused(kept: Path, change: Callable[[Path], Path], why: str) -> None:
    spoilt = change(kept)
    with pytest.raises(SourceError, match=why) as error:
        read([str(spoilt)])
    assert str(error.value).count(str(spoilt)) == 1


def cut_off(path: Path) -> Path:
    other = path.with_name("cut.parquet")
    other.write_bytes(path.read_bytes()[:-20])
    return other


def test_a_packed_one_is_read_too(tmp_path: Path, kept: Path) -> None:
    import gzip
    import zipfile

    (tmp_path / "kept.parquet.gz").write_bytes(gzip.compress(kept.read_bytes()))
    with zipfile.ZipFile(tmp_path / "kept.zip", "w") as archive:
        archive.write(kept, "kept.parquet")
    expected = read([str(kept)])
    for name in ("kept.parquet.gz", "kept.zip"):
        same_counts(read([str(tmp_path / name)]), expected)


def test_what_a_stranger_wrote_into_it_drives_no_terminal(kept: Path) -> None:
    spoilt = rewritten(
        kept,
        "SELECT * REPLACE (CASE WHEN part = 'failures' THEN 'a' || chr(27) || '[2J' ELSE host END AS host) FROM '{0}'",
    )
    assert set(read([str(spoilt)]).failures["host"]) == {"a\ufffd[2J"}


@pytest.mark.parametrize(("name", "why"), [("x.csv", "call it x.csv.parquet"), ("x", "call it x.parquet")])
def test_a_place_where_it_cannot_be_saved_is_told_before_the_work(tmp_path: Path, name: str, why: str) -> None:
    with pytest.raises(OutputError, match=why):
        saved.check(tmp_path / name)


def test_a_folder_of_that_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").mkdir()
    with pytest.raises(OutputError, match="it is a folder"):
        saved.check(tmp_path / "x.parquet")


def test_times_are_utc_in_any_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    path = tmp_path / "kept.parquet"
    write(tally_of(tmp_path, day(hours=1)), path)
    assert read([str(path)]).failures["first"][0].to_pydatetime() == datetime(2026, 11, 16, 0, 10, tzinfo=UTC)
