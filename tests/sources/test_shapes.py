"""Every shape is found by its content and counts the same; what is no gateway log is told why."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from analyzer.errors import SourceError
from analyzer.lab import exports, logs
from analyzer.lab.logs import Event
from analyzer.sources import packing, read
from analyzer.sources.columns import RESOURCE_LOG, TABLE
from analyzer.sources.shapes import EMPTY, NO_ROWS, SHAPES, Shape
from analyzer.sources.shapes import shape_of as shape_of_content
from analyzer.tally import Tally
from tests.sources.build import FAILED, TRUST, answered, counts, error, failed, write

START = datetime(2026, 3, 14, 9, 15, 27, 441000, UTC)


def shape_of(path: Path) -> Shape | str:
    """The shape of a file."""
    return shape_of_content(lambda: packing.content(path.open("rb")))


def events() -> list[Event]:
    """A few of every kind, at two gateways, over two hours; none says what the portal's displayed columns leave out."""
    made = []
    for minute in range(0, 120, 10):
        at, gateway = START + timedelta(minutes=minute), (logs.CLASSIC, logs.SELF_HOSTED)[minute % 20 // 10]
        made += [
            logs.failure("orders.example", TRUST, at, gateway=gateway),
            logs.success("orders.example", at + timedelta(seconds=1), gateway=gateway),
            logs.lookalike(logs.Lookalike.TIMEOUT, "orders.example", at + timedelta(seconds=2), gateway=gateway),
        ]
    made += [logs.overwritten(made[0]), logs.failed_over(made[3], "second.example")]
    return [replace(event, product=None, subscription=None) for event in made]


def _diagnostics_lines(of: Iterable[Event]) -> str:
    return "".join(json.dumps(logs.diagnostics_row(e)) + "\n" for e in of)


def _pretty(of: Iterable[Event]) -> str:
    return "\n".join(json.dumps(logs.blob_record(e), indent=2) for e in of)


def _array(of: Iterable[Event]) -> str:
    return json.dumps([logs.resource_row(e) for e in of])


def _records_by_line(of: Iterable[Event]) -> str:
    return "".join(logs.records_document([e]) for e in of)


def _packed_properties(of: Iterable[Event]) -> str:
    records = [logs.blob_record(e) for e in of]
    return "".join(json.dumps({**r, "properties": json.dumps(r["properties"])}) + "\n" for r in records)


def _overflow(of: Iterable[Event]) -> str:
    """AzureDiagnostics in a workspace that ran out of columns."""
    return "".join(json.dumps(exports.overflowing_row(e)) + "\n" for e in of)


def _overflow_text(of: Iterable[Event]) -> str:
    """The same, the bag a text of JSON."""
    rows = map(exports.overflowing_row, of)
    return "".join(json.dumps({**r, "AdditionalFields": json.dumps(r["AdditionalFields"])}) + "\n" for r in rows)


def _overflow_csv(of: Iterable[Event]) -> str:
    rows = [exports.overflowing_row(e) for e in of]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([json.dumps(v) if isinstance(v, dict) else v for v in row.values()] for row in rows)
    return out.getvalue()


def _shouted(of: Iterable[Event]) -> str:
    return "".join(json.dumps({k.upper(): v for k, v in logs.resource_row(e).items()}) + "\n" for e in of)


WRITERS: dict[str, tuple[Callable[[Iterable[Event]], str], str, bool]] = {
    # name: writer, shape, whether DuckDB reads it by itself
    "blob": (logs.blob_lines, "storage account lines", True),
    "data export": (logs.export_lines, "table rows as JSON lines", True),
    "diagnostics lines": (_diagnostics_lines, "table rows as JSON lines (AzureDiagnostics)", True),
    "records": (logs.records_document, "records document", False),
    "records by line": (_records_by_line, "records document", False),
    "api": (logs.api_answer, "Log Analytics API answer", False),
    "api diagnostics": (
        partial(logs.api_answer, row=logs.diagnostics_row),
        "Log Analytics API answer (AzureDiagnostics)",
        False,
    ),
    "az": (logs.az_output, "az monitor log-analytics query output", False),
    "az diagnostics": (
        partial(logs.az_output, row=logs.diagnostics_row),
        "az monitor log-analytics query output (AzureDiagnostics)",
        False,
    ),
    "portal": (logs.portal_csv, "CSV", False),
    "array": (_array, "JSON array", False),
    "pretty": (_pretty, "JSON objects", False),
    "packed properties": (_packed_properties, "storage account lines", False),
    "overflow": (_overflow, "table rows as JSON lines (AzureDiagnostics)", True),
    "overflow as text": (_overflow_text, "table rows as JSON lines (AzureDiagnostics)", True),
    "overflow in CSV": (_overflow_csv, "CSV (AzureDiagnostics)", False),
    "overflow in az": (
        partial(logs.az_output, row=exports.overflowing_row),
        "az monitor log-analytics query output (AzureDiagnostics)",
        False,
    ),
    "overflow in api": (
        partial(logs.api_answer, row=exports.overflowing_row),
        "Log Analytics API answer (AzureDiagnostics)",
        False,
    ),
    "kusto": (exports.kusto_v1, "Kusto answer", False),
    "kusto diagnostics": (
        partial(exports.kusto_v1, row=logs.diagnostics_row),
        "Kusto answer (AzureDiagnostics)",
        False,
    ),
    "frames": (exports.kusto_v2, "Kusto frames", False),
    "progressive frames": (partial(exports.kusto_v2, progressive=True), "Kusto frames", False),
    "capture as lines": (lambda of: exports.capture_lines([*of]), "Event Hub Capture as JSON", False),
    "capture as array": (
        lambda of: json.dumps(exports.messages([*of]), indent=1),
        "Event Hub Capture as JSON",
        False,
    ),
    "another case": (_shouted, "table rows as JSON lines", False),
}


def _same(one: Tally, other: Tally) -> None:
    for name in ("failures", "traffic", "affected"):
        assert_frame_equal(getattr(one, name), getattr(other, name))
    assert one.intake.lookalike_reasons == other.intake.lookalike_reasons
    assert counts(one) == counts(other)
    assert one.found == other.found


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_events_count_the_same_in_every_shape(tmp_path: Path, name: str) -> None:
    writer, shape, _ = WRITERS[name]
    plain = write(tmp_path, logs.blob_lines(events()), name="plain.json")
    path = tmp_path / "some.file"
    path.write_text(writer(events()), encoding="utf-8", newline="")
    expected, found = read([str(plain)]), read([str(path)])
    assert counts(expected) == (14, 12, 12, 0)
    assert found.intake.sources[0].shape == shape
    _same(found, expected)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("how", ["gzip", "bom", "crlf", "no last line end"])
def test_how_a_file_is_stored_makes_no_difference(tmp_path: Path, name: str, how: str) -> None:
    data = WRITERS[name][0](events()).encode()
    plain, stored = tmp_path / "plain", tmp_path / "stored"
    plain.write_bytes(data)
    stored.write_bytes(
        {
            "gzip": gzip.compress(data),
            "bom": b"\xef\xbb\xbf" + data,
            "crlf": data.replace(b"\n", b"\r\n"),
            "no last line end": data.rstrip(b"\n"),
        }[how]
    )
    _same(read([str(stored)]), read([str(plain)]))


@pytest.mark.parametrize("name", WRITERS)
def test_duckdb_reads_what_it_can_by_itself(tmp_path: Path, name: str) -> None:
    path = tmp_path / "log"
    path.write_text(WRITERS[name][0](events()), encoding="utf-8", newline="")
    shape = shape_of(path)
    assert isinstance(shape, Shape)
    assert (shape.dialect is not None) is WRITERS[name][2]


SELF_HOSTED = {"self-hosted gateway console, text", "self-hosted gateway console, JSON"}  # test_console: no resource id
TRACES = {"request trace", "request trace, portal text"}  # test_traces: one request each


def test_every_shape_of_the_table_has_a_writer_here() -> None:
    written = {shape.partition(" (")[0] for _, shape, _ in WRITERS.values()}
    elsewhere = {"Event Hub Capture", "Parquet", "storage account records of 2016 or 2017", *SELF_HOSTED, *TRACES}
    assert (
        written == {s.name for s in SHAPES if not s.tallied and not s.insights} - {EMPTY.name, NO_ROWS.name} - elsewhere
    )


def test_the_first_record_need_not_be_a_good_one(tmp_path: Path) -> None:
    path = write(tmp_path, '{"half":', answered(), failed())
    found = read([str(path)])
    assert found.intake.sources[0].shape == "storage account lines"
    assert counts(found) == (1, 0, 1, 1)


def test_lines_of_several_shapes_in_one_file_all_count(tmp_path: Path) -> None:
    of = events()
    parts = (logs.blob_lines(of), logs.export_lines(of), _diagnostics_lines(of), _records_by_line(of), _shouted(of))
    for order in (parts, parts[::-1]):
        mixed = read([str(write(tmp_path, *(p.rstrip("\n") for p in order), name="mixed.json"))])
        assert counts(mixed) == (5 * 14, 5 * 12, 5 * 12, 0)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"foo": 1}\n{"errors": []}\n', "its JSON has no field of a gateway log"),
        (b'[{"time": "2026-03-04T09:15:27Z", "category": "AuditLogs"}]', "its JSON has no field of a gateway log"),
        (b'{"foo": ', "it is no JSON that can be read"),
        (b"a,b,c\n1,2,3\n", "its first line is neither JSON nor a CSV header with the columns of a gateway log"),
        (b"hello\n", "its first line is neither JSON nor a CSV header with the columns of a gateway log"),
        (b"\x00\x01\x02\xff" * 100, "it is binary"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "it is a picture"),
        (
            gzip.compress(b"PK\x03\x04" + bytes(100), mtime=0),
            "it is a zip archive within another archive; unpack it once",
        ),
        ("{}".encode("utf-16"), "its JSON has no field of a gateway log"),
        (
            gzip.compress(b"hello", mtime=0),
            "its first line is neither JSON nor a CSV header with the columns of a gateway log",
        ),
    ],
)
def test_what_is_no_gateway_log_is_told_why(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "log.json"
    path.write_bytes(content)
    with pytest.raises(SourceError, match="not a gateway log because") as caught:
        read([str(path)])
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_a_log_without_records(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "PT1H.json"
    path.write_bytes(content)
    found = read([str(path)])
    assert [(s.shape, s.records) for s in found.intake.sources] == [("empty file", 0)]
    assert found.failures.empty
    assert found.found.start is None


def test_rows_without_records_are_not_taken_for_anything_else(tmp_path: Path) -> None:
    path = tmp_path / "query.csv"
    path.write_text("TimeGenerated [UTC],ApiId,LastErrorReason\n")
    assert counts(read([str(path)])) == (0, 0, 0, 0)


def test_a_csv_of_few_columns_still_counts(tmp_path: Path) -> None:
    path = tmp_path / "query.csv"
    path.write_text(
        '"TimeGenerated [UTC]",BackendUrl,BackendResponseCode,LastErrorReason,LastErrorMessage\n'
        f'"3/14/2026, 9:15:27.441 AM",https://orders.example/v1,,{FAILED},"{TRUST}"\n'
        '"3/14/2026, 12:15:27.441 PM",https://orders.example/v1,200,,\n'
    )
    found = read([str(path)])
    assert counts(found) == (1, 0, 1, 0)
    assert (found.found.start, found.found.end) == (START, START + timedelta(hours=3))


def test_numbers_of_azure_diagnostics_are_real(tmp_path: Path) -> None:
    row = {
        "TimeGenerated": "2026-03-04T09:15:27Z",
        "backendUrl_s": "https://orders.example/",
        "backendResponseCode_d": 200.0,
        "Category": "GatewayLogs",
    }
    found = read([str(write(tmp_path, row))])
    assert found.traffic["last_success"].notna().all()


def test_the_dialects_differ(tmp_path: Path) -> None:
    blob, table = shape_of(write(tmp_path, answered())), shape_of(write(tmp_path, _pascal(), name="t"))
    assert isinstance(blob, Shape)
    assert isinstance(table, Shape)
    assert (blob.dialect, table.dialect) == (RESOURCE_LOG, TABLE)


def _pascal() -> dict[str, Any]:
    return {"TimeGenerated": "2026-03-04T09:15:27Z", "BackendUrl": "https://orders.example/", "ApiId": "a"}


def test_an_error_under_any_known_name_counts(tmp_path: Path) -> None:
    spelled = [
        ("LastErrorReason_s", "LastErrorSource_s"),
        ("ErrorReason_s", "LastErrorSource"),
        ("lasterror_reason", "x"),
    ]
    rows = [{**_pascal(), reason: FAILED, source: "forward-request"} for reason, source in spelled]
    nested = {**_pascal(), "LastError": error()}
    for record in (*rows, nested):
        assert counts(read([str(write(tmp_path, record))])) == (1, 0, 0, 0), record


def test_frames_are_typed_whatever_was_read(tmp_path: Path) -> None:
    nothing, something = read([str(write(tmp_path, ""))]), read([str(write(tmp_path, failed()))])
    for name in ("failures", "traffic", "affected", "gateways"):
        assert getattr(nothing, name).dtypes.map(str).to_dict() == getattr(something, name).dtypes.map(str).to_dict()
        assert isinstance(getattr(nothing, name), pd.DataFrame)
