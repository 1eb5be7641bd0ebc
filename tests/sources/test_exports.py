"""What databases and streams export counts as the same events in a blob do, and damage costs itself."""

from __future__ import annotations

import gzip
import io
import json
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import pytest
from pandas.testing import assert_frame_equal

from analyzer.lab import exports, logs
from analyzer.lab.exports import messages
from analyzer.lab.rows import Row
from analyzer.sources import answers, capture, parquet, read
from analyzer.sources.items import LONGEST, Item, Record, Reject
from analyzer.sources.shapes import NO_ROWS, Shape
from analyzer.tally import Tally
from tests.sources.build import answered, counts
from tests.sources.test_shapes import events, shape_of


def same(one: Tally, other: Tally) -> None:
    for name in ("failures", "traffic", "affected"):
        assert_frame_equal(getattr(one, name), getattr(other, name))
    assert counts(one) == counts(other)
    assert one.found == other.found


def blob(folder: Path) -> Tally:
    path = folder / "plain.json"
    path.write_text(logs.blob_lines(events()), encoding="utf-8")
    return read([str(path)])


def taken(how: Callable[[BinaryIO], Iterator[Item]], data: bytes) -> tuple[list[Record], list[Reject]]:
    """Records and rejects."""
    found = list(how(io.BytesIO(data)))
    return [i for i in found if isinstance(i, Record)], [i for i in found if isinstance(i, Reject)]


def container(*bodies: object, codec: str = "null", block: int = 16_000) -> bytes:
    """A capture with a message for each body."""
    (message,) = messages(events()[:1])
    texts = [body if isinstance(body, bytes | str) else json.dumps(body) for body in bodies]
    return exports.capture([{**message, "Body": text} for text in texts], codec=codec, block=block)


@pytest.mark.parametrize("codec", ["null", "deflate"])
@pytest.mark.parametrize("block", [1, 16_000])
def test_a_capture_counts_as_its_messages(tmp_path: Path, codec: str, block: int) -> None:
    path, packed = tmp_path / "13.avro", tmp_path / "13.avro.gz"
    path.write_bytes(exports.capture(messages(events()), codec=codec, block=block))
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for one in (path, packed):
        found = read([str(one)])
        assert found.intake.sources[0].shape == "Event Hub Capture"
        same(found, blob(tmp_path))


def test_each_body_counts_for_what_it_is() -> None:
    records = {"records": [answered(), answered(), 5]}
    found = [*capture.messages(io.BytesIO(container(records, {"mine": 1}, b"\xff{", "[1]", "", answered())))]
    assert [(i.line, isinstance(i, Record)) for i in found] == [
        (1, True),
        (1, True),
        (1, False),
        (2, True),
        (3, False),
        (4, False),
        (5, False),
        (6, True),
    ]


def test_a_capture_without_messages_is_a_log_without_records(tmp_path: Path) -> None:
    path = tmp_path / "0.avro"
    path.write_bytes(exports.capture([]))
    assert counts(read([str(path)])) == (0, 0, 0, 0)


