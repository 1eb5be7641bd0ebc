"""What our own query counts in a workspace is what reading the same rows counts; rows that cannot be are rejected."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from analyzer.lab import logs
from analyzer.lab.exports import overflowing_row
from analyzer.lab.logs import Event, LoggedError
from analyzer.lab.rows import Row
from analyzer.model import Window
from analyzer.sources import read, tallied
from analyzer.sources.careful import LogFile
from analyzer.sources.files import database
from analyzer.sources.items import Item, Record, Reject
from analyzer.sources.paths import find
from analyzer.sources.settling import settle
from analyzer.sources.shapes import SHAPES, Shape
from analyzer.tally import Tally
from tests.queries.executed import answer, as_csv
from tests.sources.build import TRUST, counts
from tests.sources.test_shapes import shape_of

TALLY = "failures-tally"
START = datetime(2026, 3, 14, 9, 15, 27, 441000, UTC)


def events() -> list[Event]:
    """Every kind of record that the query has to tell apart, and errors in every place."""
    made = [
        logs.failure("orders.example", TRUST, START, backend_id="orders"),
        logs.failure("orders.example", TRUST, START + timedelta(minutes=50), elapsed=21_030, backend_id="orders"),
        logs.failure("192.0.2.7", f"{TRUST} https://a.example/x?sig=CANARY&y=1 key=CANARY2 (Bearer CANARY3)", START),
        logs.failure(None, "Error connecting to 192.0.2.10:3001", START, gateway=logs.SELF_HOSTED),
        logs.failure("svc.example", "x" * 5_000, START + timedelta(minutes=3)),
        *(logs.success("orders.example", START + timedelta(minutes=m)) for m in (1, 2, 70)),
        *(
            logs.lookalike(kind, "orders.example", START + timedelta(minutes=5 + i))
            for i, kind in enumerate(logs.Lookalike)
        ),
    ]
    made += [logs.overwritten(replace(made[0], time=START + timedelta(minutes=20)))]
    made += [logs.failed_over(replace(made[1], time=START + timedelta(minutes=21)), "second.example")]
    policy = LoggedError(source="choose", reason="ExpressionValueEvaluationFailure", message="no", section="inbound")
    send = LoggedError(source="send-request", reason="BackendConnectionFailure", message="Error connecting to s:1")
    bare = replace(made[0].errors[0], source="", section="")
    again = replace(made[0].errors[0], message="No such host is known. (other.example:443)", elapsed=7)
    for minute, errors in enumerate(
        [(policy,), (send,), (send, policy), (bare,), (again, made[0].errors[0], policy), (again, send), (bare, policy)]
    ):
        at = START + timedelta(minutes=30, seconds=minute)
        made.append(
            replace(made[0], errors=errors, time=at, correlation_id=f"{made[0].correlation_id[:-2]}{minute:02}")
        )
    return made


def as_az(rows: list[Row]) -> str:
    return json.dumps([{"TableName": "PrimaryResult", **{k: str(v) for k, v in row.items()}} for row in rows], indent=1)


def as_answer(rows: list[Row]) -> str:
    columns = [{"name": name, "type": "string"} for name in rows[0]]
    return json.dumps(
        {"tables": [{"name": "PrimaryResult", "columns": columns, "rows": [[*r.values()] for r in rows]}]}
    )


def as_kusto(rows: list[Row]) -> str:
    columns = [{"ColumnName": name} for name in rows[0]]
    return json.dumps({"Tables": [{"TableName": "T", "Columns": columns, "Rows": [[*r.values()] for r in rows]}]})


def as_frames(rows: list[Row]) -> str:
    table = {"Columns": [{"ColumnName": name} for name in rows[0]], "Rows": [[*r.values()] for r in rows]}
    frame = {"FrameType": "DataTable", "TableId": 1, "TableKind": "PrimaryResult", **table}
    return json.dumps([{"FrameType": "DataSetHeader"}, frame])


def as_lines(rows: list[Row]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


WRITERS: dict[str, Callable[[list[Row]], str]] = {
    "CSV": as_csv,
    "az": as_az,
    "answer": as_answer,
    "kusto": as_kusto,
    "frames": as_frames,
    "lines": as_lines,
}


def counted(folder: Path, path: Path, shape: Shape | None = None) -> Tally:
    """The tally of a file with the query's result."""
    found = shape or shape_of(path)
    assert isinstance(found, Shape)
    assert found.tallied
    file = LogFile(found=find([str(path)], workspace=folder)[0], shape=found, plain=True)
    with database(folder) as db, path.open("rb") as stream:
        rows = []
        for one in found.items(stream):
            if isinstance(one, Record):
                rows.append({key: str(value) for key, value in one.value.items()})
            else:
                file.reject(one)
        tallied.insert(db, 0, rows)
        return settle(db, (file,), Window())


def same(one: Tally, other: Tally) -> None:
    for name in ("failures", "traffic", "affected", "gateways"):
        assert_frame_equal(getattr(one, name), getattr(other, name))
    assert one.intake.lookalike_reasons == other.intake.lookalike_reasons
    assert one.intake.send_request == other.intake.send_request
    assert counts(one) == counts(other)
    assert one.found == other.found


def read_rows(folder: Path, rows: Iterable[Row]) -> Tally:
    path = folder / "rows.json"
    path.write_text(as_lines(list(rows)), encoding="utf-8")
    return read([str(path)])


