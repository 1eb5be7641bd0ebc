"""What is too much to tell one by one: it is folded, every record still counts, and the report says so."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest

from analyzer.errors import SourceError
from analyzer.sources import files, read
from analyzer.sources.settling import MANY_SIBLINGS, MOST_BY_THE_HOUR, MOST_HOSTS, MOST_SIGNATURES, OTHER_TEXTS
from analyzer.sources.slices import Slice, halves
from tests.sources.build import backends, counts, error, failed, write

LINE = json.dumps(failed())


def test_hosts_of_tenants_are_rolled_up_when_there_are_too_many(tmp_path: Path) -> None:
    many = [LINE.replace("orders.example", f"t{i}.tenants.contoso.example") for i in range(MOST_HOSTS + 1)]
    few = [LINE.replace("orders.example", f"h{i}.few.example.org") for i in range(MANY_SIBLINGS - 1)]
    found = read([str(write(tmp_path, *many, *few, LINE, LINE.replace("orders.example", "192.0.2.7")))])
    assert counts(found) == (len(many) + len(few) + 2, 0, 0, 0)
    hosts = {host for _, host, _, _ in backends(found)}
    assert {"*.tenants.contoso.example", "orders.example", "192.0.2.7", "h0.few.example.org"} <= hosts
    assert len(hosts) == 3 + len(few)
    assert f"{len(many):,} hosts that differ in their first label only were counted as 1" in " ".join(found.caveats)


def test_beyond_the_worst_backends_are_counted_as_a_whole(tmp_path: Path) -> None:
    times = ("2026-03-04T09:30:00Z", "2026-03-04T10:30:00Z")
    lines = [
        json.dumps(failed(time=time)).replace("orders.example", f"h{i}.example")
        for i in range(MOST_BY_THE_HOUR + 7)
        for time in times
    ]
    found = read([str(write(tmp_path, *lines))])
    assert counts(found) == (len(lines), 0, 0, 0)
    assert found.failures["count"].sum() == found.traffic["requests"].sum() == len(lines)
    assert len(found.failures) == 2 * MOST_BY_THE_HOUR + 7
    assert found.failures["last"].nunique() == 2
    assert "7 backends beyond the" in " ".join(found.caveats)


def test_texts_beyond_the_most_frequent_are_counted_as_one(tmp_path: Path) -> None:
    def word(number: int) -> str:
        return "".join(chr(97 + number // 26**place % 26) for place in range(4))

    lines = [json.dumps(failed(error(f"odd {word(i)}"))) for i in range(MOST_SIGNATURES + 10)]
    found = read([str(write(tmp_path, *lines, *lines[:20]))])
    assert counts(found) == (len(lines) + 20, 0, 0, 0)
    assert found.failures["signature"].nunique() == MOST_SIGNATURES + 1
    assert found.failures[found.failures["signature"] == OTHER_TEXTS]["count"].sum() == 10
    assert "10 error texts beyond the" in " ".join(found.caveats)


def test_too_many_groups_for_the_memory_are_counted_a_part_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [LINE.replace("orders.example", f"h{i % 30}.example") for i in range(3_000)]
    asked: list[int] = []
    add = files._Counting._add

    def short_of_memory(self: files._Counting, dialect: object, positions: object, paths: list[Path]) -> None:
        asked.append(sum(path.stat().st_size for path in paths))
        if asked[-1] > 200_000:
            raise duckdb.OutOfMemoryException("no more")
        add(self, dialect, positions, paths)  # type: ignore[arg-type]

    monkeypatch.setattr(files._Counting, "_add", short_of_memory)
    path = write(tmp_path, *lines[:1_500], "broken", *lines[1_500:])
    found = read([str(path)])
    assert counts(found) == (3_000, 0, 0, 1)
    assert found.intake.sources[0].first_rejected[0].startswith(f"{path.as_posix()}:1501: ")
    assert max(asked) > 200_000 > min(asked)
    monkeypatch.setattr(files._Counting, "_add", _always_short)
    with pytest.raises(SourceError, match="of memory"):
        read([str(path)])


def _always_short(*_: object) -> None:
    raise duckdb.OutOfMemoryException("no more")


@pytest.mark.parametrize(
    "lines", [["a"], ["a", "b"], ["a" * 50, "b"], ["a", "b" * 50], ["a", "", "b", "c"], list("abcdefg")]
)
def test_halves_are_the_whole(tmp_path: Path, lines: list[str]) -> None:
    path = tmp_path / "slice.json"
    path.write_text("\n".join(lines))
    whole = Slice(file=0, path=path, size=path.stat().st_size, lines_before=10, rejects=(), taken=0)
    parts = halves(whole)
    assert b"".join(part.path.read_bytes() for part in parts) == path.read_bytes()
    before = 10
    for part in parts:
        assert (part.size, part.lines_before) == (part.path.stat().st_size, before)
        before += part.path.read_bytes().count(b"\n")