def test_where_a_capture_ends_what_precedes_counts() -> None:
    data = container(*[answered()] * 9, block=1)
    whole, none = taken(capture.messages, data)
    assert (len(whole), none) == (9, [])
    starts = [len(exports.capture([]))]
    for cut in range(0, len(data), 37):
        records, rejects = taken(capture.messages, data[:cut])
        assert len(rejects) <= 1
        assert len(records) == max(0, (cut - starts[0]) * 9 // (len(data) - starts[0]))
        assert all(r.why.startswith("damaged: ") for r in rejects)


def test_a_damaged_block_costs_itself() -> None:
    data = container(*[answered()] * 3, codec="deflate", block=1)
    begin = data.index(exports.SYNC) + 16
    second = data.index(exports.SYNC, begin) + 16 + 3
    records, rejects = taken(capture.messages, data[:second] + b"\xff" * 8 + data[second + 8 :])
    assert (len(records), [r.line for r in rejects]) == (2, [2])
    assert rejects[0].why == "damaged: a block that is not what its schema says"


def test_no_byte_of_a_capture_can_do_harm() -> None:
    data = container(answered(), {"mine": 1}, block=1)
    for place in range(len(data)):
        for byte in (0x00, 0xFF, data[place] ^ 0x40):
            records, rejects = taken(capture.messages, data[:place] + bytes([byte]) + data[place + 1 :])
            assert len(records) <= 2
            assert len(rejects) <= 3


def _number(value: int) -> bytes:
    out, value = b"", value << 1
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_a_block_beyond_all_bounds_is_not_loaded(codec: str) -> None:
    head = container(codec=codec)
    claimed, rejects = taken(capture.messages, head + _number(1) + _number(1 << 60) + b"x" * 100)
    assert (claimed, len(rejects)) == ([], 1)
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = b"".join(packer.compress(bytes(LONGEST)) for _ in range(5)) + packer.flush()
    good = container(answered(), codec=codec)[len(head) :]
    if codec == "deflate":
        data = head + _number(1) + _number(len(bomb)) + bomb + exports.SYNC + good
        records, rejects = taken(capture.messages, data)
        assert (len(records), [r.why for r in rejects]) == (1, ["damaged: a block longer than 64 MiB"])


def test_a_body_longer_than_any_record_is_one_reject() -> None:
    records, rejects = taken(capture.messages, container(b" " * (LONGEST + 1), answered(), block=1))
    assert (len(records), [r.why for r in rejects]) == (1, ["a body longer than 16 MiB"])


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "record", "name": "A", "fields": [{"name": "x", "type": "long"}]}, "not of Event Hub Capture"),
        ({"type": "record", "name": "A", "fields": [{"name": "Body", "type": "A"}]}, "not of Event Hub Capture"),
        (
            {
                "type": "record",
                "name": "A",
                "fields": [{"name": "Body", "type": "bytes"}, {"name": "a", "type": ["null", "A"]}],
            },
            "not of Event Hub Capture",
        ),
        ("null", "not of Event Hub Capture"),
        (5, "not of Event Hub Capture"),
    ],
)
def test_other_avro_is_told_why(tmp_path: Path, schema: object, why: str) -> None:
    text = json.dumps(schema).encode()
    path = tmp_path / "other.avro"
    path.write_bytes(
        b"Obj\x01" + _number(1) + _number(11) + b"avro.schema" + _number(len(text)) + text + b"\x00" + bytes(16)
    )
    assert why in str(shape_of(path))


def test_a_capture_of_something_else_is_told_why(tmp_path: Path) -> None:
    path = tmp_path / "other.avro"
    path.write_bytes(container({"temperature": 3}))
    assert shape_of(path) == "no message of this capture has a field of a gateway log"
    path.write_bytes(b"Obj\x01" + b"\xff" * 100)
    assert shape_of(path) == "it is Avro that ends in its header"
    path.write_bytes(b"Obj\x01" + b"\xff" * 100_000)
    assert shape_of(path) == "the header of its Avro cannot be read"


def test_only_the_result_of_an_answer_is_records() -> None:
    text = exports.kusto_v2(events())
    records, rejects = taken(answers.frames, text.encode())
    assert (len(records), rejects) == (len(events()), [])