TABLES: dict[str, Callable[[list[Event]], dict[str, list[Row]]]] = {
    "specific": lambda of: {"ApiManagementGatewayLogs": [*map(logs.resource_row, of)]},
    "legacy": lambda of: {"AzureDiagnostics": [*map(logs.diagnostics_row, of)]},
    "overflown": lambda of: {"AzureDiagnostics": [*map(overflowing_row, of)]},
    "without errors": lambda of: {"ApiManagementGatewayLogs": [{**logs.resource_row(e), "Errors": None} for e in of]},
    "by hour": lambda of: {
        "ApiManagementGatewayLogs": [logs.resource_row(e) for e in of if e.time.hour == START.hour],
        "AzureDiagnostics": [logs.diagnostics_row(e) for e in of if e.time.hour != START.hour],
    },
}


@pytest.mark.parametrize("name", TABLES)
def test_the_query_counts_what_reading_the_rows_counts(tmp_path: Path, name: str) -> None:
    tables = TABLES[name](events())
    path = tmp_path / "query_data.csv"
    path.write_text(as_csv(answer(TALLY, tables)), encoding="utf-8", newline="")
    expected = read_rows(tmp_path, (row for rows in tables.values() for row in rows))
    assert min(counts(expected)[:3]) > 2
    same(counted(tmp_path, path), expected)


@pytest.mark.parametrize("name", WRITERS)
def test_the_result_is_read_in_every_shape(tmp_path: Path, name: str) -> None:
    tables = TABLES["specific"](events())
    path = tmp_path / "result"
    path.write_text(WRITERS[name](answer(TALLY, tables)), encoding="utf-8", newline="")
    same(counted(tmp_path, path), read_rows(tmp_path, tables["ApiManagementGatewayLogs"]))


def test_an_hour_that_both_tables_hold_counts_once(tmp_path: Path) -> None:
    both = {name: rows for which in ("specific", "legacy") for name, rows in TABLES[which](events()).items()}
    path = tmp_path / "result.csv"
    path.write_text(as_csv(answer(TALLY, both)), encoding="utf-8", newline="")
    same(counted(tmp_path, path), read_rows(tmp_path, both["ApiManagementGatewayLogs"]))


def test_no_secret_leaves_the_workspace() -> None:
    result = json.dumps(answer(TALLY, TABLES["specific"](events())))
    assert "a.example/x" in result
    assert "CANARY" not in result


def test_a_workspace_without_a_record_has_no_row() -> None:
    assert answer(TALLY, {}) == []


def row(**changes: object) -> Row:
    """A row of one failure."""
    made: Row = dict.fromkeys(("Label", "Resource", "Sku", "BackendId", "Dimension", "Value"), "")
    made |= {
        "TallyVersion": 1,
        "Class": "failure",
        "ResourceId": "/subscriptions/s/x",
        "Region": "West Europe",
        "Origin": "https://orders.example",
        "Answered": "False",
        "Hour": "2026-03-04T09:00:00.0000000Z",
        "Message": TRUST,
        "ElapsedBucket": "100",
        "Count": 3,
        "First": "2026-03-04T09:15:27.4418203Z",
        "Last": "2026-03-04T09:16:27.4418203Z",
        "FirstId": "a",
        "LastId": "b",
    }
    return made | changes


def items(*rows: Row) -> Iterator[Item]:
    shape = next(s for s in SHAPES if s.tallied)
    return shape.items(io.BytesIO(as_lines(list(rows)).encode()))


def test_a_good_row_is_one_of_the_table() -> None:
    (one,) = items(row())
    assert isinstance(one, Record)
    assert tuple(one.value) == tallied.COLUMNS


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"Count": 0}, "Count"),
        ({"Count": -1}, "Count"),
        ({"Count": 1.5}, "Count"),
        ({"Count": "9" * 40}, "Count"),
        ({"Count": "٣"}, "Count"),
        ({"Count": None}, "Count"),
        ({"Class": "left"}, "Class"),
        ({"Class": "outside"}, "Class"),
        ({"Dimension": "api"}, "Value"),
        ({"Dimension": "user", "Value": "x"}, "Dimension"),
        ({"Dimension": "api", "Value": "x", "Class": "other"}, "Dimension"),
        ({"First": "yesterday"}, "First"),
        ({"First": "0001-01-01"}, "First"),
        ({"Last": "2026-03-04T09:14:27Z"}, "Last"),
        ({"Hour": ""}, "Hour"),
        ({"Answered": "perhaps"}, "Answered"),
        ({"ElapsedBucket": "101"}, "ElapsedBucket"),
    ],
)
def test_a_row_that_cannot_be_is_rejected(changes: Row, column: str) -> None:
    bad, good = items(row(**changes), row())
    assert isinstance(bad, Reject)
    assert bad.why == f"a tally row whose {column} cannot be"
    assert isinstance(good, Record)


def test_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(as_lines([row(TallyVersion=2)]), encoding="utf-8")
    assert shape_of(path) == "a tally of version 2, where 1 is read: run the query that came with this apim-triage"
    (one,) = items(row(TallyVersion="=cmd|x"))
    assert isinstance(one, Reject)
    assert "an unknown version" in one.why


def test_a_result_of_no_row_is_read(tmp_path: Path) -> None:
    path = tmp_path / "result.csv"
    path.write_text(",".join(row()) + "\n", encoding="utf-8")
    assert counts(counted(tmp_path, path)) == (0, 0, 0, 0)
