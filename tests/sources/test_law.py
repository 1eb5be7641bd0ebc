"""The counting law over whole folders: read = records + rejected, records = failures + look-alikes + others, per source."""

from __future__ import annotations

import gzip
import json
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.model import Kind
from analyzer.sources import read
from tests.sources.build import answered, counts, error, failed

KINDS = {
    "failure": lambda i: failed(correlationId=f"{i:032x}"),
    "lookalike": lambda i: failed(error(reason="Timeout"), correlationId=f"{i:032x}"),
    "other": lambda i: answered(correlationId=f"{i:032x}"),
}
BROKEN = ("not json", "[1]", "null", '{"half": "wri', "17")


@dataclass(frozen=True)
class Made:
    """A file, and what an eye that knows how it was made counts in it."""

    folder: str
    data: bytes
    failures: int
    lookalikes: int
    others: int
    rejected: int


@st.composite
def made(draw: st.DrawFn) -> Made:
    """Lines, a document or a CSV, plain or packed, whole or with a half-written last line."""
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=12))
    number = draw(st.integers(0, 1 << 60))  # so that no two files are the same by chance
    records = [KINDS[kind](number + i) for i, kind in enumerate(kinds)]
    shape, rejected = draw(st.sampled_from(["lines", "document", "array", "csv"])), 0
    if shape == "lines":
        lines = [json.dumps(record) for record in records]
        for broken in draw(st.lists(st.sampled_from(BROKEN), max_size=3)):
            lines.insert(draw(st.integers(1, len(lines))), broken)
            rejected += 1
        text = draw(st.sampled_from(["\n", "\r\n", "\n\n"])).join(lines)
        if draw(st.booleans()):  # the gateway is writing
            text += "\n" + json.dumps(records[0])[: draw(st.integers(1, 300))]
            rejected += 1
    elif shape == "document":
        text = json.dumps({"records": records}, indent=draw(st.sampled_from([None, 2])))
    elif shape == "array":
        text = json.dumps(records)
    else:
        text = "TimeGenerated,CorrelationId,BackendUrl,BackendResponseCode,LastErrorReason\n" + "".join(
            _row(r) for r in records
        )
    encoded = text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])))
    data = gzip.compress(encoded) if draw(st.booleans()) else encoded
    folder = draw(st.sampled_from([".", "a", "a/b", "c"]))
    return Made(folder, data, kinds.count("failure"), kinds.count("lookalike"), kinds.count("other"), rejected)


def _row(record: dict[str, object]) -> str:
    properties: dict[str, object] = record["properties"]  # type: ignore[assignment]
    last: dict[str, object] = properties.get("lastError", {})  # type: ignore[assignment]
    cells = (
        record["time"],
        record["correlationId"],
        properties["backendUrl"],
        properties.get("backendResponseCode", ""),
    )
    return ",".join(map(str, (*cells, last.get("reason", "")))) + "\n"


@settings(max_examples=40, deadline=None)
@given(st.lists(made(), min_size=1, max_size=6), st.booleans())
def test_every_record_of_a_folder_is_counted_once(several: list[Made], twice: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        expected = {}
        for i, one in enumerate(several):
            path = Path(name) / one.folder / f"{i}.log"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(one.data)
            expected[path.as_posix()] = one
        found = read([name, str(path), name] if twice else [name])
        assert len(found.intake.sources) == len(several)  # a file that is given twice is named once
        for source in found.intake.sources:
            one = expected[source.name]
            assert (source.failures, source.lookalikes, source.rejected) == (
                one.failures,
                one.lookalikes,
                one.rejected,
            ), source
            assert source.records == one.failures + one.lookalikes + one.others
        assert found.intake.records == found.intake.failures + found.intake.lookalikes + found.intake.others
        connections = found.failures[found.failures["kind"] != Kind.TRANSFER]  # a body that broke off is a look-alike
        assert connections["count"].sum() == found.intake.failures


def test_a_file_that_grows_while_it_is_read_counts_whole_lines_once(tmp_path: Path) -> None:
    path, line = tmp_path / "PT1H.json", json.dumps(failed()).encode() + b"\n"
    path.write_bytes(line * 2_000)
    enough = threading.Event()

    def append() -> None:
        with path.open("ab", buffering=0) as stream:
            while not enough.is_set():
                stream.write(line[:500])
                stream.write(line[500:])

    writer = threading.Thread(target=append)
    writer.start()
    try:
        found = [read([str(path)]) for _ in range(3)]
    finally:
        enough.set()
        writer.join()
    whole = path.read_bytes().count(b"\n")
    for one in found:
        assert 2_000 <= one.intake.failures <= whole
        assert one.intake.rejected <= 1  # the line that was being written
    assert counts(read([str(path)])) == (whole, 0, 0, 0)
