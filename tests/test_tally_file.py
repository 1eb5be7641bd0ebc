"""A saved tally comes back as it was, and what is no saved tally is refused in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings

from analyzer.errors import OutputError, SourceError
from analyzer.sources import read as read_sources
from analyzer.tally import FAILURES, Tally, empty, merge, typed
from analyzer.tally_file import SCHEMA, is_tally, read, write
from tests.test_tally import assert_same, tallies

SAMPLES = Path(__file__).parents[1] / "sample_logs"


def _ordered(tally: Tally) -> Tally:
    """A tally whose failures end no earlier than they begin."""
    last = tally.failures[["first", "last"]].max(axis=1)
    return replace(tally, failures=typed(tally.failures.assign(last=last), FAILURES))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tally=tallies().map(_ordered))
def test_what_is_written_is_read(tmp_path: Path, tally: Tally) -> None:
    assert_same(read(write(tally, tmp_path / "t.parquet")), tally)


def test_a_sample_comes_back_whole_and_adds_up(tmp_path: Path) -> None:
    counted = read_sources([str(SAMPLES / "situations" / "three_at_once")])
    back = read(write(counted, tmp_path / "week's [1].parquet"))
    assert_same(back, counted)
    assert_same(merge([back, empty()]), merge([counted]))


def test_anything_that_reads_parquet_reads_it(tmp_path: Path) -> None:
    place = write(read_sources([str(SAMPLES / "situations" / "three_at_once")]), tmp_path / "t.parquet")
    with duckdb.connect() as db:
        found = db.execute("SELECT sum(count) FROM read_parquet(?) WHERE part = 'failures'", [str(place)]).fetchone()
        schema = db.execute("SELECT decode(key) FROM parquet_kv_metadata(?)", [str(place)]).fetchone()
    assert found is not None
    assert found[0] == read(place).failures["count"].sum() > 0
    assert schema == (SCHEMA,)
    assert is_tally(place)


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = write(empty(), tmp_path / "t.parquet")
    before = place.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OutputError, match="No space left"):
        write(read_sources([str(SAMPLES / "situations" / "three_at_once")]), place)
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]
    assert place.read_bytes() == before


def test_a_place_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(OutputError, match="name another"):
        write(empty(), tmp_path / "taken" / "t.parquet")


_FAULTS = {
    "an hour that is none": "replace(hour + INTERVAL 1 MINUTE AS hour)",
    "count that cannot be": "replace(-1 AS count)",
    "an unknown table": "replace('x' AS part)",
    "an unknown bucket": "replace(7 AS elapsed_bucket)",
    "times outside": "replace(hour + INTERVAL 2 HOUR AS last)",
    "a port that is none": "replace(70000 AS port)",
    "a text of no message's length": "replace(repeat('x', 10000) AS signature)",
    "it lacks hour": "exclude (hour)",
    "its column count is no number": "replace('many' AS count)",
}


@pytest.mark.parametrize("why", _FAULTS)
def test_a_changed_file_is_refused_with_the_reason(tmp_path: Path, why: str) -> None:
    good = write(read_sources([str(SAMPLES / "situations" / "three_at_once")]), tmp_path / "good.parquet")
    bad = _copied(good, tmp_path / "bad.parquet", f"SELECT * {_FAULTS[why]} FROM '{good}' WHERE part = 'failures'")
    with pytest.raises(SourceError, match=why) as caught:
        read(bad)
    assert str(bad) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_major_version_and_other_parquet_are_refused(tmp_path: Path) -> None:
    good = write(empty(), tmp_path / "good.parquet")
    later = _copied(good, tmp_path / "later.parquet", f"SELECT * FROM '{good}'", schema="apim-triage/tally/2")
    other = _copied(good, tmp_path / "other.parquet", "SELECT 1 AS a", schema="mine/1")
    minor = _copied(
        good, tmp_path / "minor.parquet", f"SELECT *, 1 AS added FROM '{good}'", schema="apim-triage/tally/1.4"
    )
    with pytest.raises(SourceError, match="version '2'"):
        read(later)
    with pytest.raises(SourceError, match="no saved tally"):
        read(other)
    assert_same(read(minor), empty())
    assert (is_tally(later), is_tally(other)) == (True, False)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"{}", b"PAR1" + bytes(100) + b"PAR1"])
def test_damaged_files_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    place = tmp_path / "t.parquet"
    place.write_bytes(content)
    assert not is_tally(place)
    with pytest.raises(SourceError) as caught:
        read(place)
    assert "\n" not in str(caught.value)
    with pytest.raises(SourceError, match="missing"):
        read(tmp_path / "missing.parquet")


def test_kinds_of_a_later_version_count_as_other_and_are_said(tmp_path: Path) -> None:
    counted = read_sources([str(SAMPLES / "situations" / "three_at_once")])
    later = replace(counted, failures=typed(counted.failures.assign(kind="quantum_mismatch"), FAILURES))
    back = read(write(later, tmp_path / "t.parquet"))
    assert set(back.failures["kind"]) == {"other"}
    assert back.failures["count"].sum() == counted.failures["count"].sum()
    assert any("unknown to this version" in caveat for caveat in back.caveats)


def _copied(good: Path, place: Path, select: str, schema: str = SCHEMA) -> Path:
    """A Parquet file of what a query selects, with the metadata of a saved one."""
    with duckdb.connect() as db:
        about = db.execute(
            "SELECT decode(value) FROM parquet_kv_metadata(?) WHERE decode(key) = 'apim-triage/tally/1'", [str(good)]
        ).fetchone()
        assert about is not None
        quoted = about[0].replace("'", "''")
        db.execute(f"COPY ({select}) TO '{place}' (FORMAT parquet, KV_METADATA {{'{schema}': '{quoted}'}})")
    return place