@pytest.mark.parametrize("writer", [exports.kusto_v1, exports.kusto_v2])
def test_where_an_answer_ends_what_precedes_counts(tmp_path: Path, writer: Callable[..., str]) -> None:
    data = writer(events()).encode()
    path = tmp_path / "query.json"
    path.write_bytes(data[: len(data) // 2])
    found = read([str(path)])
    assert 10 < found.intake.records < len(events())
    assert found.intake.rejected == 1


def test_rows_that_replace_counted_ones_do_not_count_again() -> None:
    frames = json.loads(exports.kusto_v2(events(), progressive=True))
    fragments = [f for f in frames if f["FrameType"] == "TableFragment"]
    for fragment in fragments:
        fragment["TableFragmentType"] = "DataReplace"
    records, rejects = taken(answers.frames, json.dumps(frames).encode())
    assert (len(records), len(rejects)) == (3, len(fragments) - 1)


@pytest.mark.parametrize("writer", [exports.kusto_v1, exports.kusto_v2])
def test_an_answer_without_rows_is_a_good_one(tmp_path: Path, writer: Callable[..., str]) -> None:
    said = json.loads(writer(events()))
    for table in said["Tables"] if isinstance(said, dict) else said:
        if len(table.get("Columns", ())) > 5:
            table["Rows"] = []
    path = tmp_path / "query.json"
    path.write_text(json.dumps(said))
    assert shape_of(path) == NO_ROWS


def write_parquet(path: Path, rows: list[Row], **casts: str) -> None:
    """Rows as an export writes them: typed, dynamic columns nested or as text."""
    listed = path.with_suffix(".ndjson")
    listed.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    changes = ", ".join(f"{cast} AS {name}" for name, cast in casts.items())
    changed = f"REPLACE ({changes})" if changes else ""
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.execute(f"COPY (SELECT * {changed} FROM read_json('{listed}')) TO '{path}' (FORMAT parquet)")
    listed.unlink()


@pytest.mark.parametrize(
    "casts",
    [
        {},
        {"Errors": "to_json(Errors)::VARCHAR"},
        {"TimeGenerated": "TimeGenerated::TIMESTAMPTZ", "BackendUrl": "BackendUrl::BLOB"},
        {"TimeGenerated": "TimeGenerated::TIMESTAMP_NS"},
    ],
)
def test_parquet_counts_as_its_rows(tmp_path: Path, casts: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    path = tmp_path / "a[1]*.parquet"
    write_parquet(path, [logs.resource_row(e) for e in events()], **casts)
    packed = tmp_path / "b.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for one in (path, packed):
        found = read([str(one)])
        assert found.intake.sources[0].shape == "Parquet"
        same(found, blob(tmp_path))


def test_parquet_of_blob_records_nests(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(path, [logs.blob_record(e) for e in events()])
    packed = tmp_path / "b.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for one in (path, packed):
        same(read([str(one)]), blob(tmp_path))


def test_damaged_parquet_is_told_why(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(path, [logs.resource_row(e) for e in events()])
    data = path.read_bytes()
    for damaged in (data[:200], data[:-4] + b"PARX", b"PAR1", b"PAR1" + bytes(100) + struct.pack("<i", 50) + b"PAR1"):
        path.write_bytes(damaged)
        assert shape_of(path) == (
            "its Parquet is damaged: the footer, which says what it holds, is missing or cannot be read"
        )
    path.write_bytes(data[:30] + b"\xff" * (len(data) // 4) + data[30 + len(data) // 4 :])
    assert isinstance(shape_of(path), Shape)
    found = read([str(path)])
    assert (found.intake.records, found.intake.rejected) == (0, 1)


def test_other_parquet_is_told_why(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(path, [{"a": 1}])
    assert shape_of(path) == "its Parquet has no column of a gateway log"
    write_parquet(path, [{"TallyVersion": 1}])
    assert "export it as CSV or JSON" in str(shape_of(path))


def test_a_stream_without_a_name_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(path, [logs.resource_row(e) for e in events()])
    records, _ = taken(parquet.rows, path.read_bytes())
    assert len(records) == len(events())
    with os.fdopen(os.open(path, os.O_RDONLY), "rb") as numbered:
        assert len(list(parquet.rows(numbered))) == len(events())


@pytest.mark.parametrize("wrapped", [False, True])
def test_blobs_of_2017_count_and_say_that_they_cannot_answer(tmp_path: Path, wrapped: bool) -> None:
    text = exports.lines_of_2017(events())
    if wrapped:
        text = json.dumps({"records": [json.loads(line) for line in text.splitlines()]})
    path = tmp_path / "PT1H.json"
    path.write_text(text)
    shape = shape_of(path)
    assert isinstance(shape, Shape)
    assert "no lastError" in shape.cannot_answer
    assert counts(read([str(path)])) == (0, 0, len(events()), 0)


def test_every_other_shape_can_answer(tmp_path: Path) -> None:
    path = tmp_path / "PT1H.json"
    for writer in (logs.blob_lines, logs.export_lines, logs.portal_csv, logs.az_output, exports.kusto_v1):
        path.write_text(writer(events()))
        shape = shape_of(path)
        assert isinstance(shape, Shape)
        assert not shape.cannot_answer


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"Type": "ApiManagementGatewayLlmLog"}, "ApiManagementGatewayLlmLog"),
        ({"category": "WebSocketConnectionLogs"}, "ApiManagementWebSocketConnectionLogs"),
        ({"Category": "GatewayMCPLogs"}, "ApiManagementGatewayMCPLog"),
    ],
)
def test_a_sibling_of_the_gateway_log_is_told_why(tmp_path: Path, said: dict[str, Any], name: str) -> None:
    row = {"TimeGenerated": "2026-03-04T09:15:27Z", "ApiId": "a", "Region": "x", **said}
    path = tmp_path / "log"
    header = ",".join(row)
    for text in (json.dumps(row), json.dumps([row, row]), f"{header}\n{','.join(row.values())}\n"):
        path.write_text(text)
        assert f"it holds {name}, which" in str(shape_of(path))
    path.write_text(
        json.dumps(row) + "\n" + json.dumps({**row, "Type": "ApiManagementGatewayLogs", "Category": "", "category": ""})
    )
    assert isinstance(shape_of(path), Shape)
